"""The run and the person watching it: a progress bar, and Ctrl-C."""

import contextlib
import signal
import sys
import threading

import tqdm


def progress_bar(num_steps, first, show):
    """Returns a bar on stderr for a terminal or a notebook; elsewhere it stays silent.

    A log file would get a line for every update, so it gets none.
    """
    watched = sys.stderr is not None and (sys.stderr.isatty() or _is_notebook(sys.stderr))
    return tqdm.tqdm(
        total=num_steps,
        initial=first,
        unit="step",
        file=sys.stderr,
        mininterval=0.25,
        dynamic_ncols=True,
        disable=not (show and watched),
    )


def _is_notebook(stream):
    return type(stream).__module__.startswith("ipykernel")


@contextlib.contextmanager
def catch_interrupt():
    """Yields a `threading.Event` that the first Ctrl-C sets; a second one raises as usual.

    A KeyboardInterrupt in the middle of a call would leave weights and history apart.
    Outside the main thread Python allows no handler, and the event is never set.
    """
    interrupted = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield interrupted
        return
    usual = signal.getsignal(signal.SIGINT)

    def handle(number, frame):
        interrupted.set()
        signal.signal(signal.SIGINT, usual)

    if usual in (None, signal.SIG_IGN):  # None: set from C, and not to be put back
        yield interrupted
        return
    signal.signal(signal.SIGINT, handle)
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, usual)
