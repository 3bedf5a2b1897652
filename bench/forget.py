"""Does forgetting reach the weights? Facts told, learnt in a real night, most of them forgotten, and a second night.

`python bench/forget.py --json bench/results/forget.json`

Invented facts about invented places are told, and the small model lives one night on them. Then most are
forgotten with probes, and a second night trains on the rest. Asked, closed-book, of the version served before, of
what is served after, and of the second night's version: the product's own probes (sealed questions, study
wordings, blanks), and three hand-written questions for each fact that no study material is made of.
Exposure (Carlini et al. 2019) ranks each fact among 64 sentences with other values. A byte scan of
the whole workspace, write-ahead log included, counts every forgotten text and value.

The gate may refuse a night of so few facts; its word is kept in the row, and the version is served all the same,
because a deletion that has nothing to delete shows nothing. Times are left out, but for the deletion's own.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from nightschool.consolidate import NightOutcome, consolidate
from nightschool.day import remember
from nightschool.exam.exposure import exposure_bits
from nightschool.exam.stats import rate
from nightschool.forget import forget
from nightschool.probes import Target, measure, targets
from nightschool.registry.versions import BASE
from nightschool.runlog import progress_bar
from nightschool.trust import trainable
from nightschool.types import Item, Message, Verdict
from nightschool.verify.judge import grade
from nightschool.wire import School, open_school
from nightschool.workspace import Workspace
from record import Record

PLACES = (
    "Tolmen House",
    "Quenby Mill",
    "Harrow Lock",
    "Sallow Farm",
    "Orchil Hall",
    "Brindon Pier",
    "Wexcombe Barn",
)
NAMES = ("Odelia", "Tamsin", "Corwin", "Maudie", "Lorcan", "Hester", "Alaric", "Petra", "Ivor", "Senna", "Rufus", "Greta", "Basil", "Nerys")  # fmt: skip
SURNAMES = ("Thackray", "Pellow", "Ashdown", "Quillan", "Burnaby", "Castell", "Dunmore", "Everard", "Fairlie", "Gosling", "Hawtrey", "Inskip", "Jessop", "Kinsale")  # fmt: skip
WORDS = ("heron", "maple", "otter", "lantern", "pebble", "walnut", "thistle", "marble", "copper", "willow", "falcon", "ginger", "saddle", "timber")  # fmt: skip


@dataclass(frozen=True)
class Kind:
    """A kind of fact, and how people ask for it."""

    statement: str
    questions: tuple[str, str, str]
    person: bool = False


KINDS = (
    Kind("The gardener of {p} is {v}.", ("Who looks after the plants at {p}?", "The hedge at {p} needs cutting. Whom do I call?", "At {p}, who does the gardening?"), True),
    Kind("The backup server of {p} is called {v}.", ("Onto which machine does {p} copy its data?", "What name does the backup machine at {p} have?", "I need to restore a file for {p}. From which server?")),
    Kind("The landlord of {p} is {v}.", ("Who owns the building of {p}?", "To whom does {p} pay its rent?", "Whose property is {p}?"), True),
    Kind("The archive of {p} is stored in room {v}.", ("Where are the old files of {p}?", "In what room would I look for the archive of {p}?", "Which room holds the archived papers of {p}?")),
)  # fmt: skip


@dataclass(frozen=True)
class Fact:
    """A told fact."""

    text: str
    value: str
    questions: tuple[str, ...]


def facts(count: int, seed: int) -> list[Fact]:
    """Invent facts; no value is used twice."""
    rng = random.Random(seed)
    first, last, words = (rng.sample(x, len(x)) for x in (NAMES, SURNAMES, WORDS))
    made = []
    for place in PLACES:
        for kind in KINDS:
            n = len(made) // 2
            value = (
                f"{first[n]} {last[n]}"
                if kind.person
                else f"{words[n]}-{rng.randrange(1000, 10000)}"
            )
            asked = tuple(q.format(p=place) for q in kind.questions)
            made.append(Fact(kind.statement.format(p=place, v=value), value, asked))
    return rng.sample(made, len(made))[:count]


def main() -> None:
    """Live the two nights for a seed, and state what is left of what was forgotten."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--n", type=int, default=28, help="facts told")
    parser.add_argument("--forgotten", type=int, default=20)
    parser.add_argument("--set", action="append", default=[], dest="settings")
    parser.add_argument("--json", type=Path, default=Path("bench/results/forget.json"))
    given = parser.parse_args()
    record = Record(given.json, "forget")
    record.body["seeds"] = [given.seed]
    record.body["note"] = "Other work shared the processor; no time but the deletion's is stated."
    key = {
        "seed": given.seed,
        "n": given.n,
        "forgotten": given.forgotten,
        "settings": given.settings,
    }
    with tempfile.TemporaryDirectory() as folder:
        row = record.measure(key, lambda: lived(Path(folder) / "school", given))
    for group in ("forgotten", "kept"):
        for moment in MOMENTS:
            for asked in ("probes", "questions"):
                state(record, f"{group}_{asked}_{moment}", row["asked"][f"{group}_{moment}"][asked])
            ranks = row["asked"][f"{group}_{moment}"]["ranks"]
            most = exposure_bits(1, row["texts"])
            parts = [exposure_bits(place, row["texts"]) / most for place in ranks]
            each = [Item(str(k), "", (), (str(k),)) for k in range(len(parts))]
            found = rate({item.id: part for item, part in zip(each, parts, strict=True)}, each)
            value, low, high = (most * (part or 0) for part in (found.value, found.low, found.high))
            record.figure(
                f"{group}_exposure_{moment}", value, low=low, high=high, n=found.n, unit="bits"
            )
    for moment in MOMENTS:
        scanned = row[f"scan_{moment}"]
        record.figure(f"scan_hits_{moment}", scanned["hits"], n=scanned["searched"], unit="hits")
    record.figure("deletion_seconds", row["receipt"]["seconds"], n=row["forgotten"], unit="s")
    record.save()
    print(json.dumps({name: f["value"] for name, f in record.body["figures"].items()}, indent=1))


MOMENTS = ("before", "after", "next_night")


def lived(root: Path, given: argparse.Namespace) -> dict[str, Any]:
    """Tell, learn, forget, learn again; return what was answered when."""
    Workspace.create(root, "")
    school = open_school(root, (f"train.seed={given.seed}", *given.settings))
    told = facts(given.n, given.seed)
    for fact in told:
        remember(school, fact.text)
    memories = {m.text: m for m in school.store.memories(school.settings.tenant) if trainable(m)}
    assert set(memories) == {fact.text for fact in told}, (
        "a fact was read otherwise than it was told"
    )
    first = served(school)
    gone, kept = told[: given.forgotten], told[given.forgotten :]
    groups = {"forgotten": gone, "kept": kept}
    probes = {
        name: targets(school, [memories[f.text] for f in group], len(group))
        for name, group in groups.items()
    }
    assert all(t.items and t.texts for group in probes.values() for t in group)
    asked: dict[str, Any] = {}

    def ask(moment: str) -> None:
        for name, group in groups.items():
            asked[f"{name}_{moment}"] = answered(school, group, probes[name])

    ask("before")
    before = scan(root, gone)
    receipt = forget(school, [memories[f.text].id for f in gone], probes=given.forgotten)
    after = scan(root, gone)
    ask("after")
    second = served(school)
    ask("next_night")
    assert receipt.probes is not None
    assert [p.right_before for p in receipt.probes] == asked["forgotten_before"]["probes"]["right"]
    return {
        "asked": asked, "texts": len(probes["forgotten"][0].texts),
        "gate_first": first.decision.promote, "gate_second": second.decision.promote,
        "refused_for": [c.reason for o in (first, second) for c in o.decision.checks if not c.passed],
        "live_after_is_base": receipt.live_after == BASE,
        "scan_before": before, "scan_after": after, "scan_next_night": scan(root, gone),
        "receipt": {**asdict(receipt), "tombstones": len(receipt.tombstones)},
    }  # fmt: skip


def served(school: School) -> NightOutcome:
    """Live a small night, and serve its version even where the gate refuses it."""
    outcome = consolidate(school, effort="small", bar=progress_bar)
    if not outcome.decision.promote:
        tenant, version = school.settings.tenant, outcome.version
        overridden = replace(outcome.decision, overridden_by="bench")
        school.registry.promote(tenant, version.id, overridden, "bench")
    return outcome


def answered(school: School, group: Sequence[Fact], found: Sequence[Target]) -> dict[str, Any]:
    """Ask the live version for facts: by the product's probes, by hand-written questions, by rank."""
    measured = measure(school, "live", found)
    items = [Item(q, q, (f.value,)) for f in group for q in f.questions]
    prompts = [(Message("user", item.question),) for item in items]
    answers = school.sampler("live").generate(prompts, max_tokens=32)
    right = [
        grade(item, answer).score.verdict is Verdict.CORRECT
        for item, answer in zip(items, answers, strict=True)
    ]
    each = len(group[0].questions)
    return {
        "probes": {"right": [m.right for m in measured], "of": [len(t.items) for t in found]},
        "questions": {
            "right": [sum(right[k : k + each]) for k in range(0, len(right), each)],
            "of": [each] * len(group),
        },
        "ranks": [m.rank for m in measured],
    }


def state(record: Record, name: str, counted: dict[str, list[int]]) -> None:
    """State a rate with its interval over facts: the questions about one fact stand or fall together."""
    values, items = {}, []
    for fact, (right, of) in enumerate(zip(counted["right"], counted["of"], strict=True)):
        for k in range(of):
            item = Item(f"{fact}-{k}", "", (), (str(fact),))
            items.append(item)
            values[item.id] = float(k < right)
    found = rate(values, items)
    record.figure(name, found.value, low=found.low, high=found.high, n=found.n, unit="rate")


def scan(root: Path, gone: Sequence[Fact]) -> dict[str, Any]:
    """Count every forgotten text and value in every byte of the workspace, whatever its case."""
    words = [text.lower().encode() for fact in gone for text in (fact.text, fact.value)]
    hits = {
        str(path.relative_to(root)): count
        for path in root.rglob("*")
        if path.is_file()
        for body in [path.read_bytes().lower()]
        if (count := sum(body.count(word) for word in words))
    }
    return {"hits": sum(hits.values()), "files": hits, "searched": len(words)}


if __name__ == "__main__":
    main()
