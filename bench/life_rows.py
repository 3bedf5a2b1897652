"""What a night of a long life left on disk, as a row of the bench: its kind, cost, verdict, and what is served."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from life import Life
from nightschool.codec import from_json
from nightschool.course import Course
from nightschool.exam.general import general_bank
from nightschool.exam.reuse import answered
from nightschool.language import fingerprint
from nightschool.registry.nights import Night, nights
from nightschool.study.leaks import drop_leaks
from nightschool.trust import trainable
from nightschool.types import Bank, BankKind, Material, Verdict
from nightschool.wire import School


def told_of(school: School, lived: Life, night: int) -> dict[str, Any]:
    """Gather what the newest night left on disk: its kind, its cost by step, its verdict, and what is served."""
    tenant = school.settings.tenant
    last = nights(school.workspace, tenant)[-1]
    version = school.registry.version(last.stored("version.txt") or "")
    decision = school.registry.decision(version.id)
    course = from_json(Course, last.stored("course.json") or "")
    material = from_json(Material, last.stored("material.json") or "")
    assert version.train is not None
    assert decision is not None
    start = school.registry.resolve(tenant, course.start)
    served = school.registry.resolve(tenant, "live")
    known = set(course.known)
    # A bank of memories is read as the exam read it: what it asked is what it answered.
    kinds = {b.id: b.kind if b.night != last.id else f"new {b.kind}" for b in school.exams.banks(tenant)}  # fmt: skip
    sat = school.exams.reports(tenant, version.id)[-1]
    asked = [str(kinds.get(r.bank_id, "general")) for r in sat.results]
    memories = {m.text: m.id for m in school.store.memories(tenant) if trainable(m)}
    missing = [n for n in lived.live(night) if lived.text(n, night) not in memories]
    return {
        "kind": course.kind,
        "start": start.night if start else "base",
        "served": served.night if served else "base",
        "promoted": decision.promote,
        "refused_for": [c.reason for c in decision.checks if not c.passed],
        "memories": len(memories),
        "missing": len(missing),
        "unknown_to_start": sum(i not in known for i in memories.values()),
        "examples_new": sum(bool(e.memory_ids) and not known.issuperset(e.memory_ids) for e in material.examples),
        "examples_review": sum(bool(e.memory_ids) and known.issuperset(e.memory_ids) for e in material.examples),
        "questions_in_material": in_material(school, lived, night, material),
        "tokens": version.train.tokens,
        "steps": version.train.steps,
        "last_loss": version.train.last_loss,
        **seconds(last, version.train.seconds),
        "exam_items": {kind: asked.count(kind) for kind in sorted(set(asked))},
        **general_of(school, served.id if served else "base"),
    }  # fmt: skip


def in_material(school: School, lived: Life, night: int, material: Material) -> int:
    """Count the study examples that repeat or nearly repeat a question of the bench about what the day told."""
    day = lived.days[night - 1]
    asked = [fingerprint(q) for n in (*day.told, *day.corrected) for q in lived.questions(n)]
    return drop_leaks(material.examples, asked, school.settings.study.leak_overlap)[1]


def seconds(night: Night, training: float) -> dict[str, float]:
    """Return how long the night's steps took, in whole seconds but for its training; of a resumed step, its last run."""
    begun: dict[str, datetime] = {}
    took: dict[str, float] = {}
    for line in (night.folder / "journal.jsonl").read_text("utf-8").splitlines():
        row = json.loads(line)
        at = datetime.fromisoformat(row["at"])
        event, _, step = row["event"].partition(" ")
        if event == "start":
            begun[step] = at
        elif event == "done" and step in begun:
            took[step] = (at - begun[step]).total_seconds()
    exam = sum(part for step, part in took.items() if step.startswith("report-"))
    steps = ("banks.json", "material.json", "decision.json")
    return {
        "night_seconds": round(training + exam + sum(took.get(step, 0) for step in steps), 1),
        "seal_seconds": round(took.get("banks.json", 0)),
        "study_seconds": round(took.get("material.json", 0)),
        "train_seconds": round(training, 1),
        "exam_seconds": round(exam),
        "exam_candidate_seconds": round(took.get("report-candidate.json", 0)),
        "gate_seconds": round(took.get("decision.json", 0)),
    }


def general_of(school: School, served: str) -> dict[str, Any]:
    """Return what the served version and the base answer of general items and of those that nothing answers."""
    tenant = school.settings.tenant
    banks = {
        "general": [general_bank(school.settings.exam.general_items, tenant)],
        "abstention": school.exams.banks(tenant, BankKind.ABSTENTION),
    }
    found: dict[str, Any] = {}
    for name, which in banks.items():
        mine, theirs = (right(school, who, which) for who in (served, "base"))
        both = sorted(mine.keys() & theirs.keys())
        found[name] = "".join(mine[i] for i in both)
        found[f"{name}_base"] = "".join(theirs[i] for i in both)
    for name, who in (("perplexity", served), ("perplexity_base", "base")):
        known = [r for r in school.exams.reports(tenant, who) if r.perplexity is not None]
        found[name] = known[-1].perplexity if known else None
        if who == served:
            found["drift_nats"] = known[-1].kl_nats if known else None
    return found


def right(school: School, version: str, banks: Sequence[Bank]) -> dict[str, str]:
    """Map the items of banks that a version has answered to 1 (right) or 0; unscored ones are left out."""
    results = answered(school.exams.reports(school.settings.tenant, version), banks)
    return {
        r.item_id: str(int(r.score.verdict is Verdict.CORRECT))
        for r in results
        if r.score.verdict is not Verdict.UNSCORED and r.mode in ("closed", "choice")
    }


def newest_receipt(school: School) -> dict[str, Any]:
    """Return what the last deletion cost, and how far serving fell back."""
    paths = school.workspace.reports.glob("receipt-*.json")
    plain = json.loads(max(paths, key=lambda path: path.stat().st_mtime).read_text("utf-8"))
    after = school.registry.resolve(school.settings.tenant, plain["live_after"])
    return {
        "memories": len(plain["tombstones"]),
        "versions": len(plain["tainted"]),
        "seconds": plain["seconds"],
        "fell_back_to": after.night if after else "base",
    }
