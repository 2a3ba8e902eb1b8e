"""Downloads that go on after a cut, and show a file only when it is whole and the right one."""

import hashlib
import os
import shutil
import tarfile
import time
import urllib.parse
import uuid
import zlib
from dataclasses import dataclass
from pathlib import Path

import filelock
import platformdirs
import requests
import tqdm

CONNECT_SECONDS, STALL_SECONDS, PAUSE_SECONDS = 10, 30, 1
ATTEMPTS, MAX_REDIRECTS, CHUNK = 5, 5, 1 << 16


class DownloadError(OSError):
    """A file could not be had; the message says what, from where, and how to place it by hand."""


@dataclass(frozen=True)
class RemoteFile:
    """A file that lives elsewhere.

    Attributes:
      name: Where it lies in the folder of downloads, such as 'mnist/train-labels-idx1-ubyte.gz'.
      url: Where it comes from; https, or http from this machine itself.
      megabytes: About how large it is, in units of 10^6 bytes.
      checksum: 'sha256:...' or 'md5:...', in hexadecimal.
    """

    name: str
    url: str
    megabytes: float
    checksum: str

    def path(self):
        """Returns where it lies once it is here."""
        return folder() / self.name


def folder():
    """Returns the folder of all downloads: $NORMFLOWS_TUT_DATA, or one in the user's cache."""
    named = os.environ.get("NORMFLOWS_TUT_DATA")
    return Path(named).expanduser() if named else platformdirs.user_cache_path("normflows_tut")


def fetch(remote, *, progress=True):
    """Returns the path of a `RemoteFile`, downloaded if it is not there yet.

    What arrives is written beside its place, into a file that ends in `.part`, and moved there
    when the checksum is right; a `.part` that a cut has left is gone on with. A second process
    that wants the same file waits for the first.

    Args:
      remote: The `RemoteFile`.
      progress: Whether a progress bar is shown.

    Returns:
      `pathlib.Path` of the whole file.

    Raises:
      DownloadError: The network, the server, the disk or the file is not as it should be. What
        was there before is still there.
    """
    path = remote.path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with filelock.FileLock(f"{path}.lock"):
            if not path.exists():
                _download(remote, path, progress)
            elif wrong := difference(path, remote.checksum):
                raise DownloadError(
                    f"{path} is refused: {wrong}. Move it away, and it is downloaded anew."
                )
    except DownloadError:
        raise
    except OSError as error:  # a full disk, a folder that cannot be written
        raise DownloadError(
            f"{remote.name} (about {remote.megabytes:,.1f} MB) cannot be kept at {path}: {error}. "
            "The variable NORMFLOWS_TUT_DATA may name another folder."
        ) from error
    return path


def unpack(remote, members, *, progress=True):
    """Returns the paths of some members of a `RemoteFile`, a .tar.gz, unpacked if they are not yet.

    No path from the archive is written to: each member goes to a name made from `members`.

    Args:
      remote: The `RemoteFile`.
      members: Names in the archive, of regular files.
      progress: Whether a progress bar is shown.

    Returns:
      A list of `pathlib.Path`s, in the order of `members`.

    Raises:
      DownloadError: As in `fetch`, or the archive is damaged or lacks a member.
    """
    place = remote.path().with_name(remote.path().name + ".unpacked")
    paths = [place / member.replace("/", "_") for member in members]
    if all(path.exists() for path in paths):
        return paths
    archive = fetch(remote, progress=progress)
    place.mkdir(exist_ok=True)
    with filelock.FileLock(f"{place}.lock"):
        missing = {m: p for m, p in zip(members, paths, strict=True) if not p.exists()}
        try:
            with tarfile.open(archive, "r:gz") as tar:
                for member in tar:
                    if member.isfile() and member.name in missing:
                        _write_whole(tar.extractfile(member), missing.pop(member.name))
                    if not missing:
                        break
        except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
            raise DownloadError(f"{archive} cannot be unpacked: {error}.") from error
    if missing:
        raise DownloadError(f"{archive} has no file {', '.join(missing)}.")
    return paths


def difference(path, checksum):
    """Returns in what way a file is not the one with this checksum, or None."""
    kind, expected = checksum.split(":")
    with path.open("rb") as file:
        if looks_like_a_web_page(file.read(512)):
            return "it is a web page, perhaps one that says that a quota is used up"
        file.seek(0)
        found = hashlib.file_digest(file, kind).hexdigest()
    if found == expected:
        return None
    return f"it has {path.stat().st_size:,} bytes and the {kind} {found}, not {expected}"


def looks_like_a_web_page(beginning):
    """Returns whether a file that begins with these bytes is HTML."""
    return beginning.lstrip().lower().startswith((b"<!doctype", b"<html", b"<head", b"<?xml"))


def _write_whole(source, path):
    aside = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
    try:
        with aside.open("wb") as file:
            shutil.copyfileobj(source, file, CHUNK)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def _download(remote, path, progress):
    part = path.with_name(path.name + ".part")
    fruitless = 0
    while fruitless < ATTEMPTS:
        before = _size(part)
        try:
            _receive(remote, part, progress)
        except requests.RequestException as error:
            # A connection that is cut again and again may still bring the whole, piece by piece.
            fruitless = 0 if _size(part) > before else fruitless + 1
            reason = f"{type(error).__name__}: {error}"
            if isinstance(error, requests.HTTPError) and error.response.status_code < 500:
                break
            if fruitless < ATTEMPTS:
                time.sleep(PAUSE_SECONDS * fruitless)
            continue
        wrong = difference(part, remote.checksum)
        if wrong is None:
            part.replace(path)
            return
        part.unlink()
        reason = f"what came is another file: {wrong}"
        if before == 0:
            break
        # The piece that an earlier run had left may have been the wrong one: once more, from 0.
    raise _refused(remote, reason)


def _size(path):
    return path.stat().st_size if path.exists() else 0


def _receive(remote, part, progress):
    """Asks for what `part` lacks, and adds it."""
    have = _size(part)
    headers = {"Accept-Encoding": "identity"} | ({"Range": f"bytes={have}-"} if have else {})
    with _open(remote, headers) as response:
        if (
            response.status_code == 416 and have
        ):  # there is nothing behind what we have: it may be whole
            return
        response.raise_for_status()
        if response.status_code == 206:
            if not response.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
                part.unlink(missing_ok=True)
                raise requests.ConnectionError("the server sends another part than asked for")
        else:
            if have and response.headers.get("Content-Type", "").startswith("text/html"):
                raise _refused(remote, "the server sends a web page; what was there before stays")
            have = 0
        _write_body(remote, response, part, have, progress)


def _write_body(remote, response, part, have, progress):
    length = response.headers.get("Content-Length", "")
    total = have + int(length) if length.isdigit() else None
    most = 1.1e6 * remote.megabytes + 1e6  # an endless answer must not fill the disk
    bar = tqdm.tqdm(
        total=total,
        initial=have,
        unit="B",
        unit_scale=True,
        desc=remote.name,
        disable=not progress,
    )
    with bar, part.open("ab" if have else "wb") as file:
        for chunk in response.iter_content(CHUNK):
            if file.tell() + len(chunk) > most:
                raise _refused(remote, f"the server sends more than {most / 1e6:,.1f} MB")
            file.write(chunk)
            bar.update(len(chunk))
        if total is not None and file.tell() < total:
            raise requests.ConnectionError("the connection was cut")


def _open(remote, headers):
    """Returns the response; every redirection is followed only to an address that is allowed."""
    url = remote.url
    for _ in range(MAX_REDIRECTS + 1):
        _check_address(remote, url)
        try:
            response = requests.get(
                url,
                headers=headers,
                stream=True,
                allow_redirects=False,
                timeout=(CONNECT_SECONDS, STALL_SECONDS),
            )
        except requests.RequestException:
            raise
        except ValueError as error:  # of a redirection that is no address
            raise _refused(remote, f"{url} leads nowhere: {error}") from None
        if not response.is_redirect:
            return response
        response.close()
        url = urllib.parse.urljoin(url, response.headers["Location"])
    raise _refused(remote, f"more than {MAX_REDIRECTS} redirections")


def _check_address(remote, url):
    asked, parts = (urllib.parse.urlsplit(address) for address in (remote.url, url))
    # A redirection from elsewhere must not lead to what only this machine can reach.
    here = all(each.hostname in ("127.0.0.1", "localhost", "::1") for each in (asked, parts))
    if parts.scheme != "https" and not (parts.scheme == "http" and here):
        raise _refused(remote, f"only https is used, and it leads to {url}")


def _refused(remote, reason):
    return DownloadError(
        f"{remote.name} (about {remote.megabytes:,.1f} MB) could not be had from {remote.url}: "
        f"{reason}. To place it by hand, put the file at {remote.path()}."
    )
