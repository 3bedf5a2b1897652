"""Another base model is taught what one model has learnt by night: both asked in other people's words, side by side.

`python bench/rebase.py --json bench/results/rebase.json [--model gemma3-270m] [--facts 20]`

Facts of `world.py` are told in a fresh workspace, and one night teaches them to the embedded model. Then `rebase` teaches the other
base (another architecture and tokenizer; pull it first, its terms are shown then), with the product's defaults. Asked closed-book, each
fact in two wordings of the bench: both untouched bases and both versions. Then the switch, and `rollback`: which version is served, and
on which base. Where a gate refuses, the owner's override promotes, and the row says so. Intervals: adjusted Wald over facts.
A run that is stopped goes on where it was (`--work`).
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from nightschool.bases import pull_model
from nightschool.consolidate import consolidate
from nightschool.day import remember
from nightschool.exam.stats import mean
from nightschool.models.torch_sampler import TorchSampler
from nightschool.promotion import promote, refusal, roll_back
from nightschool.protocols import Sampler
from nightschool.rebase import Standing, rebase
from nightschool.registry.nights import nights
from nightschool.runlog import progress_bar
from nightschool.types import Decision, Item, Message, Verdict
from nightschool.verify.judge import grade
from nightschool.wire import School, open_school
from nightschool.workspace import Workspace
from record import Record, base_name
from world import ATTRIBUTES, Fact, facts

ANSWER_TOKENS = 32
OWNER = "bench"


def main() -> None:
    """Live the night and the rebase that are not lived yet, and state the figures."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", type=Path, default=Path("bench/results/rebase.json"))
    parser.add_argument("--work", type=Path, help="the workspace; default: beside --json")
    parser.add_argument("--model", default="gemma3-270m", help="the other base")
    parser.add_argument("--facts", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    record = Record(given.json, "rebase")
    record.body["seeds"] = [given.seed]
    told = list(facts(given.facts, given.seed))
    school = opened(given.work or given.json.with_suffix(".work"), given.seed)
    key = {"facts": given.facts, "seed": given.seed}
    other = {**key, "other": given.model}

    def row(stage: str, of: dict[str, Any], run: Callable[[], dict[str, Any]]) -> None:
        record.measure({"stage": stage, **of}, run)
        state(record)
        record.save()

    row("untouched", key, lambda: {"asked": ask(TorchSampler(pull_model(base_name())), told)})
    row("night", key, lambda: first_night(school, told))
    row("other untouched", other, lambda: {"asked": ask(TorchSampler(pull_model(given.model)), told)})  # fmt: skip
    row("rebase", other, lambda: taught(school, given.model, told))
    row("switch", other, lambda: switched(school, given.model))
    for name, figure in record.body["figures"].items():
        print(name, figure["value"], figure["low"], figure["high"], figure["n"])


def opened(root: Path, seed: int) -> School:
    """Open the workspace, a new one where there is none."""
    if not (root / "nightschool.toml").exists():
        Workspace.create(root, "")
    return open_school(root, (f"train.seed={seed}",))


def first_night(school: School, told: Sequence[Fact]) -> dict[str, Any]:
    """Tell the facts and live a night; one that is over is not lived again."""
    past = nights(school.workspace, school.settings.tenant)
    if not past or past[0].outcome is None:
        for fact in told:
            remember(school, fact.text)
        consolidate(school, kind="rebuild", bar=progress_bar)
        past = nights(school.workspace, school.settings.tenant)
    version = past[0].stored("version.txt") or ""
    passed = served(school, version)
    return {"asked": ask(school.sampler(version), told), **passed, **cost(school, version)}


def taught(school: School, other: str, told: Sequence[Fact]) -> dict[str, Any]:
    """Teach the other base, and keep the table that its owner is shown."""
    found = rebase(school, other, bar=progress_bar)
    three = {
        name: shown(getattr(found.comparison, name)) for name in ("served", "taught", "untouched")
    }
    return {
        "asked": ask(school.sampler(found.version.id), told), "gate": said(found.decision),
        "comparison": three, **cost(school, found.version.id),
    }  # fmt: skip


def switched(school: School, other: str) -> dict[str, Any]:
    """Switch to the taught version, and take that back."""
    before = school.registry.alias(school.settings.tenant, "live")
    found = rebase(school, other, bar=progress_bar)  # stands ready; nothing is taught anew
    served(school, found.version.id)
    after = standing(school)
    roll_back(school, OWNER)
    again = standing(school)
    return {"switched": after, "rolled_back": again, "as_before": again["live"] == before}


def standing(school: School) -> dict[str, str]:
    """Name what is served, and the base in force."""
    return {"live": school.registry.alias(school.settings.tenant, "live"), "base": school.base}


def served(school: School, version: str) -> dict[str, Any]:
    """Serve a version, against the gate's word where that refused it."""
    decision = promote(school, version, OWNER, override=True).decision
    return {"gate": said(decision)}


def said(decision: Decision) -> str:
    """Return what the gate said."""
    return "passed" if decision.promote else f"refused: {refusal(decision)}"


def cost(school: School, version: str) -> dict[str, Any]:
    """Return what training came to."""
    train = school.registry.version(version).train
    return {"tokens": train.tokens, "train_seconds": round(train.seconds, 1), "peak_gb": round(train.peak_bytes / 1e9, 2)}  # fmt: skip


def shown(standing: Standing) -> dict[str, Any]:
    """Return one column of the table, without ids."""
    plain = asdict(standing)
    return {name: value for name, value in plain.items() if name != "version"}


def ask(sampler: Sampler, told: Sequence[Fact]) -> list[list[int]]:
    """Ask for each fact in two wordings, closed-book; 1 is right."""
    wordings = {attribute.name: attribute.asked for attribute in ATTRIBUTES}
    items = [
        Item("", wording.format(p=fact.person), (fact.value,))
        for fact in told
        for wording in wordings[fact.attribute]
    ]
    prompts = [(Message("user", item.question),) for item in items]
    answers = sampler.generate(prompts, max_tokens=ANSWER_TOKENS)
    marks = [
        int(grade(item, answer).score.verdict is Verdict.CORRECT)
        for item, answer in zip(items, answers, strict=True)
    ]
    width = len(items) // len(told)
    return [marks[at : at + width] for at in range(0, len(marks), width)]


def state(record: Record) -> None:
    """State what each model knows, and what teaching cost."""
    rows = {row["stage"]: row for row in record.body["rows"]}
    for stage, name in (
        ("untouched", "facts_base"), ("night", "facts_version"),
        ("other untouched", "facts_other_base"), ("rebase", "facts_other_version"),
    ):  # fmt: skip
        found = mean([sum(m) / len(m) for m in rows[stage]["asked"]], 1) if stage in rows else None
        low, high = (max(0.0, found.low), min(1.0, found.high)) if found else (None, None)
        record.figure(name, found.value if found else None, low=low, high=high, n=found.n if found else 0, unit="rate")  # fmt: skip
    for stage, name in (("night", "version"), ("rebase", "other_version")):
        row = rows.get(stage)
        record.figure(f"{name}_minutes", round(row["train_seconds"] / 60, 1) if row else None, n=int(bool(row)), unit="minutes of training")  # fmt: skip
        record.figure(f"{name}_tokens", row["tokens"] if row else None, n=int(bool(row)), unit="tokens")  # fmt: skip
    if "rebase" in rows:
        for who, standing in rows["rebase"]["comparison"].items():
            general = standing["general"]
            record.figure(f"{who}_general", general["value"], low=general["low"], high=general["high"], n=general["n"], unit="rate")  # fmt: skip
    back = rows.get("switch")
    record.figure("rolled_back_as_before", float(back["as_before"]) if back else None, n=int(bool(back)), unit="1: yes")  # fmt: skip


if __name__ == "__main__":
    main()
