"""Recall quality: is what was said found again, the newest value first, and nothing where nothing was said?

    python bench/recall.py --json bench/results/recall.json                    # the made-up set of this bench
    python bench/recall.py --json bench/results/locomo.json --data locomo10.json  # LoCoMo's format

Every system gets the same turns and the same questions in one run. Ours lives the conversations as the
product does: `conversation` reads them, the store's `absorb` keeps them. `recall` are its memories
(statements, the newest of each thing), `passages` are the turns as they were said; `--dense` asks them once more
with a dense index beside the words. `--peers` runs others beside it (`bench/peers.py` tells what they need). The settings were chosen on seeds 1 and 2.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import world
from nightschool.exam.stats import wilson
from nightschool.memory.store import SqliteStore
from nightschool.models.embedder import TorchEmbedder
from nightschool.models.pull import resolve
from nightschool.sources import conversation
from nightschool.types import Memory
from nightschool.workspace import Workspace
from peers import Fts5, available
from record import Record

CUTS = (1, 5, 10, 50)
DENSE = "all-minilm-l6-v2"


@dataclass(frozen=True, slots=True)
class Session:
    """One conversation: (key, speaker, text) of each turn."""

    title: str
    at: str
    turns: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, and the turns that answer it."""

    text: str
    evidence: frozenset[str]
    """Empty for a question that nothing answers."""
    stale: frozenset[str] = frozenset()
    """Turns that used to answer it."""
    group: str = ""


@dataclass(frozen=True, slots=True)
class Talk:
    """One tenant's conversations and questions."""

    tenant: str
    sessions: tuple[Session, ...]
    questions: tuple[Question, ...]


@dataclass
class Ours:
    """The product's store; `how` begins with `recall` (memories) or `passages` (turns)."""

    store: SqliteStore
    how: str
    keys: dict[str, list[str]] = field(default_factory=dict)
    """Episode id -> the keys of its turns."""
    spans: dict[str, list[tuple[int, int]]] = field(default_factory=dict)

    def search(self, tenant: str, query: str, limit: int) -> list[tuple[str, float]]:
        if self.how.startswith("passages"):
            found = self.store.passages(tenant, query, limit)
            rows = [(p.id.rsplit("#", 1), s) for p, s in found]
            return [(self.keys[episode][int(turn)], s) for (episode, turn), s in rows]
        return [(self._turn(m), s) for m, s in self.store.recall(tenant, query, limit)]

    def _turn(self, memory: Memory) -> str:
        start = memory.span.start if memory.span else 0
        for key, (low, high) in zip(
            self.keys[memory.episode_id], self.spans[memory.episode_id], strict=True
        ):
            if low <= start < high:
                return key
        raise AssertionError(f"{memory.id} stands in no turn")


def main() -> None:
    """Run all systems on one set."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", type=Path, required=True, help="where the figures go")
    parser.add_argument("--data", type=Path, help="a locomo10.json; else the made-up set")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--talks", type=int, default=10, help="tenants of the made-up set")
    parser.add_argument("--dense", action="store_true", help="with all-minilm-l6-v2, too")
    parser.add_argument(
        "--peers", nargs="*", default=[], metavar="NAME", help=f"of {', '.join(available())}"
    )
    args = parser.parse_args()
    talks = locomo(args.data) if args.data else made_up(args.talks, args.seed)
    result = Record(args.json, "recall_locomo" if args.data else "recall")
    result.body["seeds"] = [] if args.data else [args.seed]
    rows: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory(prefix="nightschool-recall-") as folder:
        for name, search in systems(talks, Path(folder), args.peers, dense=args.dense):
            row = {"system": name, **measure(talks, search)}
            print(json.dumps(row))
            rows.append(row)
    result.body["rows"] = rows
    for row in rows:
        for name, figure in row["figures"].items():
            result.figure(f"{row['system']}: {name}", **figure)
    result.save()


Search = Callable[[str, str, int], list[tuple[str, float]]]


def systems(
    talks: Sequence[Talk], folder: Path, peers: Sequence[str], *, dense: bool = False
) -> list[tuple[str, Search]]:
    """Let every system live the conversations."""
    workspace = Workspace.create(folder / "ours", "")
    store = SqliteStore(workspace)
    ours = {how: Ours(store, how) for how in ("recall", "passages")}
    if dense:
        embedder = TorchEmbedder(DENSE, resolve(DENSE))
        meaning = SqliteStore(workspace, embedder)
        ours |= {f"{how}, dense": Ours(meaning, how) for how in ("recall", "passages")}
    for talk in talks:
        for session in talk.sessions:
            messages = [
                {"role": "user", "name": who, "content": text} for _, who, text in session.turns
            ]
            reading = conversation(
                messages, talk.tenant, session.title, source=session.title, at=session.at
            )
            store.absorb(reading)
            for system in ours.values():
                system.keys[reading.episode.id] = [key for key, _, _ in session.turns]
                system.spans[reading.episode.id] = [
                    (turn.span.start, turn.span.end + 1) for turn in reading.episode.turns
                ]
    if dense:
        for talk in talks:
            meaning.embed(talk.tenant)
    found: list[tuple[str, Search]] = [(how, system.search) for how, system in ours.items()]
    for name in dict.fromkeys(["fts5", *peers]):
        (folder / name).mkdir()
        peer = Fts5(folder / name) if name == "fts5" else available()[name](folder / name)
        for talk in talks:
            peer.add(
                talk.tenant,
                [(key, f"{who}: {text}") for s in talk.sessions for key, who, text in s.turns],
            )
        found.append((name, lambda t, q, k, p=peer: [(key, 0.0) for key in p.search(t, q, k)]))
    return found


def measure(talks: Sequence[Talk], search: Search) -> dict[str, Any]:
    """Ask every question; return rates, each with its n and 95% interval, and the time a question takes."""
    shares: dict[int, list[float]] = defaultdict(list)
    by_group: dict[str, list[float]] = defaultdict(list)
    stale: list[bool] = []
    times: list[float] = []
    tops: dict[bool, list[float]] = {True: [], False: []}
    for talk in talks:
        for question in talk.questions:
            begun = time.perf_counter()
            found = search(talk.tenant, question.text, max(CUTS))
            times.append((time.perf_counter() - begun) * 1000)
            tops[bool(question.evidence)].append(found[0][1] if found else 0.0)
            if not question.evidence:
                continue
            keys = list(dict.fromkeys(key for key, _ in found))
            for cut in CUTS:
                shares[cut].append(
                    len(question.evidence & set(keys[:cut])) / len(question.evidence)
                )
            by_group[question.group].append(shares[10][-1])
            if question.stale:
                first = next((k for k in keys if k in question.evidence | question.stale), None)
                stale.append(first in question.stale)
    figures = {f"recall_at_{cut}": _mean(shares[cut]) for cut in CUTS}
    figures |= {
        f"recall_at_10, {g}": _mean(v) for g, v in sorted(by_group.items()) if len(by_group) > 1
    }
    if stale:
        low, high = wilson(sum(stale) / len(stale), len(stale))
        figures["stale_first"] = {
            "value": sum(stale) / len(stale),
            "low": low,
            "high": high,
            "n": len(stale),
            "unit": "rate",
        }
    if tops[False] and any(tops[True]):
        area = _area(tops[True], tops[False])
        figures["abstention_auroc"] = {
            "value": area,
            "n": len(tops[True]) + len(tops[False]),
            "unit": "area",
        }
    ordered = sorted(times)
    for name, place in (("p50", 0.5), ("p99", 0.99)):
        value = round(ordered[int(place * (len(ordered) - 1))], 3)
        figures[f"search_{name}_ms"] = {"value": value, "n": len(ordered), "unit": "ms"}
    return {"figures": figures}


def _mean(values: Sequence[float]) -> dict[str, Any]:
    """Average over questions, with a bootstrap interval."""
    rng = random.Random(0)
    means = sorted(sum(rng.choices(values, k=len(values))) / len(values) for _ in range(400))
    mean = sum(values) / len(values)
    return {
        "value": round(mean, 4),
        "low": round(means[10], 4),
        "high": round(means[389], 4),
        "n": len(values),
        "unit": "rate",
    }


def _area(with_answer: Sequence[float], without: Sequence[float]) -> float:
    """Return how often a question with an answer scores above one without; ties count half."""
    wins = sum((a > b) + 0.5 * (a == b) for a in with_answer for b in without)
    return round(wins / (len(with_answer) * len(without)), 4)


def locomo(path: Path) -> list[Talk]:
    """Read LoCoMo's `locomo10.json`: a turn is its text and the caption of its picture."""
    talks = []
    for sample in json.loads(path.read_text("utf-8")):
        body = sample["conversation"]
        numbers = sorted(
            int(m[1]) for m in (re.fullmatch(r"session_(\d+)", name) for name in body) if m
        )
        sessions = []
        for number in numbers:
            turns = tuple(
                (t["dia_id"], t["speaker"], _with_picture(t)) for t in body[f"session_{number}"]
            )
            at = str(body.get(f"session_{number}_date_time", ""))
            sessions.append(Session(f"session {number}", at, turns))
        known = {key for session in sessions for key, _, _ in session.turns}
        questions = []
        for qa in sample["qa"]:
            named = {
                f"D{int(a)}:{int(b)}"
                for a, b in re.findall(r"D:?(\d+):(\d+)", " ".join(qa.get("evidence", [])))
            }
            adversarial = qa.get("category") == 5
            evidence = frozenset() if adversarial else frozenset(named & known)
            if evidence or adversarial:
                questions.append(
                    Question(qa["question"], evidence, group=f"category {qa.get('category')}")
                )
        talks.append(
            Talk(str(sample.get("sample_id", len(talks))), tuple(sessions), tuple(questions))
        )
    return talks


def _with_picture(turn: dict[str, Any]) -> str:
    caption = turn.get("blip_caption")
    return f"{turn['text']} [picture: {caption}]" if caption else turn["text"]


def made_up(count: int, seed: int) -> list[Talk]:
    """Make conversations in which facts are stated, and some change later; and questions in other words."""
    talks = []
    for number in range(count):
        rng = random.Random(f"{seed}-{number}")
        known = list(world.facts(120, rng.randrange(10**9)))
        unknown = list(world.facts(360, rng.randrange(10**9)))
        changed = set(rng.sample(range(len(known)), 48))
        lines = [(f"new-{i}", f.text) for i, f in enumerate(known)]
        rng.shuffle(lines)
        later = [(f"changed-{i}", known[i].change) for i in sorted(changed)]
        rng.shuffle(later)
        chatter = [(f"chat-{i}", rng.choice(world.CHATTER)) for i in range(120)]
        both = sorted([*zip(sorted(rng.sample(range(288), 168)), [*lines, *later], strict=True)])
        slots = dict(both)
        rest = iter(chatter)
        stream = [slots.get(i) or next(rest) for i in range(288)]
        sessions = tuple(
            Session(
                f"evening {s + 1}", f"2026-{1 + s // 2:02d}-{1 + 14 * (s % 2):02d}T20:00:00+00:00",
                tuple((key, "the user", text) for key, text in stream[s * 12 : s * 12 + 12]),
            )
            for s in range(24)
        )  # fmt: skip
        questions = [
            Question(
                fact.question,
                frozenset({f"changed-{i}" if i in changed else f"new-{i}"}),
                frozenset({f"new-{i}"} if i in changed else ()),
                "changed" if i in changed else "stated once",
            )
            for i, fact in enumerate(known)
        ]
        people = {fact.person for fact in known}
        strangers = [f for f in unknown if f.person not in people]
        questions += [
            Question(f.question, frozenset(), group="unanswerable")
            for f in rng.sample(strangers, 30)
        ]
        talks.append(Talk(f"tenant-{number}", sessions, tuple(questions)))
    return talks


if __name__ == "__main__":
    main()
