"""Every setting of Nightschool, one frozen model per concern; the only home of defaults.

Precedence: `nightschool.toml` < environment (`NIGHTSCHOOL_TRAIN__EPOCHS=4`) < `--set
train.epochs=4`. One dial, `effort`, comes before all knobs (`Settings.with_effort`).
"""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from nightschool.errors import ConfigError
from nightschool.types import Effort, NightKind, Quant

ENV_PREFIX = "NIGHTSCHOOL_"
Family = Literal[
    "qa", "reversed", "numeric", "negative",
    "rewrite", "implications", "entigraph", "active-reading",
]  # fmt: skip
"""A kind of study material that a model can write."""


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ModelConfig(_Frozen):
    """Which base model learns."""

    base: str = "smollm2-135m"
    """A name from `nightschool models list`, a Hugging Face id, or a local folder; it counts until a version is
    served, whose base then goes on (`nightschool rebase` teaches another)."""
    engine: Literal["torch", "llama"] = "torch"
    """Who answers: torch, or llama.cpp on the version's GGUF, which is what the service runs; likelihoods are torch's."""
    quant: Quant = "f16"
    """How llama.cpp's files store matrices; q8_0 is half the size, and another model: it sits its own exams."""

    @property
    def answers(self) -> str:
        """Who answers, in one word, as reports keep it: `torch`, `llama-f16` or `llama-q8_0`."""
        return "torch" if self.engine == "torch" else f"llama-{self.quant}"


class RecallConfig(_Frozen):
    """What is recalled into the prompt by day."""

    limit: int = Field(6, ge=1, le=100)
    """At most so many memories are recalled for a question."""
    budget_tokens: int = Field(512, ge=32)
    """And at most so many tokens of them (estimated at four characters a token)."""
    dense: str | None = None
    """Embedding model of the dense index, such as all-minilm-l6-v2; None: recall goes by words only."""
    index: bool = False
    """Whether the index of the memory files goes before each conversation; for models that open files."""


class WriteConfig(_Frozen):
    """How memories are written from conversations."""

    extractor: Literal["rules", "endpoint"] = "rules"
    """Who finds what was stated: rules over a parse, or a model behind `endpoint_url`."""
    endpoint_url: str | None = None
    """Base URL of an OpenAI-compatible endpoint; its key is read from NIGHTSCHOOL_EXTRACTOR_KEY."""
    endpoint_model: str = "default"
    """Model name sent to the extractor's endpoint."""


class StudyConfig(_Frozen):
    """How study material is written."""

    authors: tuple[Literal["rules", "self", "teacher"], ...] = ("rules",)
    """Who writes, in order; `self` samples the base model, `teacher` needs `teacher_url`."""
    families: tuple[Family, ...] = Field(("qa", "rewrite", "implications"), min_length=1)
    """What kinds of material the models write (`study/families.py`); the rules have their own."""
    samples: int = Field(1, ge=1)
    """How often a model is asked for each of them about each sentence, pair of things or way to study."""
    expressions: int = Field(24, ge=1)
    """At most so many examples for one memory from the rules."""
    general_share: float = Field(0.1, ge=0, lt=1)
    """Share of the mixture that is general replay, answered by the base model itself."""
    review_share: float = Field(1.0, ge=0)
    """Review of earlier material in a night that continues, as a share of the new material's length."""
    teacher_url: str | None = None
    """Base URL of an OpenAI-compatible endpoint; its key is read from NIGHTSCHOOL_TEACHER_KEY."""
    teacher_model: str = "default"
    """Model name sent to the teacher."""
    leak_overlap: float = Field(0.85, gt=0, le=1)
    """Token overlap with an exam question above which a study question counts as a leak."""


class NightConfig(_Frozen):
    """How nights follow one another."""

    kind: NightKind = "auto"
    """Build anew from the base, go on from the served version, or what costs less at no known risk."""
    continued_rate: float = Field(0.5, gt=0, le=1)
    """Learning rate of a night that continues, as a share of a rebuild's: what is there is not to be pushed out."""
    deep_every: int = Field(4, ge=1)
    """So many nights, a rebuild among them, go on from one another; then the next is built anew."""


class TrainConfig(_Frozen):
    """How weights are trained."""

    method: Literal["full", "lora"] = "full"
    """Full fine-tuning, or low-rank adapters on all linear layers."""
    epochs: int = Field(2, ge=1)
    """Passes over the study material."""
    min_steps: int = Field(48, ge=1)
    """Optimizer steps below which a small night makes more passes, up to four times as many."""
    learning_rate: float | None = Field(None, gt=0)
    """Peak learning rate; None chooses by method (`resolved_rate`)."""
    lora_rank: int = Field(64, ge=1)
    """Rank of the adapters; alpha is twice the rank."""
    tokens_per_step: int = Field(512, ge=64)
    """Tokens in one optimizer step; small nights need small steps to have enough of them."""
    anchor_weight: float = Field(1.0, ge=0)
    """How strongly each step holds plain text to the base (`train/anchors.py`): factor of a divergence in nats; 0 leaves it out."""
    lost_nats: float | None = Field(None, ge=0)
    """A reviewed example whose answer costs the night's start more nats a token than this is learnt from its labels
    again, not held to what the start says; None: none is."""
    warmup: float = Field(0.05, ge=0, lt=1)
    """Share of the steps in which the rate rises."""
    weight_decay: float = Field(0.0, ge=0)
    """Decoupled weight decay of AdamW."""
    clip_norm: float = Field(1.0, gt=0)
    """Largest global gradient norm."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Arithmetic of the matrix products; auto takes bfloat16 where the hardware has it."""
    checkpoint_seconds: float = Field(120.0, gt=0)
    """Time between checkpoints."""
    seed: int = 0
    """Order of the examples and initial adapters."""

    @property
    def resolved_rate(self) -> float:
        """The peak learning rate in force."""
        return self.learning_rate or {"full": 4e-4, "lora": 2e-3}[self.method]


ChooserKind = Literal["progress", "uniform", "easiest"]
"""By learning progress; all alike; the one that is solved most often and is not mastered yet."""


class PracticeConfig(_Frozen):
    """How skills are practised."""

    method: Literal["policy-gradient", "expert"] = "policy-gradient"
    """Move by advantages within groups, or imitate each group's best verified attempt (expert iteration)."""
    tasks: int = Field(8, ge=1)
    """Tasks of a round; a round is one step."""
    group: int = Field(8, ge=2)
    """Attempts at each of them, which are compared with one another."""
    warm_up: int = Field(0, ge=0)
    """The solutions of so many tasks of the practised split are imitated once before the first round; 0: rewards alone."""
    shots: int = Field(0, ge=0)
    """Worked examples in front of every task, from the split that is practised on."""
    max_tokens: int = Field(64, ge=1)
    """Longest action, in tokens."""
    temperature: float = Field(1.0, gt=0)
    """Of the attempts."""
    advantage: Literal["mean", "std", "pass@k"] = "mean"
    """Reward less the group's mean; that over the group's deviation; or each attempt's part in the best of `pass_k`."""
    pass_k: int = Field(4, ge=1)
    """How many attempts count as one for the advantage `pass@k`; fewer than the group."""
    dense_rounds: int | None = Field(None, ge=0)
    """After so many rounds part marks count as 0; None: they count throughout."""
    learning_rate: float = Field(2e-4, gt=0)
    """Of AdamW, after the first few rounds, in which it rises."""
    clip: float = Field(0.2, gt=0, lt=1)
    """A token teaches until its probability has moved by this share."""
    kl: float = Field(0.0, ge=0)
    """Weight of the divergence from the start, in nats a token; 0: it is not computed."""
    mask_cut: bool = False
    """Leave attempts that were cut off out of the loss; else they are wrong attempts like others."""
    lora_rank: int = Field(16, ge=1)
    """Rank of the adapters that are trained; alpha is twice the rank."""
    chooser: ChooserKind = "progress"
    """How the tasks of a round are chosen where several environments are practised."""
    seed: int = 0
    """Of tasks, attempts and initial adapters."""
    held_out: int = Field(100, ge=8)
    """Held-out tasks on which success is measured before and after a run."""
    earlier: int = Field(40, ge=8)
    """Of these, so many are asked again of each skill by later nights and runs."""
    nightly: tuple[str, ...] = ()
    """Environments that are practised after each night, by name."""
    nightly_minutes: float = Field(10.0, gt=0)
    """For each of them, exams not counted."""


class ExamConfig(_Frozen):
    """How exams are held."""

    answer_tokens: int = Field(32, ge=1)
    """Longest answer, in tokens."""
    call_tokens: int = Field(160, ge=1)
    """Longest answer that is a tool call, in tokens."""
    general_items: int = Field(415, ge=0)
    """Items of the general bank that are sat (a fixed prefix of it); 415 are all of it."""
    abstention_items: int = Field(100, ge=1)
    """Questions that nothing answers, sealed each night where so many can be made."""
    earlier_items: int = Field(300, ge=100)
    """Questions of earlier nights that a night which continues asks again, drawn anew each time; a rebuild asks all."""
    riddle_items: int = Field(96, ge=0)
    """Questions of the riddle section, drawn anew each night in pairs; 0: none. The gate does not look at them."""
    items_per_memory: int = Field(1, ge=1)
    """Questions sealed for each memory."""


class GateConfig(_Frozen):
    """When a candidate is promoted."""

    alpha: float = Field(0.05, gt=0, lt=0.5)
    """One-sided error rate of every test, shared by all attempts at one night."""
    margin_retained: float = Field(0.1, ge=0, le=1)
    """Largest tolerated loss on earlier nights' items, as a rate; few questions get a wider one, 100 one of 0.16 (`exam/gate.py`)."""
    margin_general: float = Field(0.08, ge=0, le=1)
    """Largest tolerated loss on general items, as a rate."""
    margin_abstention: float = Field(0.16, ge=0, le=1)
    """Largest tolerated loss on abstention items, as a rate."""
    least_gain: float = Field(0.1, ge=0, le=1)
    """A smaller gain on new items is none, even where it is significant; as a rate."""
    min_items: int = Field(8, ge=2)
    """Fewer new items than this are insufficient evidence."""


class ServeConfig(_Frozen):
    """How the service answers, and what it takes."""

    host: str = "127.0.0.1"
    """Where it listens; anything but this machine's own address needs an API key."""
    port: int = Field(8000, ge=0, le=65535)
    """On which port; 0 takes a free one."""
    upstream_url: str | None = None
    """Root of an OpenAI-compatible API that answers in place of llama.cpp, such as http://gpu:8000; its key is read
    from NIGHTSCHOOL_UPSTREAM_KEY."""
    upstream_model: str = "default"
    """Name of the base model there."""
    upstream_lora: bool = False
    """Whether it is vLLM with runtime LoRA updating and sees the workspace's folder: adapters are loaded into it."""
    engines: int = Field(4, ge=1)
    """So many engines run at most before idle ones are stopped; twice as many are the hard bound."""
    in_flight: int = Field(64, ge=1)
    """Answers in the making at a time; more are refused until one is done."""
    in_flight_tenant: int = Field(32, ge=1)
    """And so many of one tenant."""
    requests_per_minute: int = Field(600, ge=1)
    """Of a key that has no number of its own."""
    body_bytes: int = Field(4 << 20, ge=1024)
    """Largest body of a request, of a key that has no number of its own."""
    body_seconds: float = Field(30.0, gt=0)
    """How long a body may take to arrive, and a reader to take a part of its answer."""
    engine_seconds: float = Field(300.0, gt=0)
    """How long an engine may be silent before its request counts as failed."""
    answer_tokens: int = Field(2048, ge=1)
    """Longest answer, whatever a request asks for."""
    tool_rounds: int = Field(8, ge=1)
    """How often a `:memory` model may use the memory tool in one answer."""
    store: bool = True
    """Whether conversations become episodes; a key and a request can decline, too."""
    private: tuple[str, ...] = ()
    """Tenants whose conversations never do."""
    nightly: str | None = Field(None, pattern=r"^([01]\d|2[0-3]):[0-5]\d$")
    """When every tenant's night begins, local time, such as 02:30; None: only when it is asked for."""
    night_threads: int | None = Field(None, ge=1)
    """Threads of a night's process; None: half of the cores, so that serving keeps its pace (`jobs.py`)."""
    night_memory_gb: float | None = Field(None, gt=0)
    """Resident memory at which a night is stopped as failed, in 10^9 bytes; None: no limit."""
    nights_a_day: int | None = Field(24, ge=1)
    """A tenant's nights in any 24 hours, by schedule or call; None: no limit."""
    tenant_disk_gb: float | None = Field(None, gt=0)
    """A tenant with so much on disk (versions, nights, files), in 10^9 bytes, gets no new night; None: no limit."""


class Settings(_Frozen):
    """All settings of a workspace."""

    effort: Effort = "medium"
    """The one dial; scales epochs and expressions."""
    tenant: str = Field("default", pattern=r"^\w[\w.@-]{0,63}$")
    """Whose memories and versions the commands mean; it names folders."""
    model: ModelConfig = ModelConfig()
    recall: RecallConfig = RecallConfig()
    write: WriteConfig = WriteConfig()
    study: StudyConfig = StudyConfig()
    night: NightConfig = NightConfig()
    train: TrainConfig = TrainConfig()
    practice: PracticeConfig = PracticeConfig()
    exam: ExamConfig = ExamConfig()
    gate: GateConfig = GateConfig()
    serve: ServeConfig = ServeConfig()

    def with_effort(self, effort: Effort) -> Settings:
        """Return these settings turned to another effort.

        Medium is what the settings say; small halves the epochs and expressions, large adds half.
        """
        factor = {"small": 0.5, "medium": 1.0, "large": 1.5}[effort]
        epochs = max(1, round(self.train.epochs * factor))
        expressions = max(1, round(self.study.expressions * factor))
        return self.model_copy(
            update={
                "effort": effort,
                "train": self.train.model_copy(update={"epochs": epochs}),
                "study": self.study.model_copy(update={"expressions": expressions}),
            }
        )


def load_settings(
    toml: Path | None = None,
    overrides: Sequence[str] = (),
    environ: Mapping[str, str] | None = None,
) -> Settings:
    """Resolve the settings: file < environment < overrides.

    Args:
        toml: A `nightschool.toml`; None or a missing file means defaults.
        overrides: `section.name=value` strings; values are read as JSON, else as text.
        environ: The environment; None means this process's.

    Raises:
        ConfigError: The file is not TOML.
        ConfigError: A name is unknown or a value out of range.
        ConfigError: An override has no `=`.
    """
    tree: dict[str, Any] = {}
    if toml is not None and toml.exists():
        try:
            tree = tomllib.loads(toml.read_text("utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"{toml} is not valid TOML: {error}. Correct that line.") from error
    for name, value in sorted((os.environ if environ is None else environ).items()):
        if name.startswith(ENV_PREFIX) and "__" in name:
            _put(tree, name.removeprefix(ENV_PREFIX).lower().split("__"), value)
    for override in overrides:
        path, equals, value = override.partition("=")
        if not equals:
            raise ConfigError(f"--set {override}: expected NAME=VALUE, such as train.epochs=4.")
        _put(tree, path.strip().split("."), value)
    try:
        return Settings.model_validate(tree)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise ConfigError(
            f"Setting {name} is {first.get('input')!r}: {first['msg']}. "
            "See `nightschool config` for all settings and their defaults."
        ) from error


def _put(tree: dict[str, Any], path: Sequence[str], text: str) -> None:
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        value = text
    for part in path[:-1]:
        tree = tree.setdefault(part, {})
        if not isinstance(tree, dict):
            raise ConfigError(f"{'.'.join(path)}: {part} is a value, not a section.")
    tree[path[-1]] = value
