"""How much junk does a memory keep after 1,000 turns of talk with recall switched on?

`python bench/junk.py` (minutes, no model); `--model` lets the served model answer; `--peer` runs mem0 on the same talks.

Conversations are generated (`junk_talks.py`): facts told, told again in other words, corrected and asked for, small
talk, suppositions, jokes, hearsay, denials, pasted output, and the user quoting what the assistant said. Before each answer the
memories that fit are recalled; the assistant repeats them, and now and then makes something up. Each conversation ends
with `end_chat`. Then every live memory is judged against what was really stated:

- *echo*: it is from a turn that only repeats what the assistant, the notes or a tool said
- *unsupported*: it is from a turn that states nothing, or does not hold the fact that its turn states
- *stale*: it holds a value that has been corrected
- *duplicate*: another live memory holds the same value of the same fact

`stored_rate` is the share of the facts whose newest value a live memory holds. The peer is mem0: without `--peer-url`
in its mode without a language model (`infer=False`), which keeps every user message and so is a floor and not
what mem0 is made for; with `--peer-url` (OpenAI-compatible, `--peer-model`) with its own extraction. Its embedder is
words hashed into 512 places, which needs no download. Develop on `--seed 1` to `3`; seed 0 has only wordings
that no other seed uses (`junk_wordings.py`), and is run for the record, when the rules are final.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from junk_talks import FAMILIES, QUOTE, Fact, Generator, Intent
from junk_wordings import CONFIRM
from junk_wordings import QUOTE as NEW_QUOTE
from nightschool.day import ask, end_chat
from nightschool.exam.stats import wilson
from nightschool.prompts import recall_prompt, within_budget
from nightschool.types import Memory
from nightschool.wire import School, open_school
from nightschool.workspace import Workspace
from record import Record

KEPT = {
    "nightschool, rules of commit 7439801": "before_",
    "mem0 infer=False (keeps every user message)": "mem0_not_run_again_",
}
"""Rows that are stated as they were measured: the rules before on the same wordings, and the peer on the first ones."""
PLACES = 512
"""Size of the vectors that the peer gets."""
PER_TALK = 8
"""User turns of a conversation."""
WORDINGS = 2
"""Which set of wordings; figures of different sets are not compared."""
INVENTED = 0.1
"""Share of the answers in which the assistant states something that it made up."""
JUNK = ("duplicate", "echo", "unsupported", "stale")
EARNEST = ("tell", "retell", "correct", "confirm")


@dataclass(frozen=True)
class Lived:
    """One user turn as it was said."""

    talk: int
    intent: Intent
    text: str


@dataclass(frozen=True)
class Kept:
    """One live memory of any system, and the turn it came from; None where the system does not say."""

    text: str
    turn: Lived | None


def main() -> None:
    """Live the talks, judge what was kept, and record."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", action="store_true", help="the served model answers")
    parser.add_argument("--peer", action="store_true", help="run mem0 too")
    parser.add_argument("--peer-url", help="OpenAI-compatible endpoint for mem0's extraction")
    parser.add_argument("--peer-model", default="default")
    parser.add_argument("--show", action="store_true", help="print the junk and what was missed")
    parser.add_argument("--json", type=Path, default=Path("bench/results/junk.json"))
    given = parser.parse_args()
    record = Record(given.json, "junk")
    record.body["seeds"] = [given.seed]
    speaker = "served model" if given.model else "echoing assistant"
    key = {
        "system": "nightschool",
        "assistant": speaker,
        "turns": given.turns,
        "seed": given.seed,
        "wordings": WORDINGS,
    }
    lived: list[Lived] = []

    def ours() -> dict[str, Any]:
        with tempfile.TemporaryDirectory() as folder:
            Workspace.create(Path(folder) / "school", "")
            school = open_school(Path(folder) / "school")
            facts, dropped = live(school, given.seed, given.turns, given.model, lived)
            kept = [
                Kept(m.text, origin(school, m, lived)) for m in school.store.memories("default")
            ]
            row = judge(kept, facts, given.show)
            told = [[f.family, f.subject, f.values] for f in facts]
            said = [[t.intent.kind, t.text] for t in lived]
            return {**row, "left_out": dropped, "said": said, "told": told}

    row = record.measure(key, ours)
    state(record, "", row)
    if given.peer or given.peer_url:
        mode = (
            "mem0 infer=True" if given.peer_url else "mem0 infer=False (keeps every user message)"
        )
        peer_row = record.measure(
            {**key, "system": mode},
            lambda: peer(row, given),
        )
        state(record, "mem0_", peer_row)
        print(f"The peer is {mode}.")
    for system, prefix in KEPT.items():
        row = next((r for r in record.body["rows"] if r["system"] == system), None)
        if row is not None and f"{prefix}junk_rate" not in record.body["figures"]:
            state(record, prefix, row)
    record.save()
    print(json.dumps({n: f["value"] for n, f in record.body["figures"].items()}, indent=1))


def state(record: Record, prefix: str, row: dict[str, Any]) -> None:
    """State the shares of one system with their intervals."""
    n = row["memories"]
    for name in ("junk", *JUNK):
        hits = sum(row[j] for j in JUNK) if name == "junk" else row[name]
        low, high = wilson(hits / n, n)
        record.figure(f"{prefix}{name}_rate", hits / n, low=low, high=high, n=n, unit="rate")
    low, high = wilson(row["stored"] / row["facts"], row["facts"])
    record.figure(
        f"{prefix}stored_rate", row["stored"] / row["facts"], low=low, high=high, n=row["facts"], unit="rate",
    )  # fmt: skip


def live(
    school: School, seed: int, turns: int, model: bool, lived: list[Lived]
) -> tuple[list[Fact], dict[str, int]]:
    """Live the talks; return the facts that were told, and what was left out and why."""
    world = Generator(seed)
    budget = school.settings.recall.budget_tokens
    dropped: dict[str, int] = {}
    for talk in range(-(-turns // PER_TALK)):
        said: list[tuple[str, str]] = []
        seen: dict[str, Memory] = {}
        notes: list[Memory] = []
        reply = ""
        for _ in range(min(PER_TALK, turns - talk * PER_TALK)):
            intent = world.intent()
            text = worded(world, intent, reply, notes, budget)
            lived.append(Lived(talk, intent, text))
            if model:
                answer = ask(school, text)
                notes, reply = list(answer.recalled), answer.text
            else:
                notes = within_budget(school.recall(text), budget)
                reply = echo(world, notes)
            seen |= {m.id: m for m in notes}
            said += [("user", text), ("assistant", reply)]
        learnt = end_chat(school, said, f"talk {talk}", recalled=list(seen.values()))
        for why, count in learnt.dropped.items():
            dropped[why] = dropped.get(why, 0) + count
    return world.facts, dropped


def echo(world: Generator, notes: list[Memory]) -> str:
    """Answer as a model does that repeats its notes, and now and then makes something up."""
    if world.random.random() < INVENTED and world.facts:
        fact = world.random.choice(world.facts)
        fake = world._value(fact.family)
        return FAMILIES[fact.family]["invent"][0].format(s=fact.subject, f=fake)
    return " ".join(m.text for m in notes[:2]) or "Noted."


def worded(world: Generator, intent: Intent, reply: str, notes: list[Memory], budget: int) -> str:
    """Word a turn that depends on what the assistant has just said."""
    if intent.text:
        return intent.text
    first = re.split(r"(?<=[.!?])\s", reply)[0] if reply else ""
    if intent.kind == "paste_prompt" and notes:
        return recall_prompt("What do you know?", notes, budget)[0].content
    if intent.kind == "confirm" and notes:
        fact = notes[0].text
        return world.pick(["Yes, {low}"], CONFIRM).format(low=lower(fact))
    if intent.kind == "paste_answer" and reply:
        return reply
    if not first:
        return "What do you know?"
    return world.pick(QUOTE, NEW_QUOTE).format(fact=first, low=lower(first))


def lower(sentence: str) -> str:
    """Put a sentence's first word in lower case, unless it is a name."""
    return re.sub(r"^(The|Our|My|Your)\b", lambda m: m[0].lower(), sentence)


def origin(school: School, memory: Memory, lived: list[Lived]) -> Lived | None:
    """Find the turn that a memory points to."""
    episode = school.store.episode(memory.episode_id)
    talk = int(episode.title.split()[1])
    mine = [turn for turn in lived if turn.talk == talk]
    users = [turn for turn in episode.turns if turn.role == "user"]
    assert memory.span is not None
    for turn, said in zip(mine, users, strict=True):
        if said.span.start <= memory.span.start <= said.span.end:
            return turn
    return None


def judge(kept: list[Kept], facts: list[Fact], show: bool) -> dict[str, Any]:
    """Sort live memories into what is right and the kinds of junk."""
    current = {fact.values[-1]: fact for fact in facts}
    old = {value for fact in facts for value in fact.values[:-1]}
    counts = dict.fromkeys(JUNK, 0)
    seen: set[str] = set()
    for memory in kept:
        kind = verdict(memory, current, old, seen)
        if kind:
            counts[kind] += 1
            if show:
                print(f"{kind:>12}  {memory.text}   <- {memory.turn and (memory.turn.intent.kind, memory.turn.text)}")  # fmt: skip
    if show:
        for value, fact in current.items():
            if value not in seen:
                print(f"      missed  {fact.subject}: {fact.values}")
    return {**counts, "memories": len(kept), "facts": len(facts), "stored": len(seen)}


def verdict(memory: Kept, current: dict[str, Fact], old: set[str], seen: set[str]) -> str:
    """Return the kind of junk that a memory is, or nothing; `seen` gathers the facts that are held."""
    turn = memory.turn
    if (
        turn is not None
        and turn.intent.kind == "deny"
        and re.search(r"n't|\bnot\b|never", memory.text)
    ):
        return ""
    if turn is not None and turn.intent.kind not in EARNEST:
        return "echo" if turn.intent.kind in ("quote", "paste_answer", "paste_prompt", "tool") else "unsupported"  # fmt: skip
    mine = [v for v in current if holds(memory.text, v)]
    if not mine:
        stale = any(holds(memory.text, v) for v in old)
        denial = re.search(r"n't|\bnot\b|no longer", memory.text)
        return ("" if denial else "stale") if stale else "unsupported"
    fact = current[mine[0]]
    if not set(fact.subject.split()) <= set(re.findall(r"[a-z]+", memory.text.lower())):
        return "unsupported"
    if mine[0] in seen:
        return "duplicate"
    seen.add(mine[0])
    return ""


def holds(text: str, value: str) -> bool:
    """Tell whether a text has a value as words of their own."""
    return re.search(rf"(?<![\w-]){re.escape(value)}(?![\w-]|:\d)", text) is not None


# -- the peer ------------------------------------------------------------------------------


def peer(row: dict[str, Any], given: argparse.Namespace) -> dict[str, Any]:
    """Give mem0 the same user turns, and judge what it keeps."""
    facts = [Fact(*told) for told in row["told"]]
    turns = [Lived(0, Intent(kind, None, text), text) for kind, text in row["said"]]
    with tempfile.TemporaryDirectory() as folder:
        memory = mem0_store(Path(folder), given.peer_url, given.peer_model)
        for number, turn in enumerate(turns):
            memory.add(
                [{"role": "user", "content": turn.text}],
                user_id="u",
                infer=bool(given.peer_url),
                metadata={"turn": number},
            )
        rows = memory.get_all(filters={"user_id": "u"}, top_k=100_000)["results"]
    kept = [Kept(r["memory"], turns[r["metadata"]["turn"]]) for r in rows]
    return judge(kept, facts, given.show)


def mem0_store(folder: Path, url: str | None, model: str) -> Any:
    """Open mem0 over a local vector store, with hashed words as its embedder."""
    os.environ["MEM0_TELEMETRY"] = "False"
    os.environ["MEM0_DIR"] = str(folder)
    try:
        from mem0 import Memory as Mem0
    except ImportError as error:
        raise SystemExit(
            "mem0 is not installed: `pip install mem0ai`, or leave --peer out."
        ) from error
    access = {"api_key": os.environ.get("PEER_KEY", "none"), "model": model}
    memory = Mem0.from_config(
        {
            "vector_store": {
                "provider": "qdrant",
                "config": {"path": str(folder / "q"), "embedding_model_dims": PLACES},
            },
            "llm": {
                "provider": "openai",
                "config": {**access, "openai_base_url": url or "http://127.0.0.1:9/v1"},
            },
            "embedder": {"provider": "openai", "config": {**access, "embedding_dims": PLACES}},
            "history_db_path": str(folder / "history.db"),
        }
    )
    memory.embedding_model = HashedWords()
    return memory


class HashedWords:
    """mem0's embedder: words counted in hashed places."""

    def embed(self, text: str, memory_action: str | None = None) -> list[float]:
        """Embed a text as a vector of length 1."""
        vector = [0.0] * PLACES
        for word in re.findall(r"\w+", text.lower()):
            place = int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "big")
            vector[place % PLACES] += 1
        norm = sum(x * x for x in vector) ** 0.5 or 1.0
        return [x / norm for x in vector]

    def embed_batch(self, texts: list[str], memory_action: str | None = None) -> list[list[float]]:
        """Embed several texts."""
        return [self.embed(text) for text in texts]


if __name__ == "__main__":
    main()
