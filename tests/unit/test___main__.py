"""The command's entry."""

import subprocess
import sys

import pytest

from nightschool.__main__ import main


def test_python_m_is_the_command():
    run = subprocess.run([sys.executable, "-m", "nightschool", "--help"], capture_output=True, text=True, check=True)  # fmt: skip
    assert "consolidate" in run.stdout


def test_an_interruption_while_it_is_loaded_leaves_no_traceback(monkeypatch):
    class Interrupted:
        def __getattr__(self, name):
            raise KeyboardInterrupt

    monkeypatch.setitem(sys.modules, "nightschool.cli.main", Interrupted())
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 130
