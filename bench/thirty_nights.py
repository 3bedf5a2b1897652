"""Thirty nights with about a thousand told facts, through the real loop: what is learnt, kept, changed and gone.

`python bench/thirty_nights.py --json bench/results/thirty_nights.json`

Every day facts of `world.py` are told, a few earlier ones are corrected by their owner in the memory's own sentence, and
on some days facts are forgotten (`life.py`). Every night is the product's: sealed exam, study material by rule, training,
exam, gate. Way `continue` goes on from the served version, and is built anew where nothing is served: in the first
night, after a refusal of that, and where a deletion reaches back to the base. Way `rebuild` is the reference: the days up
to a night told in a fresh workspace, and one night from the base on all that is true then (`--rebuild-at`).

The version that is *served* after a night is asked, closed-book, each fact in two wordings of the bench; that no study
material repeats them is counted. A refused night is a normal one: what it taught is not served, and counts as not
learnt right after it. Everything told is asked for every few nights (`--ask-every`), else what the day changed.

A life takes hours and, at half a gigabyte a version, 16 GB. It is kept in `--work` and may be killed at any moment: the same
command goes on in the night that it was in. Rows are written after each night, and figures state what was lived so far.
"""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from life import Life, Plan, life
from life_figures import state
from life_rows import newest_receipt, told_of
from nightschool.consolidate import consolidate
from nightschool.curate import correct
from nightschool.day import remember
from nightschool.forget import finish, forget, unfinished
from nightschool.registry.nights import Night, nights
from nightschool.runlog import progress_bar
from nightschool.types import Item, Message, Verdict
from nightschool.verify.judge import grade
from nightschool.wire import School, open_school
from nightschool.workspace import Workspace, write_atomic
from record import Record

WAYS = ("continue", "rebuild")
ANSWER_TOKENS = 32
BASE_SHARE = 5
"""The base is asked one fact in so many, and all that are forgotten."""


def main() -> None:
    """Live the nights that are not lived yet, and state the figures after each."""
    given = arguments()
    plan = Plan(
        given.nights, given.facts_a_night, given.changes, given.deletions, tuple(given.delete_at),
        tuple(given.delete_recent_at), given.seed,
    )  # fmt: skip
    settings = [f"train.seed={given.seed}", *given.settings]
    if given.expressions:
        settings.append(f"study.expressions={given.expressions}")
    if given.epochs:
        settings.append(f"train.epochs={given.epochs}")
    key = json.loads(json.dumps({**asdict(plan), "settings": settings}))
    work = given.work or given.json.with_suffix(".work")
    claim(work, key)
    lived = life(plan)
    record = Record(given.json, "thirty_nights")
    record.body["seeds"] = [given.seed]
    whole = {
        night
        for night in range(1, given.nights + 1)
        if night % given.ask_every == 0 or night in (given.nights, *given.rebuild_at)
    }

    def told(way: str, night: int, run: Callable[[], dict[str, Any]]) -> None:
        before = len(record.body["rows"])
        row = record.measure({"way": way, "night": night, **key}, run)
        if len(record.body["rows"]) > before:
            figures(record, lived, key)
            shown = ("kind", "promoted", "tokens", "train_seconds", "exam_seconds", "refused_for")
            print(way, night, {name: row[name] for name in shown if name in row}, flush=True)

    told("base", 0, lambda: base(work, lived, settings))
    if "continue" in given.ways:
        school = opened(work / "continue", settings)
        rows = sum(r["way"] == "continue" and key.items() <= r.items() for r in record.body["rows"])
        agree(school, rows)
        for night in range(1, given.nights + 1):
            told("continue", night, lambda k=night: live(school, lived, k, k in whole))
    if "rebuild" in given.ways:
        for night in sorted(set(given.rebuild_at)):
            told("rebuild", night, lambda k=night: rebuilt(work, lived, k, settings))
    figures(record, lived, key)
    print(json.dumps({name: f["value"] for name, f in record.body["figures"].items()}, indent=1))


def figures(record: Record, lived: Life, key: dict[str, Any]) -> None:
    """State and store the figures of one life's rows."""
    state(record, lived, [row for row in record.body["rows"] if key.items() <= row.items()])
    record.save()


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", type=Path, default=Path("bench/results/thirty_nights.json"))
    parser.add_argument("--work", type=Path, help="where the life is kept; default: beside --json")
    parser.add_argument("--nights", type=int, default=30)
    parser.add_argument("--facts-a-night", type=int, default=33)
    parser.add_argument("--changes", type=int, default=2, help="facts corrected a day, from day 3")
    parser.add_argument("--deletions", type=int, default=10, help="facts forgotten on such a day")
    parser.add_argument("--delete-at", type=int, nargs="*", default=[20], metavar="NIGHT", help="facts of any day before")  # fmt: skip
    parser.add_argument("--delete-recent-at", type=int, nargs="*", default=[10], metavar="NIGHT", help="facts of the last three days")  # fmt: skip
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--ways", nargs="+", default=["continue"], choices=WAYS)
    parser.add_argument("--rebuild-at", type=int, nargs="*", default=[5, 15, 30], metavar="NIGHT")
    parser.add_argument("--ask-every", type=int, default=5, help="nights between two askings of everything")  # fmt: skip
    parser.add_argument("--expressions", type=int, help="study.expressions; default: the product's")
    parser.add_argument("--epochs", type=int, help="train.epochs; default: the product's")
    parser.add_argument("--set", action="append", default=[], dest="settings")
    given = parser.parse_args()
    given.rebuild_at = [night for night in given.rebuild_at if night <= given.nights]
    return given


def claim(work: Path, key: dict[str, Any]) -> None:
    """Take a folder for one life; raises SystemExit where it holds another."""
    path = work / "life.json"
    if path.exists() and json.loads(path.read_text("utf-8")) != key:
        raise SystemExit(f"{work} holds a life of other arguments ({path}). Give another --work.")
    work.mkdir(parents=True, exist_ok=True)
    write_atomic(path, json.dumps(key))


def agree(school: School, rows: int) -> None:
    """Refuse to go on where the folder is not as far as the result file; raises SystemExit."""
    over = sum(night.outcome is not None for night in lived_nights(school))
    if over not in (rows, rows + 1):
        raise SystemExit(
            f"The result file has {rows} nights of this life, and {school.workspace.root} has {over}. "
            "Keep the two together, or give another --json and --work."
        )


def opened(root: Path, settings: Sequence[str]) -> School:
    """Open the workspace, a new one where there is none."""
    if not (root / "nightschool.toml").exists():
        Workspace.create(root, "")
    school = open_school(root, tuple(settings))
    if unfinished(school):
        finish(school)
    return school


def lived_nights(school: School) -> list[Night]:
    """Return the nights of the workspace, an unfinished one included."""
    return nights(school.workspace, school.settings.tenant)


# -- days and nights ----------------------------------------------------------------------


def live(school: School, lived: Life, night: int, whole: bool) -> dict[str, Any]:
    """Live one day and its night, as far as they are not over; return what there is to say of them."""
    done = lived_nights(school)
    if len(done) < night or done[night - 1].outcome is None:
        live_day(school, lived, night)
        nothing = school.registry.resolve(school.settings.tenant, "live") is None
        consolidate(school, kind="rebuild" if nothing else "continue", bar=progress_bar)
    day = lived.days[night - 1]
    tomorrow = lived.days[night].forgotten if night < len(lived.days) else ()
    changed = {*day.told, *day.corrected, *day.forgotten, *tomorrow}
    numbers = lived.told(night) if whole else sorted(changed)
    row = {**told_of(school, lived, night), "whole": whole}
    if day.forgotten:
        row["forgot"] = newest_receipt(school)
    return {**row, "asked": ask(school, lived, numbers, night)}


def live_day(school: School, lived: Life, night: int) -> None:
    """Forget, correct and tell what this day brings; what is done already is not done again."""
    day, yesterday = lived.days[night - 1], night - 1
    known = {m.text: m.id for m in school.store.memories(school.settings.tenant)}
    gone = [lived.text(n, yesterday) for n in day.forgotten]
    if any(text in known for text in gone):
        forget(school, [known[text] for text in gone if text in known])
    for number in day.corrected:
        old = known.get(lived.text(number, yesterday))
        if old is not None:
            correct(school, old, lived.text(number, night))
    for number in day.told:
        remember(school, lived.facts[number].text)


def rebuilt(work: Path, lived: Life, night: int, settings: Sequence[str]) -> dict[str, Any]:
    """Tell all days up to a night, live one night from the base, and give the folder back."""
    root = work / f"rebuild-{night}"
    if root.exists() and not lived_nights(opened(root, settings)):
        shutil.rmtree(root)  # killed by day; the days are told anew
    school = opened(root, settings)
    begun = lived_nights(school)
    if not begun:
        for day in range(1, night + 1):
            live_day(school, lived, day)
    if not begun or begun[0].outcome is None:
        consolidate(school, kind="rebuild", bar=progress_bar)
    row = {**told_of(school, lived, night), "whole": True}
    row["asked"] = ask(school, lived, lived.told(night), night)
    shutil.rmtree(root)
    return row


def base(work: Path, lived: Life, settings: Sequence[str]) -> dict[str, Any]:
    """Ask the untouched base."""
    numbers = sorted({*lived.forgotten_on, *range(0, len(lived.facts), BASE_SHARE)})
    return {"asked": ask(opened(work / "continue", settings), lived, numbers, 0, "base")}


def ask(
    school: School, lived: Life, numbers: Sequence[int], night: int, who: str = "live"
) -> dict[str, str]:
    """Ask one version for facts, closed-book.

    Returns:
        Fact -> a mark for each question: 1 right, s what was right before a correction, 0 neither, u unscored.
    """
    asked = [(n, q) for n in numbers for q in lived.questions(n)]
    if not asked:
        return {}
    prompts = [(Message("user", question),) for _, question in asked]
    with progress_bar(f"the bench asks {len(asked)} questions") as bar:
        answers = school.sampler(who).generate(prompts, max_tokens=ANSWER_TOKENS, progress=bar)
    marks: dict[str, str] = {}
    for (number, question), answer in zip(asked, answers, strict=True):
        stale = (lived.facts[number].value,) if lived.has_changed(number, night) else ()
        now = Item("", question, (lived.value(number, night),), stale=stale)
        verdict = grade(now, answer).score.verdict
        mark = {Verdict.CORRECT: "1", Verdict.UNSCORED: "u"}.get(verdict, "0")
        if stale and mark == "0" and grade(Item("", question, stale), answer).score.value:
            mark = "s"
        marks[str(number)] = marks.get(str(number), "") + mark
    return marks


if __name__ == "__main__":
    main()
