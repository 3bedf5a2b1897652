"""Other memory systems behind one small interface, so that a bench can ask them what it asks us.

`python bench/peers.py --try` runs all that are installed on made-up sentences: a smoke test, no result.

What the peers need (in an environment of its own: mem0ai wants an older protobuf than `constraints.txt` pins, so
this is no extra of the project):

    pip install -e . mem0ai==2.2.1 fastembed==0.9.1 langmem==0.0.30
    nightschool models pull all-minilm-l6-v2
    npm install --global @modelcontextprotocol/server-memory@2026.8.31

Each runs without a server, a key or a network: a process that has built one of them can reach no address but
this machine's. No language model takes part: mem0 and LangMem store the texts as they are given, which
is what their searches are compared on; what their models would extract is not.
"""

from __future__ import annotations

import argparse
import functools
import random
import re
import sqlite3
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from nightschool.errors import NightschoolError
from peer_embeddings import minilm, smollm2
from peer_systems import LangMem, McpReference, Mem0


class Peer(Protocol):
    """A memory system that keeps texts for tenants and finds them again."""

    name: str
    """What runs: the system, its version, its settings, its embeddings."""

    def add(self, tenant: str, texts: Sequence[tuple[str, str]]) -> None:
        """Keep texts, given as (key, text); a key is new in its tenant."""

    def search(self, tenant: str, query: str, limit: int) -> list[str]:
        """Return the keys of what answers the query, best first, at most `limit`."""

    def close(self) -> None:
        """Let go of files and processes."""


def available() -> dict[str, Callable[[Path], Peer]]:
    """Return the constructors of all peers by name; each takes an empty folder that it may fill.

    A constructor raises `PeerMissing` with the command that installs what it lacks, or `ModelMissing`
    where its embeddings are not here. Peers of the same embeddings share them: a text is embedded
    for the first of them only, so their times of writing are no figures to compare. A query is embedded anew by each.
    """
    small, ours = functools.cache(minilm), functools.cache(smollm2)
    return {
        "fts5": Fts5,
        "mem0-minilm": lambda folder: Mem0(folder, small()),
        "mem0-smollm2": lambda folder: Mem0(folder, ours()),
        "langmem-minilm": lambda folder: LangMem(small()),
        "langmem-smollm2": lambda folder: LangMem(ours()),
        "mcp-question": lambda folder: McpReference(folder, by_word=False),
        "mcp-words": lambda folder: McpReference(folder, by_word=True),
    }


class Fts5:
    """The plain baseline: SQLite's full text search, porter stems, any word of the query, bm25.

    A tenant has a table of its own, so that the words of others do not move its weights.
    """

    def __init__(self, folder: Path) -> None:
        self.name = f"SQLite {sqlite3.sqlite_version} FTS5 (porter, OR of all words, bm25)"
        self._database = sqlite3.connect(folder / "fts5.sqlite")
        self._tables: dict[str, str] = {}

    def add(self, tenant: str, texts: Sequence[tuple[str, str]]) -> None:
        if tenant not in self._tables:
            self._tables[tenant] = f"t{len(self._tables)}"
            self._database.execute(
                f"CREATE VIRTUAL TABLE {self._tables[tenant]} "
                "USING fts5(key UNINDEXED, text, tokenize='porter unicode61')"
            )
        with self._database:
            self._database.executemany(
                f"INSERT INTO {self._tables[tenant]}(key, text) VALUES (?, ?)", texts
            )

    def search(self, tenant: str, query: str, limit: int) -> list[str]:
        words = re.findall(r"\w+", query)
        if tenant not in self._tables or not words:
            return []
        table = self._tables[tenant]
        rows = self._database.execute(
            f"SELECT key FROM {table} WHERE {table} MATCH ? ORDER BY bm25({table}) LIMIT ?",
            (" OR ".join(f'"{word}"' for word in words), limit),
        )
        return [key for (key,) in rows]

    def close(self) -> None:
        self._database.close()


NAMES = "Ada Bruno Chidi Dora Emil Farah Goran Hana Ivan Jade".split()
FACTS = (
    ("{n} adopted a {v} from the shelter.", "Which pet did {n} take home?", "beagle parrot hamster"),
    ("{n} works as a {v} in the city.", "What is {n}'s job?", "baker surveyor cellist"),
    ("{n} is allergic to {v}.", "Which food must {n} avoid?", "peanuts shellfish celery"),
    ("{n} grew up in {v}.", "Where did {n} spend the childhood?", "Lisbon Tromso Nairobi"),
    ("{n} drives a {v} car.", "What colour is {n}'s vehicle?", "red green silver"),
    ("{n} plays the {v} in a band.", "Which instrument does {n} play?", "drums bass trumpet"),
    ("{n} married in the month of {v}.", "When was {n}'s wedding?", "May October January"),
    ("{n} is learning {v} with a tutor.", "Which language does {n} study?", "Greek Korean Finnish"),
    ("{n} keeps {v} on the balcony.", "What does {n} grow at home?", "tomatoes basil roses"),
    ("{n} broke a {v} while skiing.", "Which injury did {n} have?", "wrist collarbone ankle"),
)  # fmt: skip


def sample() -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Make 300 sentences, as (key, text), and 30 questions, as (key of its sentence, question)."""
    rng = random.Random(0)
    texts, questions = [], []
    for fact, (statement, question, values) in enumerate(FACTS):
        for person, name in enumerate(NAMES):
            key = f"{fact}-{person}"
            texts.append((key, statement.format(n=name, v=rng.choice(values.split()))))
            questions.append((key, question.format(n=name)))
    for number in range(200):
        name, other = rng.sample(NAMES, 2)
        texts.append((f"noise-{number}", f"{name} and {other} met on day {number} and talked."))
    rng.shuffle(texts)
    return texts, rng.sample(questions, 30)


def smoke(build: Callable[[Path], Peer]) -> str:
    """Run a peer on the sample beside an empty second tenant, and say what came out in one line."""
    texts, questions = sample()
    with tempfile.TemporaryDirectory() as folder:
        begun = time.monotonic()
        peer = build(Path(folder))
        started = time.monotonic()
        peer.add("a.1", texts)
        peer.add("b", [("other", "Ada, Bruno, Chidi, Dora, Emil: which job, pet and food?")])
        added = time.monotonic()
        found = [peer.search("a.1", question, 10) for _, question in questions]
        asked = time.monotonic() - added
        if any("other" in keys for keys in found):
            raise RuntimeError(f"{peer.name} gave away another tenant's text.")
        peer.close()
    hits = sum(key in keys for (key, _), keys in zip(questions, found, strict=True))
    return (
        f"recall@10 {hits / len(questions):.2f}  {1000 * asked / len(questions):7.2f} ms/query  "
        f"start {started - begun:5.1f} s  add {added - started:5.1f} s  {peer.name}"
    )


def main() -> None:
    """Try the peers that are installed; say for the others how to install them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--try", nargs="*", choices=list(available()), dest="names", default=None)
    names = parser.parse_args().names
    for name, build in available().items():
        if names and name not in names:
            continue
        try:
            print(f"{name:16}{smoke(build)}", flush=True)
        except NightschoolError as error:
            print(f"{name:16}{error}", flush=True)


if __name__ == "__main__":
    main()
