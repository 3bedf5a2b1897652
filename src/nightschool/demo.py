"""The demo: two days and two nights on real input, measured and not scripted; stopped, it goes on where it was."""

from __future__ import annotations

import importlib.util
import json
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, cast

from nightschool.codec import from_json
from nightschool.consolidate import consolidate
from nightschool.day import ask
from nightschool.demo_data import folder as data_folder
from nightschool.demo_days import PACKAGE, RESULT, Diary, read_days
from nightschool.errors import WorkspaceError
from nightschool.exam.general import general_prompts, plain_text
from nightschool.exam.questions import FORGOTTEN, Question, read_questions
from nightschool.exam.sit import sit
from nightschool.exam.stats import outcomes, rate
from nightschool.forget import finish, unfinished
from nightschool.morning import write_morning
from nightschool.prepare import Plan, plan
from nightschool.protocols import Bar
from nightschool.registry.nights import nights
from nightschool.report.morning import Contrast, Rate
from nightschool.types import (
    Bank,
    BankKind,
    Decision,
    Item,
    Material,
    Report,
    Verdict,
    digest,
    now,
)
from nightschool.verify.judge import grade
from nightschool.wire import School, open_school
from nightschool.workspace import Workspace, read_json, write_atomic

PATIENCE = 60
"""Minutes of training in the first night beyond which a demo of no chosen effort takes the small one."""
FINAL_QUESTIONS = (
    "What is the staging host?",
    "Who is Bastian's contact at Ellermouth?",
    "What is Thistle?",
)


def run(
    folder: Path,
    facts: Path | None,
    questions: Path | None,
    settings: tuple[str, ...],
    bar: Bar,
    tell: Callable[[Plan], None] | None = None,
) -> dict[str, Any]:
    """Live the demo in a workspace of its own and measure it; one that was stopped goes on.

    Where nobody chose an effort, and the first night would train for more than PATIENCE minutes, both nights are small:
    it is written into the workspace's settings, so that a demo that goes on keeps to it.

    Args:
        folder: Where the workspace goes; must hold none yet, or the same demo's.
        facts: Someone's own facts instead of ours; None means ours.
        questions: The exam questions that belong to them.
        settings: `section.name=value` overrides.
        bar: Shows progress.
        tell: Is told before each night what it is about to take; None where nobody is.

    Returns:
        `effort`; `figures`: name -> value, low, high, n, unit. Of a demo that was stopped nobody counted the minutes: None. One
        that has been lived to its end returns what it came to.

    Raises:
        WorkspaceError: The package that the demo reads is not installed.
        WorkspaceError: The folder holds a workspace already, or a demo of other input.
        WorkspaceLocked: Another process lives the demo in this folder.
        SourceMalformed: The facts file breaks its format.
        ExamError: The questions file breaks its format.
    """
    started = time.monotonic()
    if facts is None and importlib.util.find_spec(PACKAGE) is None:
        raise WorkspaceError(
            f"The demo reads the package {PACKAGE}, which is not installed. "
            "Run `pip install -e '.[demo]'`, or give your own facts with --facts."
        )
    asked = read_questions(questions or data_folder() / "questions.jsonl")
    days = read_days(facts)
    diary = Diary.open(folder, digest(repr(days), repr(asked), *settings))
    with diary.alone():
        if (folder / RESULT).exists():
            return dict(cast("dict[str, Any]", read_json(folder / RESULT)))
        whole = not diary.progress.day
        Workspace.create(folder, "# The demo's workspace.\n")
        # Its documents are its own, and its figures must not depend on whether an encoder was pulled.
        overrides = ("write.encoder=null", *settings)
        school = open_school(folder, overrides)
        if unfinished(school):
            finish(school)
        tenant = school.settings.tenant
        for number in range(1, len(days) + 1):
            over = [night for night in nights(school.workspace, tenant) if night.outcome]
            if len(over) < number:
                diary.live(school, days, number)
                tonight = [q for q in asked if q.day in (None, number) and q.group != FORGOTTEN]
                expected = plan(school, questions=tonight, bar=bar)
                if number == 1 and _too_long(school, expected):
                    config = school.workspace.config_path
                    write_atomic(config, f'{config.read_text("utf-8")}effort = "small"\n')
                    school = open_school(folder, overrides)
                    expected = plan(school, questions=tonight, bar=bar)
                if tell:
                    tell(expected)
                consolidate(school, questions=tonight, bar=bar)
        result = _measured(school, len(days), asked, bar)
        minutes = (time.monotonic() - started) / 60 if whole else None
        result["figures"]["minutes"] = _figure(minutes, unit="minutes", n=int(whole))
        if not facts:
            said = {q: ask(school, q, closed_book=True).text for q in FINAL_QUESTIONS}
            result["answers"] = said
        write_atomic(folder / RESULT, json.dumps(result))
        return result


def _too_long(school: School, expected: Plan) -> bool:
    """Tell whether the first night would try people's patience, at an effort that nobody chose."""
    chosen = "effort" in school.settings.model_fields_set
    return not chosen and not expected.resumed and expected.training_minutes > PATIENCE


def _measured(school: School, count: int, asked: Sequence[Question], bar: Bar) -> dict[str, Any]:
    """Tell what the demo's nights came to, from what they have stored."""
    lived = nights(school.workspace, school.settings.tenant)[:count]
    versions = [school.registry.version(night.stored("version.txt") or "") for night in lived]
    reports = [from_json(Report, night.stored("report-candidate.json") or "") for night in lived]
    decisions = [from_json(Decision, night.stored("decision.json") or "") for night in lived]
    gone = [q for q in asked if q.group == FORGOTTEN]
    forgotten = _probe_forgotten(school, gone, versions[-1].id, bar)
    page = write_morning(school, (_contrast(*forgotten),) if gone else ())
    figures = _figures(school, asked, reports, forgotten)
    peak = max(v.train.peak_bytes for v in versions if v.train) / 1e9
    figures["peak_gb"] = _figure(peak, unit="GB", n=len(lived))
    return {
        "name": "demo",
        "effort": school.settings.effort,
        "figures": figures,
        "promoted": [decision.promote for decision in decisions],
        "checks": [[[c.name, c.passed, c.reason] for c in d.checks] for d in decisions],
        "answers": {},
        "report": str(page),
    }


def _probe_forgotten(
    school: School, questions: Sequence[Question], version: str, bar: Bar
) -> tuple[Rate | None, Rate | None]:
    """Ask the base and the last version what was forgotten: (base, version) rates of knowing it."""
    items = tuple(
        Item(f"gone-{n}", q.question, q.answers, group=FORGOTTEN) for n, q in enumerate(questions)
    )
    if not items:
        return None, None
    bank = Bank("forgotten", school.settings.tenant, BankKind.ACQUIRED, "", items, now())
    rates = []
    for who in ("base", version):
        with bar(f"probe of forgotten facts: {who}"):
            report = sit(
                school.sampler(who), [bank], version_id=who, night="", tenant=bank.tenant,
                config=school.settings.exam, grade=grade,
            )  # fmt: skip
        found = rate(outcomes(report), items)
        rates.append(Rate(found.value or 0.0, found.n, found.low, found.high))
    return rates[0], rates[1]


def _contrast(base: Rate | None, version: Rate | None) -> Contrast:
    return Contrast(FORGOTTEN, base, version)


def _figures(
    school: School,
    asked: Sequence[Question],
    reports: Sequence[Report],
    forgotten: tuple[Rate | None, Rate | None],
) -> dict[str, Any]:
    tenant = school.settings.tenant
    live = {m.id for m in school.store.memories(tenant)}
    banks = school.exams.banks(tenant, BankKind.ACQUIRED)
    one, two = outcomes(reports[0]), outcomes(reports[-1])
    base: dict[str, float] = {}
    for report in school.reports("base"):
        base |= outcomes(report)
    first = [i for b in banks if b.night == reports[0].night for i in b.items]
    kept = [i for i in first if live.issuperset(i.memory_ids)]
    second = [i for b in banks if b.night == reports[-1].night for i in b.items]
    after = {i.id: one[i.id] for i in first if i.id in one}
    after |= {i.id: two[i.id] for i in second if i.id in two}
    missed = _missed(asked, [*first, *second])
    after |= dict.fromkeys((item.id for item in missed), 0.0)
    mine = [i for i in [*first, *second, *missed] if i.author == "user"]
    told = [i for i in mine if i.group == "told"]
    documents = [i for i in mine if i.group == "document"]
    api = [i for i in mine if i.group == "api"]
    changed = [i for i in second if i.group == "changed"]
    general = {r.item_id for r in reports[-1].results if r.mode == "choice"}
    figures = {
        "told_facts_closed_book": _rated(after, told),
        "told_facts_base": _rated(base, told),
        "documents_closed_book": _rated(after, documents),
        "documents_base": _rated(base, documents),
        "api_closed_book": _rated(after, api),
        "api_base": _rated(base, api),
        "questions_without_memory": _figure(len(missed), unit="questions", n=len(asked)),
        "unscored": _unscored(reports),
        "night1_after_night1": _rated(one, kept),
        "night1_after_night2": _rated(two, kept),
        "changed_current": _rated(two, changed),
        "coverage": _coverage(school, banks),
    }
    known, gone = forgotten
    over = gone.value - known.value if known and gone else None
    figures["forgotten_over_base"] = _figure(over, unit="rate", n=gone.n if gone else 0)
    pairs = [(two[i], base[i]) for i in general if i in two and i in base]
    delta = sum(a - b for a, b in pairs) / len(pairs) if pairs else None
    figures["general_delta"] = _figure(delta, unit="rate", n=len(pairs))
    return figures | _drift(school, reports[-1])


def _drift(school: School, report: Report) -> dict[str, Any]:
    """Tell how far the last version moved from the base where it was not to move at all."""
    sat = school.reports("base")
    base = next((r.perplexity for r in sat if r.perplexity is not None), None)
    texts = len(plain_text())
    return {
        "drift_nats": _figure(report.kl_nats, unit="nats a token", n=len(general_prompts())),
        "perplexity_base": _figure(base, unit="per token", n=texts),
        "perplexity": _figure(report.perplexity, unit="per token", n=texts),
    }


def _missed(asked: Sequence[Question], sealed: Sequence[Item]) -> list[Item]:
    """Return the questions whose fact no reader found: nobody was taught it, so they count as wrong.

    Facts that are forgotten have no questions any more, and none count.
    """
    known = {item.question for item in sealed}
    gone = {q.about for q in asked if q.group == FORGOTTEN}
    return [
        Item(f"missed-{n}", q.question, q.answers, group=q.group, author="user")
        for n, q in enumerate(asked)
        if q.group != FORGOTTEN and q.question not in known and q.about not in gone
    ]


def _unscored(reports: Sequence[Report]) -> dict[str, Any]:
    """Count the answers that no verifier could grade: they are in no rate."""
    results = [result for report in reports for result in report.results]
    broken = sum(result.score.verdict is Verdict.UNSCORED for result in results)
    return _figure(broken, unit="answers", n=len(results))


def _coverage(school: School, banks: Sequence[Bank]) -> dict[str, Any]:
    """Share of the live memories that have both study material and an exam question."""
    live = {m.id for m in school.store.memories(school.settings.tenant)}
    examined = {m for b in banks for i in b.items for m in i.memory_ids}
    stored = nights(school.workspace, school.settings.tenant)[-1].stored("material.json")
    studied = {m for e in from_json(Material, stored or "").examples for m in e.memory_ids}
    return _figure(len(live & examined & studied) / len(live), unit="rate", n=len(live))


def _rated(values: dict[str, float], items: Sequence[Item]) -> dict[str, Any]:
    found = rate(values, items)
    return _figure(found.value, unit="rate", n=found.n, low=found.low, high=found.high)


def _figure(
    value: float | None, *, unit: str, n: int, low: float | None = None, high: float | None = None
) -> dict[str, Any]:
    return {"value": value, "low": low, "high": high, "n": n, "unit": unit}
