"""The riddle section of the morning: read from a night's own reports, shown on every face, absent on old nights."""

import io
import json
from dataclasses import asdict, replace

import pytest
from rich.console import Console

from nightschool.codec import from_json, from_plain, to_json, to_plain
from nightschool.config import ExamConfig
from nightschool.exam.riddles import riddle_bank
from nightschool.exam.sit import sit
from nightschool.morning import gather_morning
from nightschool.registry.nights import open_night
from nightschool.report.page import build_page
from nightschool.report.png import draw_png
from nightschool.report.table import print_table
from nightschool.types import Bank, BankKind, Item, Report
from nightschool.verify.judge import grade
from nightschool.wire import open_school
from nightschool.workspace import Workspace

BANK = riddle_bank("night-0001", 96)


class Likes:
    """Finds one choice of each question likely."""

    def __init__(self, liked):
        self.liked = liked

    def score(self, asked, *, progress=None):
        return [[0.0 if self.liked[prompt[-1].content] == a else -9.0] for prompt, a in asked]


def reads(item):
    return item.answers[0]


def recites(item):
    return next(i.answers[0] for i in BANK.items if (i.pair, i.form) == (item.pair, "familiar"))


def sat(version, choose, banks=(BANK,)):
    likes = Likes({item.question: choose(item) for bank in banks for item in bank.items})
    return sit(
        likes, banks, version_id=version, night="night-0001", tenant="default", config=ExamConfig(), grade=grade
    )  # fmt: skip


@pytest.fixture
def school(tmp_path):
    return open_school(Workspace.create(tmp_path / "school", "").root)


def lived(school, candidate, live=None, base=None, bank=BANK):
    """Write down what a night leaves behind."""
    night = open_night(school.workspace, "default")
    if bank:
        school.exams.save_bank(bank)
    for name, report in (("candidate", candidate), ("live", live), ("base", base)):
        if report:
            night.artifact(f"report-{name}.json", lambda report=report: to_json(report))
            school.exams.save_report(report)
    night.finish("refused")
    return gather_morning(school)


def table(morning):
    console = Console(file=io.StringIO(), width=140)
    print_table(morning, console)
    return console.file.getvalue()


def test_a_night_that_widens_the_gap_is_flagged_everywhere(school):
    morning = lived(school, sat("ver-2", recites), live=sat("ver-1", reads))
    found = morning.riddles
    assert (found.reference, found.widened, found.change.n) == ("ver-1", True, 42)
    assert (found.gap_before.value, found.gap.value) == (0, 1)
    rows = {row.name: row for row in found.rows}
    assert (rows["altered"].before.value, rows["altered"].after.value) == (1, 0)
    assert (rows["well-known"].alike_before.value, rows["well-known"].alike.value) == (1, 0)
    assert json.loads(json.dumps(asdict(morning)))["riddles"]["widened"] is True
    for shown in (build_page(morning), table(morning)):
        assert "significantly wider" in " ".join(shown.split())
    assert draw_png(morning).startswith(b"\x89PNG")


def test_a_night_that_changes_nothing_is_not_flagged_and_the_base_is_the_first_reference(school):
    morning = lived(school, sat("ver-1", recites), base=sat("base", recites))
    assert (morning.riddles.reference, morning.riddles.widened) == ("base", False)
    assert morning.riddles.change.value == 0
    for shown in (build_page(morning), table(morning)):
        assert "Warning" not in shown
        assert "Well-known riddles" in shown


def test_an_old_night_and_one_without_riddles_are_not_run(school):
    general = Bank("g", "default", BankKind.ACQUIRED, "night-0001", (Item("a", "A?", ("x",)),), "")
    report = Report("r-1", "default", "ver-1", "night-0001", ())
    morning = lived(school, report, base=replace(report, id="r-0"), bank=general)
    assert morning.riddles is None
    for shown in (build_page(morning), table(morning)):
        assert "Gap between familiar and altered form: not run." in " ".join(shown.split())


def test_riddles_count_in_no_other_figure(school):
    with_them = lived(school, sat("ver-1", recites), base=sat("base", reads))
    assert with_them.guards[0].version is None
    assert with_them.learnt.total == 0
    assert all(contrast.version is None for contrast in with_them.groups)


def test_banks_written_before_there_were_pairs_are_read():
    plain = to_plain(Bank("b", "default", BankKind.ACQUIRED, "n", (Item("i", "Q?", ("a",)),), ""))
    for item in plain["items"]:
        del item["pair"], item["form"]
    assert from_plain(Bank, plain).items[0].pair == ""
    assert from_json(Bank, to_json(BANK)) == BANK
