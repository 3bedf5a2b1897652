"""Computing that gives way to everything else on the machine, in a process that has stepped back already.

A process of the lowest niceness still keeps a waking thread of another one from its core for milliseconds. In the
idle class it does not. But what is in the idle class may stand still for minutes on a busy machine, and must hold no lock
meanwhile: so the class is a thread's that only computes, or a whole engine's, and never that of a process that has a database.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from contextvars import copy_context
from typing import TypeVar

T = TypeVar("T")

NICEST = 19
"""The niceness of a process that has stepped back."""


def stepped_back() -> bool:
    """Tell whether this process has the lowest niceness, and the system knows the idle class."""
    return hasattr(os, "SCHED_IDLE") and os.getpriority(os.PRIO_PROCESS, 0) >= NICEST


def to_idle_class() -> None:
    """Put the calling thread, and those that it starts, in the idle class; it never comes back without privileges."""
    with suppress(OSError):  # a sandbox may forbid it; niceness is what is left then
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def aside(compute: Callable[[], T]) -> T:
    """Compute in a thread of the idle class where this process has stepped back; else here.

    Where the wait for it is broken off (Ctrl-C, a request to end), it ends as by SystemExit at its next step, and is waited for.

    Args:
        compute: Holds no lock that anybody else waits for.

    Returns:
        What it returns.

    Raises:
        BaseException: What it raises, or what broke the wait off.
    """
    if not stepped_back():
        return compute()
    outcome: Future[T] = Future()
    context = copy_context()

    def run() -> None:
        to_idle_class()
        try:
            outcome.set_result(context.run(compute))
        except BaseException as error:  # all of them are the caller's
            outcome.set_exception(error)

    thread = threading.Thread(target=run, name="aside", daemon=True)
    thread.start()
    try:
        return outcome.result()
    finally:
        if not outcome.done() and thread.ident:
            ctypes.pythonapi.PyThreadState_SetAsyncExc(
                ctypes.c_ulong(thread.ident), ctypes.py_object(SystemExit)
            )
        thread.join()
