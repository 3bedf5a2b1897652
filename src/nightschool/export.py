"""Take a version out of the workspace as plain files with a card, and take an adapter in from elsewhere.

An export is a copy that no later deletion reaches, and says so. An adapter that comes in is a candidate like
any other: nobody is served by it before the gate, or an owner over it, has spoken.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from nightschool import engines
from nightschool.backup import file_digest
from nightschool.bases import model_facts
from nightschool.engines import GgufFiles
from nightschool.errors import (
    ConfigError,
    ModelMissing,
    TaintedVersion,
    UnknownVersion,
    WorkspaceCorrupt,
    WorkspaceError,
)
from nightschool.exam.gate import decide
from nightschool.exam.general import general_bank
from nightschool.exam.reuse import answered, first_since
from nightschool.exam.seal import follow
from nightschool.exam.stats import outcomes, rate
from nightschool.examine import hold_exam
from nightschool.memory.erasure import buried, tombstone
from nightschool.protocols import Bar
from nightschool.registry.nights import IMPORTED
from nightschool.registry.versions import BASE
from nightschool.report.card import Card, Measured, render
from nightschool.report.morning import Rate
from nightschool.types import Bank, BankKind, Decision, Quant, Report, Version, new_id, now
from nightschool.wire import School
from nightschool.workspace import folder_atomic, read_json

Format = Literal["peft", "safetensors", "gguf", "ollama"]
LINEAGE = "nightschool.json"
"""What an export carries of its lineage, so that it can come back: ids, never text."""
PROBE_NATS = 1e-3
"""An imported adapter that changes no likelihood by more is not active, or empty."""


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written."""

    version: Version
    folder: Path
    files: tuple[str, ...]
    measured: Measured | None
    """How far llama.cpp's log-probabilities lie from torch's; None where the weights were not converted."""


@dataclass(frozen=True, slots=True)
class Imported:
    """What came in, and what the gate said of it."""

    version: Version
    decision: Decision
    report: Report


def export(
    school: School, name: str, to: Format, out: Path, *, quant: Quant = "f16", bar: Bar
) -> Exported:
    """Write a version as a folder for another program, in one step; the version itself is not changed.

    Args:
        school: The wired workspace.
        name: An alias or a version id.
        to: For which program.
        out: The folder; it must be new or empty.
        quant: How GGUF files store matrices.
        bar: Shows the progress.

    Raises:
        UnknownVersion: There is no such version, or it is the base.
        TaintedVersion: It knows something that has been forgotten.
        ConfigError: A version of full weights has no adapter.
        WorkspaceError: `out` is a file or holds something, or the disk is full.
        ModelUnfit: The model's architecture, tokenizer or chat template cannot be written in that format.
    """
    version = school.registry.resolve(school.settings.tenant, name)
    if version is None:
        raise UnknownVersion(
            f"{name} is the base model, which learnt nothing here; its folder is {school.base_folder()}."
        )
    if to == "peft" and version.kind != "lora":
        raise ConfigError(
            f"{version.id} has full weights and no adapter. Use --to safetensors, or train with "
            "train.method = lora."
        )
    folder, out = school.registry.weights(version), out.resolve()
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise WorkspaceError(
            f"{out} is not empty. Name a new folder with --out; nothing was written."
        )
    own = school.on(version.base)
    with folder_atomic(out) as staged, bar(f"export: {version.id}"):
        measured = None
        if to == "peft":
            engines.copy_adapter(folder, own.base_folder(), _plain_name(version.base), staged)
        elif to == "safetensors":
            engines.copy_weights(folder, own.base_folder(), version.kind, staged)
        else:
            files = school.gguf_of(version.id, quant)
            names = _copy_gguf(version, files, staged)
            if to == "ollama":
                text = engines.modelfile(folder, *names)
                (staged / "Modelfile").write_text(text, "utf-8")
            measured = _measure(school, version, folder, files)
        (staged / LINEAGE).write_text(_lineage(version), "utf-8")
        (staged / "README.md").write_text(
            _card(school, version, to, _files(staged), measured), "utf-8"
        )
        school.registry.weights(school.registry.version(version.id))  # forgotten meanwhile?
    return Exported(version, out, _files(out), measured)


def _plain_name(base: str) -> str:
    """Return a base's name; of a folder its last part: where things lie on this machine is nobody's business."""
    return Path(base).name if Path(base).is_dir() else base


def _files(folder: Path) -> tuple[str, ...]:
    return tuple(sorted(path.name for path in folder.iterdir()))


def _copy_gguf(version: Version, files: GgufFiles, out: Path) -> tuple[str, str | None]:
    """Copy a version's GGUF files; return their names there."""
    if files.adapter is None:
        weights = f"{version.id}-{files.quant}.gguf"
        shutil.copyfile(files.weights, out / weights)
        return weights, None
    weights, adapter = f"base-{files.quant}.gguf", f"{version.id}-adapter.gguf"
    shutil.copyfile(files.weights, out / weights)
    shutil.copyfile(files.adapter, out / adapter)
    return weights, adapter


def _measure(school: School, version: Version, folder: Path, files: GgufFiles) -> Measured:
    base = school.on(version.base).base_folder() if version.kind == "lora" else None
    found = engines.difference(engines.load_sampler(version.id, folder, base, files))
    return Measured(files.quant, found.mean_nats, found.largest_nats, found.tokens)


def _lineage(version: Version) -> str:
    kept = {
        "version": version.id,
        "memories": version.memory_ids,
        "base": _plain_name(version.base),
    }
    return json.dumps(kept, indent=1) + "\n"


def _card(
    school: School, version: Version, to: Format, files: tuple[str, ...], measured: Measured | None
) -> str:
    tenant, facts = school.settings.tenant, model_facts(version.base)
    banks = _banks(school)
    # The latest exams of one engine: answers of two are not one exam.
    found = school.reports(version.id)
    found = [report for report in found if report.engine == found[-1].engine]
    report = replace(found[-1], results=answered(found, banks)) if found else None
    known = {v.id: v for v in school.registry.versions(tenant)}
    line = [version]
    while line[-1].parent in known:
        line.append(known[line[-1].parent])
    card = Card(
        version=version,
        line=tuple(line),
        form=to,
        files=files,
        base=_plain_name(version.base),
        licence=facts.licence if facts else None,
        parameters=facts.parameters if facts else None,
        rates=_rates(report, banks),
        report=report,
        decision=school.registry.decision(version.id),
        measured=measured,
    )
    return render(card)


def _banks(school: School) -> list[Bank]:
    """Return what a version is examined on outside of any night: every bank, about what is still remembered."""
    tenant = school.settings.tenant
    banks = follow(school.exams.banks(tenant), school.store.memories(tenant))
    return [*banks, general_bank(school.settings.exam.general_items, tenant)]


def _rates(report: Report | None, banks: list[Bank]) -> tuple[tuple[str, Rate | None], ...]:
    names = {
        BankKind.ACQUIRED: "facts that it was taught",
        BankKind.ABSTENTION: "questions that nothing answers",
        BankKind.GENERAL: "general ability",
    }
    right = outcomes(report) if report else {}
    found = []
    for kind, name in names.items():
        got = rate(
            right, {i.id: i for bank in banks if bank.kind is kind for i in bank.items}.values()
        )
        found.append(
            (name, Rate(got.value, got.n, got.low, got.high) if got.value is not None else None)
        )
    return tuple(found)


# -- and in -------------------------------------------------------------------------------


def import_adapter(school: School, folder: Path, *, bar: Bar) -> Imported:
    """Take a LoRA adapter in peft's format in as a candidate, and have it sit the exam.

    It counts as knowing no memory, unless it is an export of this workspace: then it knows what its version knew.
    It is served by `promote` only, and against the gate's word only by its owner.

    Args:
        school: The wired workspace; the adapter must fit the base in force.
        folder: Holds adapter_config.json and adapter_model.safetensors.
        bar: Shows the progress of the exam.

    Raises:
        ModelMissing: The folder, one of its files, or the base is missing.
        ModelCorrupt: A file cannot be read.
        ModelUnfit: It is no plain LoRA, or was trained on another base.
        TaintedVersion: It is an export of a version that knows what has been forgotten since.
        WorkspaceLocked: A night or a deletion is going on.
    """
    if not folder.is_dir():
        raise ModelMissing(
            f"{folder} is no folder; expected one written by peft's save_pretrained."
        )
    tenant, base = school.settings.tenant, school.base_folder()
    with school.workspace.lock("an import"):
        for other in school.registry.versions(tenant):  # of an import that was killed
            if other.night == IMPORTED and school.registry.decision(other.id) is None:
                _drop(school, other)
        memories = _remembered(school, folder)
        version = Version(
            id=new_id("ver"),
            tenant=tenant,
            night=IMPORTED,
            kind="lora",
            base=school.base,
            parent=BASE,
            memory_ids=memories,
            example_ids=(),
            data_digest="",
            seed=0,
            config={"imported": True},
            created=now(),
        )
        try:
            with folder_atomic(school.workspace.versions / version.id) as staged:
                engines.copy_adapter(folder, base, _plain_name(school.base), staged)
                (staged / "train.json").write_text("null\n", "utf-8")  # complete; not trained here
                version = replace(version, data_digest=file_digest(staged / engines.ADAPTER_FILE))
                # Before its folder appears: no weights that a deletion does not know.
                school.registry.add(version)
            decision, report = _examined(school, version, bar)
            school.registry.record_decision(IMPORTED, version.id, decision)
        except BaseException:
            _drop(school, version)  # without the gate's word it can never be promoted
            raise
    return Imported(version, decision, report)


def _drop(school: School, version: Version) -> None:
    """Take an adapter whose import did not end back; the weights before the record that names them."""
    school.registry.erase_weights([version.id])
    school.registry.withdraw(version.id)


def _remembered(school: School, folder: Path) -> tuple[str, ...]:
    """Return which of this workspace's memories an adapter was trained on, where it says so.

    Raises:
        TaintedVersion: One of them has been forgotten.
        WorkspaceCorrupt: What it says cannot be read.
    """
    path = folder / LINEAGE
    if not path.exists():
        return ()
    plain = read_json(path)
    ids = plain.get("memories") if isinstance(plain, dict) else None
    if not isinstance(ids, list) or not all(isinstance(each, str) for each in ids):
        raise WorkspaceCorrupt(
            f"{path} lists no memories. Delete it if the adapter is not from here."
        )
    gone = buried(school.store.connection, map(tombstone, ids))
    if gone:
        raise TaintedVersion(
            f"{folder} is an export of a version that knows {gone} memories which have been forgotten since, so it "
            "is not taken back. Delete the copy."
        )
    tenant = school.settings.tenant
    known = {memory.id for memory in school.store.memories(tenant, include_retired=True)}
    return tuple(each for each in ids if each in known)


def _examined(school: School, version: Version, bar: Bar) -> tuple[Decision, Report]:
    """Let the newcomer and the served version sit all banks, and let the gate speak."""
    tenant, registry = school.settings.tenant, school.registry
    live = registry.alias(tenant, "live")
    banks = _banks(school)
    report = hold_exam(school, version.id, bar)
    served = hold_exam(school, live, bar)
    ever = registry.served(tenant)
    first = first_since(
        school.exams.reports(tenant), [v for v in registry.versions(tenant) if v.id in ever], banks
    )
    attempt = registry.attempts(tenant, version.base) + 1
    active = _active(school, version)
    decision = decide(
        report, served, first, banks, school.settings.gate, attempt, active, expect_new=False
    )
    return decision, report


def _active(school: School, version: Version) -> bool:
    """Tell whether an adapter changes anything at all."""
    from nightschool.exam.general import general_prompts

    pairs = general_prompts()[:8]
    before = school.on(version.base).sampler(BASE).score(pairs)
    after = school.sampler(version.id).score(pairs)
    gaps = [
        abs(a - b)
        for one, other in zip(before, after, strict=True)
        for a, b in zip(one, other, strict=True)
    ]
    return max(gaps) > PROBE_NATS
