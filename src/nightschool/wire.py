"""The composition root: from settings to implementations. It, `bases.py` and `engines.py` alone import `models/`."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from nightschool.backup import Backup, back_up, back_up_before
from nightschool.bases import anchors_of, embedder, named, order_reader
from nightschool.config import Settings, load_settings
from nightschool.damage import damage_told
from nightschool.engines import GgufFiles, gguf_files, load_sampler, start_engine
from nightschool.errors import ConfigError, UnknownMemory, WorkspaceCorrupt
from nightschool.memory.answers import Answers
from nightschool.memory.files import (
    EDITOR,
    Edits,
    edited,
    expect_changes,
    index_excerpt,
    rendered,
    sync_files,
)
from nightschool.memory.schema import MIGRATIONS as MEMORY_TABLES
from nightschool.memory.schema import ROOM as MEMORY
from nightschool.memory.store import SqliteStore
from nightschool.memory.tool import MemoryTool
from nightschool.memory.vault import Vault
from nightschool.protocols import (
    Author,
    Bar,
    Embedder,
    Extractor,
    Sampler,
    Trainer,
    Writer,
)
from nightschool.registry.jobs import MIGRATIONS as JOB_TABLES
from nightschool.registry.jobs import ROOM as JOBS
from nightschool.registry.records import ExamRecords
from nightschool.registry.schema import MIGRATIONS as REGISTRY_TABLES
from nightschool.registry.schema import ROOM as REGISTRY
from nightschool.registry.versions import BASE, Registry
from nightschool.sources import said
from nightschool.sources.extractors import RULES, SCHEMA, ModelExtractor
from nightschool.sources.note_taker import NoteTaker
from nightschool.types import Effort, Memory, Quant, Report, Trust, Version
from nightschool.workspace import Workspace

if TYPE_CHECKING:
    from nightschool.models.llama_engine import LlamaEngine

TABLES = {MEMORY: len(MEMORY_TABLES), REGISTRY: len(REGISTRY_TABLES), JOBS: len(JOB_TABLES)}
"""Room -> the version of its tables."""
TEACHER_KEY = "NIGHTSCHOOL_TEACHER_KEY"
EXTRACTOR_KEY = "NIGHTSCHOOL_EXTRACTOR_KEY"


@dataclass(frozen=True)
class School:
    """One opened workspace with everything that the flows need."""

    workspace: Workspace
    settings: Settings
    store: SqliteStore
    registry: Registry
    exams: ExamRecords
    _loaded: dict[tuple[str, str], Sampler] = field(default_factory=dict)
    _readers: dict[str | None, Embedder | None] = field(default_factory=dict)
    _pinned: str | None = None

    def at_effort(self, effort: Effort | None) -> School:
        """Return this school with its settings turned to an effort; None takes the settings' own."""
        return replace(self, settings=self.settings.with_effort(effort or self.settings.effort))

    @property
    def base(self) -> str:
        """The model that `base` means: that of the version served last, at first that of the settings."""
        chosen = self._pinned or self.registry.base(self.settings.tenant)
        return chosen or self.settings.model.base

    def on(self, base: str) -> School:
        """Return this school on another base model: `base` means that one, whatever is served."""
        return replace(self, _pinned=base)

    def base_of(self, name: str) -> str:
        """Return the base model on which `base`, an alias or a version id stands.

        Raises:
            UnknownVersion: The tenant has no such version.
        """
        version = self.registry.resolve(self.settings.tenant, name)
        return version.base if version else self.base

    def base_folder(self) -> Path:
        """Return the base model's folder. Raises ModelMissing where it was not pulled."""
        from nightschool.models.pull import resolve

        return resolve(self.base)

    def check_base(self) -> None:
        """See that the base model can be loaded, and is of a kind that can be taught.

        Raises:
            ModelMissing: It has not been pulled.
            ModelCorrupt: Its files cannot be read.
            ModelUnfit: It has no chat template, or its output layer is not all that makes its logits.
            ModelUnfit: It mixes the examples of a packed row.
        """
        from nightschool.models.torch_model import check_fit, load
        from nightschool.train.fit import check_rows

        loaded = load(self.base_folder())
        check_fit(loaded, self.base)
        check_rows(loaded.model, self.base)

    def sampler(self, name: str) -> Sampler:
        """Return a sampler for `base`, an alias or a version id.

        The base and the version asked for last stay loaded. An adapter is put on the base that it
        was trained on. With `model.engine` llama, answers come from the file and engine that serve.

        Raises:
            UnknownVersion: The tenant has no such version.
            TaintedVersion: The version knows something that has been forgotten.
            ModelMissing: The base model has not been pulled, or an adapter's is gone.
            ModelUnfit: llama.cpp is to answer, and cannot run this model, or not as torch does.
        """
        version = self.registry.resolve(self.settings.tenant, name)
        key = self._key(version)
        own = self.on(self.base_of(name))
        # Looked up although it may be loaded: it may have been forgotten since.
        folder = self.registry.weights(version) if version else own.base_folder()
        if key not in self._loaded:
            for other in [k for k in self._loaded if (k[0] == BASE) == (key[0] == BASE)]:
                del self._loaded[other]
            adapter = version is not None and version.kind == "lora"
            base = own.base_folder() if adapter else None
            files = self.gguf_of(name) if self.settings.model.engine == "llama" else None
            self._loaded[key] = load_sampler(key[0], folder, base, files)
        return self._loaded[key]

    def gguf_of(self, name: str, quant: Quant | None = None) -> GgufFiles:
        """Return the GGUF files of a version or base, in the settings' `model.quant` unless told; see `engines`.

        Raises:
            UnknownVersion: The tenant has no such version.
            TaintedVersion: The version knows something that has been forgotten.
        """
        version = self.registry.resolve(self.settings.tenant, name)
        folder = self.registry.weights(version) if version else None
        kind = version.kind if version else "full"
        return gguf_files(self.base_of(name), folder, kind, quant or self.settings.model.quant)

    def engine_for(
        self, *names: str, parallel: int | None = None, context: int | None = None
    ) -> LlamaEngine:
        """Start llama.cpp on a full version, or on `base` and LoRA versions on it; see `engines.start_engine`."""
        found = {self._key(self.registry.resolve(self.settings.tenant, n))[0]: n for n in names}
        return start_engine(
            {key: self.gguf_of(name) for key, name in found.items()},
            parallel=parallel,
            context=context,
        )

    def _key(self, version: Version | None) -> tuple[str, str]:
        return (version.id, "") if version else (BASE, self.base)

    def loaded_sampler(self, name: str) -> Sampler | None:
        """Return the sampler of `base`, an alias or a version id where it is loaded already; else None."""
        version = self.registry.resolve(self.settings.tenant, name)
        return self._loaded.get(self._key(version))

    def memory_index(self) -> str:
        """Return the beginning of the index of the memory files, as it goes before a conversation."""
        return index_excerpt(self.workspace, self.settings.tenant)

    def trainer(self, bar: Bar) -> Trainer:
        """Return the torch trainer; samplers give their memory back first.

        A base that has never trained with anchors writes them now; they are kept beside the models.

        Args:
            bar: Shows the progress of that.
        """
        from nightschool.models.torch_model import load, render
        from nightschool.train.torch_trainer import TorchTrainer

        self.free()
        held = self.settings.train.anchor_weight > 0
        return TorchTrainer(load, render, anchors_of(self.base, bar) if held else None)

    def free(self) -> None:
        """Give the memory of the loaded samplers back, before something trains."""
        self._loaded.clear()

    @property
    def handed_over(self) -> Path:
        """Folder of adapters on their way to the engine that draws attempts; none lie there after a run."""
        return self.workspace.versions / "rollouts.practice"

    def author(self, name: str) -> Author:
        """Return an author of study material: `rules`, `self` or `teacher`.

        Raises:
            ConfigError: The teacher has no URL, or the name is unknown.
        """
        from nightschool.study.rules import RuleAuthor
        from nightschool.study.sampled import SampledAuthor

        study, seed = self.settings.study, self.settings.train.seed
        if name == "rules":
            return RuleAuthor(study, seed, self.store.memories(self.settings.tenant))
        if name == "self":
            return SampledAuthor("self", self._writer(), study, seed)
        if name == "teacher" and study.teacher_url:
            from nightschool.models.teacher import HttpWriter

            key = os.environ.get(TEACHER_KEY, "")
            writer = HttpWriter(study.teacher_url, study.teacher_model, key)
            return SampledAuthor("teacher", writer, study, seed)
        raise ConfigError(
            f"study.authors names {name!r}, and study.teacher_url is {study.teacher_url!r}. "
            "Use rules or self, or set study.teacher_url to an OpenAI-compatible endpoint."
        )

    def extractor(self) -> Extractor:
        """Return who finds what is stated in conversations: the rules, the served version, or a model behind an endpoint.

        Raises:
            ConfigError: The endpoint has no URL.
        """
        write = self.settings.write
        if write.extractor == "rules":
            return RULES
        if write.extractor == "live":
            return NoteTaker(lambda: self.sampler("live"))
        if not write.endpoint_url:
            raise ConfigError(
                "write.extractor is 'endpoint', and write.endpoint_url is not set. "
                "Set it to the root of an OpenAI-compatible API, such as http://localhost:8000/v1."
            )
        from nightschool.models.teacher import HttpWriter

        key = os.environ.get(EXTRACTOR_KEY, "")
        return ModelExtractor(
            HttpWriter(
                write.endpoint_url,
                write.endpoint_model,
                key,
                schema=SCHEMA,
                setting="write.endpoint",
            )
        )

    def _writer(self) -> Writer:
        """Return the base model for fast sampling: by llama.cpp where its GGUF is at hand."""
        from nightschool.models.llama_sampler import LlamaSampler
        from nightschool.models.pull import GGUF_NAME

        gguf = self.base_folder() / GGUF_NAME
        return LlamaSampler(gguf) if gguf.exists() else self.sampler(BASE)

    def reports(self, name: str) -> list[Report]:
        """Return the reports of `base`, an alias or a version id, oldest first; for the base those of that very model.

        Of a program that did not write down which model the base was they count while there was only one.
        """
        tenant = self.settings.tenant
        version = self.registry.resolve(tenant, name)
        found = self.exams.reports(tenant, version.id if version else BASE)
        if version:
            return found
        only = {v.base for v in self.registry.versions(tenant)} <= {self.base}
        return [r for r in found if r.base == self.base or (only and not r.base)]

    def recall(self, question: str) -> list[Memory]:
        """Return the live memories nearest to a question, best first."""
        found = self.store.recall(self.settings.tenant, question, self.settings.recall.limit)
        return [memory for memory, _ in found]

    def memory(self, memory_id: str) -> Memory:
        """Return one of the tenant's memories.

        Raises:
            UnknownMemory: The tenant has no such memory.
        """
        memory = self.store.memory(memory_id)
        if memory.tenant != self.settings.tenant:
            raise UnknownMemory(
                f"{self.settings.tenant!r} has no memory called {memory_id}. Name its owner with --tenant."
            )
        return memory

    @property
    def answers(self) -> Answers:
        """The answers that were served, and what was said of them."""
        return Answers(self.store.connection)

    def vault(self) -> Vault:
        """Return the tenant's memory files."""
        return Vault(self.workspace.memories / self.settings.tenant)

    def memory_tool(self) -> MemoryTool:
        """Return the memory tool of one conversation."""
        return MemoryTool(self.vault(), lambda: rendered(self.workspace, self.settings.tenant))

    def sync_files(self, written: Mapping[str, Trust] | None = None) -> Edits:
        """Take in what was edited in the memory files, then bring the files in line; under the lock.

        Raises:
            WorkspaceCorrupt: An edited file is not UTF-8 text.
        """
        tenant = self.settings.tenant
        return sync_files(
            self.store, self.workspace, tenant, lambda text: said(text, tenant, EDITOR), written
        )

    def expect_changes(self) -> None:
        """Have the next sync look into every file; before a change that must not be half done."""
        expect_changes(self.workspace, self.settings.tenant)

    def back_up(self) -> Backup:
        """Make a verified copy of the database, all tenants' records in it.

        Raises:
            WorkspaceCorrupt: The records are damaged; the earlier backups stay.
            WorkspaceError: The disk is full.
            WorkspaceLocked: Another process is at work on the backups.
        """
        try:
            return back_up(self.workspace)
        except WorkspaceCorrupt:
            with damage_told(self.workspace.database):
                self.store.check()  # a damaged index is built anew
            return back_up(self.workspace)

    def close(self) -> None:
        """Close the database; this school is of no use any more."""
        for room in (self.store, self.registry, self.exams):
            room.connection.close()

    def order_reader(self) -> Embedder | None:
        """Return what reads documents for orders by their meaning; None where it is switched off or was not pulled.

        Raises:
            ConfigError: `write.encoder` names an encoder that orders cannot be told by.
        """
        if self.settings.write.encoder not in self._readers:
            self._readers[self.settings.write.encoder] = order_reader(self.settings.write.encoder)
        return self._readers[self.settings.write.encoder]

    def edited(self) -> bool:
        """Tell whether a memory file was edited since it was written."""
        tenant = self.settings.tenant
        return edited(self.workspace, tenant, known=self.store.any(tenant))


def open_school(start: Path, overrides: tuple[str, ...] = (), tenant: str | None = None) -> School:
    """Open the workspace at `start` or above it.

    A database of an earlier program is brought up to date, after a backup of it was made.

    Raises:
        WorkspaceMissing: There is none.
        WorkspaceCorrupt: Its database cannot be read.
        ConfigError: A setting is wrong.
        ConfigError: `model.base` is overridden while another base is served.
        ModelMissing: The embedding model of `recall.dense` has not been pulled.
    """
    workspace = Workspace.find(start)
    owner = () if tenant is None else (f"tenant={json.dumps(tenant)}",)
    settings = load_settings(workspace.config_path, (*overrides, *owner))
    # A relative folder is meant from the workspace, wherever the program is started.
    model = settings.model.model_copy(update={"base": named(settings.model.base, workspace.root)})
    settings = settings.model_copy(update={"model": model})
    with damage_told(workspace.database):
        back_up_before(workspace, TABLES)
        store = SqliteStore(workspace, embedder(settings.recall.dense))
        registry = Registry(workspace)
        chosen = registry.base(settings.tenant)
    if chosen and named(chosen, workspace.root) != model.base and _names_base(overrides):
        raise ConfigError(
            f"--set model.base={model.base}: what is served stands on {chosen}, and a setting "
            f"does not change that. Use `nightschool rebase --model {model.base}`."
        )
    return School(workspace, settings, store, registry, ExamRecords(workspace))


def _names_base(overrides: tuple[str, ...]) -> bool:
    return any(override.partition("=")[0].strip() == "model.base" for override in overrides)
