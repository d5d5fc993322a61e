"""Signals that end a command: by an exception, which ends the tools that run, else after a while by themselves."""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

ENDED = 128  # added to the number of the signal that ended a command, as shells do
GRACE_S = 20  # in which a command may clean up
_ENDING = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}


@contextmanager
def ending_signals(give_up: Callable[[], object]) -> Iterator[None]:
    """End what is done meanwhile at a signal.

    Python's handlers run between its own instructions. A library that waits or computes without end lets none come;
    then the process ends all the same.

    Args:
        give_up: called in the end, and before the process is ended.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in _ENDING - {signal.SIGINT}}
    for number, handler in before.items():
        if handler != signal.SIG_IGN:  # as nohup has it
            signal.signal(number, lambda which, _: sys.exit(ENDED + which))
    heard, hears = os.pipe()
    os.set_blocking(hears, False)
    earlier = signal.set_wakeup_fd(hears, warn_on_full_buffer=False)
    threading.Thread(target=_watch, args=(heard, give_up), daemon=True).start()
    try:
        yield
    finally:
        give_up()
        signal.set_wakeup_fd(earlier)
        os.close(hears)
        for number, handler in before.items():
            signal.signal(number, handler or signal.SIG_DFL)


def _watch(heard: int, give_up: Callable[[], object]) -> None:
    """End the process where its work goes on for long after a signal; the pipe is closed when the work is done."""
    while told := os.read(heard, 1):
        if told[0] in _ENDING and not _closes_in_time(heard):
            give_up()
            os._exit(ENDED + told[0])
    os.close(heard)


def _closes_in_time(heard: int) -> bool:
    end = time.monotonic() + GRACE_S
    while (left := end - time.monotonic()) > 0:
        if select.select([heard], [], [], left)[0] and not os.read(heard, 1):
            return True
    return False


def _forget_watch() -> None:
    """Let no signal to a process that this one forked be taken for one to this one."""
    with suppress(ValueError):
        signal.set_wakeup_fd(-1)


os.register_at_fork(after_in_child=_forget_watch)
