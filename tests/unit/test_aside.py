"""What only computes gives way in a process that has stepped back, and ends where the wait for it ends."""

import os
import signal
import subprocess
import sys
import threading
import time

import pytest

from nightschool.aside import NICEST, aside

pytestmark = pytest.mark.skipif(not hasattr(os, "SCHED_IDLE"), reason="no idle class")


def stepped_back(code: str, **how) -> subprocess.Popen[str]:
    """Start Python in a process of the lowest niceness."""
    body = f"import os, time\nfrom nightschool.aside import aside\nos.nice({NICEST})\n{code}"
    return subprocess.Popen([sys.executable, "-c", body], stdout=subprocess.PIPE, text=True, **how)


def test_it_computes_where_it_is_called_in_an_ordinary_process():
    assert aside(threading.get_ident) == threading.get_ident()


def test_it_computes_in_the_idle_class_and_the_process_stays_out_of_it():
    told = stepped_back(
        "print(aside(lambda: os.sched_getscheduler(0)) == os.SCHED_IDLE, os.sched_getscheduler(0) == os.SCHED_OTHER)"
    )
    assert told.communicate(timeout=60)[0].split() == ["True", "True"]


def test_what_it_raises_is_raised():
    told = stepped_back(
        "try:\n  aside(lambda: {}['gone'])\nexcept KeyError as error:\n  print(error)"
    )
    assert told.communicate(timeout=60)[0].strip() == "'gone'"


def test_it_cleans_up_where_the_wait_is_broken_off():
    told = stepped_back(
        "import signal\n"
        "def leave(*_): raise SystemExit(7)\n"
        "signal.signal(signal.SIGTERM, leave)\n"
        "def compute():\n"
        "  try:\n"
        "    print('begun', flush=True)\n"
        "    while True: time.sleep(0.01)\n"
        "  finally:\n"
        "    print('cleaned', flush=True)\n"
        "aside(compute)"
    )
    assert told.stdout
    assert told.stdout.readline() == "begun\n"
    time.sleep(0.05)
    told.send_signal(signal.SIGTERM)
    assert told.communicate(timeout=60)[0] == "cleaned\n"
    assert told.returncode == 7
