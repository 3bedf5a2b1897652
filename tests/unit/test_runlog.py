"""Long work says when it begins and how long it took, also where there is no terminal."""

import pytest

from nightschool.runlog import progress_bar


def test_without_a_terminal_a_line_opens_and_closes_the_work(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with progress_bar("training") as report:
        report(1, 2)
        assert capsys.readouterr().err == "training ...\n"
    shown = capsys.readouterr()
    assert shown.err.startswith("training: ")
    assert shown.err.endswith(" s\n")
    assert shown.out == ""


def test_quiet_work_says_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    with progress_bar("training", quiet=True) as report:
        report(1, 2)
    assert capsys.readouterr() == ("", "")
