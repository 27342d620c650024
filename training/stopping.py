"""A run ends when it is told to, and leaves no process behind.

A signal is raised as an exception in the main thread, wherever that is: weights and checkpoints are written at once or
not at all, so there is nothing to wait for, and the run goes on from its last whole pass when the same command is given
again.
"""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import threading
import time
from collections.abc import Iterator
from types import FrameType
from typing import NoReturn

__all__ = ["Stopped", "begin_worker", "end_with", "stop_if_asked", "stoppable"]

SIGNALS = (signal.SIGTERM, signal.SIGINT)


class Stopped(BaseException):
    """Raised in the main thread by a signal that ends the run; no error, and nothing that catches errors catches it.

    Attributes
    ----------
    signal : signal.Signals
        Which.
    """

    def __init__(self, number: int) -> None:
        self.signal = signal.Signals(number)
        super().__init__(self.signal.name)


_asked: list[int] = []
"""The signal that was received, for where its exception was lost: one raised within a destructor is."""


def _stop(number: int, _: FrameType | None) -> NoReturn:
    _asked.append(number)
    for other in SIGNALS:
        signal.signal(other, signal.SIG_DFL)  # a second one ends the process where it stands
    raise Stopped(number)


@contextlib.contextmanager
def stoppable() -> Iterator[None]:
    """Have SIGTERM and SIGINT (Ctrl-C) raise `Stopped`; elsewhere than in the main thread, do nothing."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _asked.clear()
    before = {number: signal.signal(number, _stop) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        _asked.clear()


def stop_if_asked() -> None:
    """Raise `Stopped` again where a signal was received and the exception did not end the run."""
    if _asked:
        raise Stopped(_asked[0])


@functools.cache
def end_with(parent: int) -> None:
    """End this process when its parent is gone, however the parent ended.

    Parameters
    ----------
    parent : int
        Its process number.
    """

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1.0)
        os._exit(1)

    threading.Thread(target=watch, daemon=True, name="end with parent").start()


def begin_worker(parent: int) -> None:
    """Make a process of a pool end with its parent, and leave Ctrl-C, which reaches both, to the parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    end_with(parent)
