"""Downloads, against a server on this machine that cuts, lies, stalls and redirects."""

import gzip
import hashlib
import http.server
import io
import subprocess
import sys
import tarfile
import threading

import pytest

from normflows_tut.datasets import DownloadError, _download

CONTENT = bytes(range(256)) * 20_000  # 5 MB


class Server(http.server.ThreadingHTTPServer):
    """Serves CONTENT at any path; the path's first part says how badly."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked = []  # (path, Range header) of every request
        self.released = threading.Event()

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server_port}"


class Handler(http.server.BaseHTTPRequestHandler):
    """One request."""

    def log_message(self, *arguments):
        """Says nothing."""

    def do_GET(self):
        ranged = self.headers.get("Range")
        self.server.asked.append((self.path, ranged))
        kind = self.path.split("/")[1]
        start = int(ranged.removeprefix("bytes=").rstrip("-")) if ranged else 0
        getattr(self, f"_{kind}")(start)

    def _answer(self, body, start=0, total=None, status=None, **headers):
        self.send_response(status or (206 if start else 200))
        self.send_header("Content-Length", str(len(body) if total is None else total))
        if start:
            whole = start + len(body)
            self.send_header("Content-Range", f"bytes {start}-{whole - 1}/{whole}")
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def _good(self, start):
        if start >= len(CONTENT):
            self.send_error(416)
        else:
            self._answer(CONTENT[start:], start)

    def _cut(self, start):
        """Two megabytes at a time."""
        body = CONTENT[start : start + 32 * _download.CHUNK]
        self._answer(body, start, total=len(CONTENT) - start)
        self.close_connection = True

    def _dead(self, start):
        """Nothing but a promise."""
        self._answer(b"", total=len(CONTENT))
        self.close_connection = True

    def _deaf(self, start):
        """No idea of ranges."""
        self._answer(CONTENT)

    def _elsewhere(self, start):
        """Another part than was asked for."""
        self._answer(CONTENT[:100], start=7)

    def _lie(self, start):
        self._answer(b"x" * len(CONTENT))

    def _quota(self, start):
        self._answer(b"<!DOCTYPE html><title>Quota exceeded</title>", Content_Type="text/html")

    def _endless(self, start):
        self.send_response(200)
        self.end_headers()
        try:
            while True:
                self.wfile.write(b"x" * 100_000)
        except OSError:
            pass  # hung up on

    def _stall(self, start):
        self.send_response(200)
        self.send_header("Content-Length", str(len(CONTENT)))
        self.end_headers()
        self.wfile.write(CONTENT[:1000])
        self.server.released.wait(20)

    def _slow(self, start):
        self.server.released.wait(0.5)
        self._answer(CONTENT)

    def _moved(self, start):
        self._answer(b"", status=302, Location="/good/there")

    def _loop(self, start):
        self._answer(b"", status=302, Location="/loop/again")

    def _out(self, start):
        self._answer(b"", status=302, Location="http://example.com/data")

    def _nowhere(self, start):
        self._answer(b"", status=302, Location="http://[bad")

    def _behind(self, start):
        """Nothing there, whatever is asked for."""
        self.send_error(416)

    def _missing(self, start):
        self.send_error(404)

    def _broken(self, start):
        self.send_error(503)


@pytest.fixture
def server(monkeypatch, tmp_path):
    monkeypatch.setenv("NORMFLOWS_TUT_DATA", str(tmp_path))
    monkeypatch.setattr(_download, "PAUSE_SECONDS", 0)
    server = Server()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.released.set()
    server.shutdown()
    server.server_close()


def remote(server, kind, content=CONTENT, name="set/file.bin"):
    checksum = f"sha256:{hashlib.sha256(content).hexdigest()}"
    return _download.RemoteFile(name, f"{server.address}/{kind}/x", len(content) / 1e6, checksum)


def fetch(file):
    return _download.fetch(file, progress=False)


@pytest.mark.parametrize("kind", ["good", "deaf", "cut", "moved"])
def test_the_file_arrives_whole(server, kind, tmp_path):
    path = fetch(remote(server, kind))
    assert path == tmp_path / "set" / "file.bin"
    assert path.read_bytes() == CONTENT
    count = len(server.asked)
    assert fetch(remote(server, kind)) == path
    assert len(server.asked) == count, "what is here is not asked for again"
    assert [p.name for p in path.parent.iterdir() if p.suffix == ".part"] == []


def test_it_goes_on_where_it_was_cut(server, tmp_path):
    part = tmp_path / "set" / "file.bin.part"
    part.parent.mkdir()
    part.write_bytes(CONTENT[:3_000_000])
    fetch(remote(server, "good"))
    assert server.asked == [("/good/x", "bytes=3000000-")]
    fetch(remote(server, "cut", name="set/other.bin"))
    assert [r for path, r in server.asked[1:]] == [None, "bytes=2097152-", "bytes=4194304-"]


def test_a_web_page_does_not_replace_what_is_here(server, tmp_path):
    part = tmp_path / "set" / "file.bin.part"
    part.parent.mkdir()
    part.write_bytes(CONTENT[:3_000_000])
    with pytest.raises(DownloadError, match="web page; what was there before stays"):
        fetch(remote(server, "quota"))
    assert part.read_bytes() == CONTENT[:3_000_000]


def test_another_part_than_asked_for_is_not_taken(server, tmp_path):
    part = tmp_path / "set" / "file.bin.part"
    part.parent.mkdir()
    part.write_bytes(CONTENT[:3_000_000])
    with pytest.raises(DownloadError, match="another part than asked for"):
        fetch(remote(server, "elsewhere"))


@pytest.mark.parametrize("left", [b"y" * 1000, b"y" * len(CONTENT), CONTENT + b"y"])
def test_what_an_earlier_run_left_may_be_wrong(server, tmp_path, left):
    part = tmp_path / "set" / "file.bin.part"
    part.parent.mkdir()
    part.write_bytes(left)
    assert fetch(remote(server, "good")).read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("dead", "ConnectionError|ChunkedEncodingError"),
        ("lie", "another file: it has 5,120,000 bytes and the sha256"),
        ("quota", "web page, perhaps one that says that a quota is used up"),
        ("endless", r"sends more than 6\.6 MB"),
        ("loop", "more than 5 redirections"),
        ("out", "only https is used, and it leads to http://example.com/data"),
        ("elsewhere", "another part than asked for"),
        ("nowhere", "leads nowhere: Invalid IPv6 URL"),
        ("behind", "416"),
        ("missing", "404"),
        ("broken", "503"),
    ],
)
def test_what_is_wrong_is_named(server, kind, reason, tmp_path):
    with pytest.raises(DownloadError, match=reason) as error:
        fetch(remote(server, kind))
    message = str(error.value)
    assert "set/file.bin (about 5.1 MB)" in message
    assert f"{server.address}/{kind}/x" in message
    assert f"put the file at {tmp_path / 'set' / 'file.bin'}" in message
    assert not (tmp_path / "set" / "file.bin").exists()


def test_a_server_that_stalls(server, monkeypatch):
    monkeypatch.setattr(_download, "STALL_SECONDS", 0.2)
    monkeypatch.setattr(_download, "ATTEMPTS", 1)
    with pytest.raises(DownloadError, match=r"[Tt]imed out"):
        fetch(remote(server, "stall"))


def test_no_network(server):
    file = remote(server, "good")
    server.server_close()
    with pytest.raises(DownloadError, match=r"about 5\.1 MB.*refused.*put the file at"):
        fetch(file)


def test_a_pause_before_asking_again(server, monkeypatch):
    pauses = []
    monkeypatch.setattr(_download, "PAUSE_SECONDS", 2)
    monkeypatch.setattr(_download.time, "sleep", pauses.append)
    with pytest.raises(DownloadError, match="503"):
        fetch(remote(server, "broken"))
    assert pauses == [2, 4, 6, 8]


def test_a_folder_that_cannot_be_used(server, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("NORMFLOWS_TUT_DATA", str(tmp_path / "file"))
    with pytest.raises(DownloadError, match=r"cannot be kept at .*NORMFLOWS_TUT_DATA may name"):
        fetch(remote(server, "good"))


def test_a_full_disk(server, monkeypatch, tmp_path):
    def full(*arguments):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_download, "_write_body", full)
    with pytest.raises(DownloadError, match=r"set/file\.bin \(about 5.*No space left"):
        fetch(remote(server, "good"))


def test_only_https_from_afar(server):
    file = _download.RemoteFile("a", "http://example.com/a", 1, "md5:00")
    with pytest.raises(DownloadError, match="only https is used"):
        fetch(file)


def test_nothing_from_afar_leads_to_this_machine():
    file = _download.RemoteFile("a", "https://example.com/a", 1, "md5:00")
    for address in ("http://127.0.0.1:631/printers", "http://localhost/a"):
        with pytest.raises(DownloadError, match="only https is used"):
            _download._check_address(file, address)


def test_a_wrong_file_in_its_place_stays_there(server, tmp_path):
    path = tmp_path / "set" / "file.bin"
    path.parent.mkdir()
    path.write_bytes(b"my own")
    with pytest.raises(DownloadError, match=r"it has 6 bytes.*Move it away"):
        fetch(remote(server, "good"))
    assert path.read_bytes() == b"my own"
    assert server.asked == []


def test_a_second_process_waits_for_the_first(server):
    file = remote(server, "slow")
    code = f"""
import importlib.util, sys
spec = importlib.util.spec_from_file_location("download", {_download.__file__!r})
module = importlib.util.module_from_spec(spec)
sys.modules["download"] = module
spec.loader.exec_module(module)
print(module.fetch(module.RemoteFile(*{(file.name, file.url, file.megabytes, file.checksum)!r})))
"""
    runs = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        for _ in range(2)
    ]
    answers = {run.communicate(timeout=60)[0].strip() for run in runs}
    assert answers == {str(file.path())}
    assert len(server.asked) == 1


def archive(members):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


@pytest.fixture
def placed(monkeypatch, tmp_path):
    """A function that places an archive where its download would be."""
    monkeypatch.setenv("NORMFLOWS_TUT_DATA", str(tmp_path / "data"))

    def place(content):
        checksum = f"md5:{hashlib.md5(content).hexdigest()}"
        file = _download.RemoteFile("set/a.tar.gz", "https://example.com/a", 1, checksum)
        file.path().parent.mkdir(parents=True)
        file.path().write_bytes(content)
        return file

    return place


def test_members_are_unpacked_and_nothing_else(placed, tmp_path):
    file = placed(archive({"d/one": b"1", "../evil": b"x", "/tmp/evil": b"x", "d/two": b"2"}))
    paths = _download.unpack(file, ["d/two", "d/one"])
    assert [path.read_bytes() for path in paths] == [b"2", b"1"]
    assert all(file.path().parent in path.parents for path in paths)
    assert not list(tmp_path.rglob("*evil*"))
    file.path().unlink()
    assert _download.unpack(file, ["d/two", "d/one"]) == paths  # and not unpacked again


def test_damaged_archives_are_refused(placed):
    whole = archive({"d/one": bytes(100_000)})
    file = placed(whole[: len(whole) // 2])
    with pytest.raises(DownloadError, match=r"a\.tar\.gz cannot be unpacked"):
        _download.unpack(file, ["d/one"])
    assert not list(file.path().parent.rglob("*.part"))


def test_a_link_is_no_member(placed):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        link = tarfile.TarInfo("d/one")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        tar.addfile(link)
    with pytest.raises(DownloadError, match=r"a\.tar\.gz has no file d/one"):
        _download.unpack(placed(buffer.getvalue()), ["d/one"])


def test_a_missing_member_is_named(placed):
    with pytest.raises(DownloadError, match=r"a\.tar\.gz has no file d/two"):
        _download.unpack(placed(archive({"d/one": b"1"})), ["d/one", "d/two"])


def test_a_web_page_is_known_by_its_beginning():
    assert _download.looks_like_a_web_page(b"\n <!DOCTYPE HTML><p>")
    assert not _download.looks_like_a_web_page(gzip.compress(b"<html>"))
