"""The few seams of Nightschool: what the flows ask of the rooms, and nothing more.

Each has at least one real implementation and a deterministic fake that ships in the product.
`tests/contract` runs one suite over all implementations of a seam.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from nightschool.config import TrainConfig
from nightschool.types import (
    Case,
    Credit,
    Drawn,
    Episode,
    Example,
    Item,
    Memory,
    Message,
    Page,
    Passage,
    Reading,
    Score,
    Split,
    Step,
    Task,
    TrainResult,
    Turn,
    Update,
    View,
)

Prompt = Sequence[Message]


class Progress(Protocol):
    """Told while long work goes on."""

    def __call__(self, done: int, total: int, loss: float | None = None, /) -> None:
        """Say how far it is; a training step also says its loss."""
        ...


Bar = Callable[[str], AbstractContextManager[Progress]]
"""Label -> a progress bar for one step."""


class Writer(Protocol):
    """Text from a model, wherever it runs."""

    def generate(
        self,
        prompts: Sequence[Prompt],
        *,
        max_tokens: int,
        temperature: float = 0.0,
        seed: int = 0,
        progress: Progress | None = None,
    ) -> list[str]:
        """Answer each prompt; temperature 0 is greedy. Order is kept."""
        ...


class Sampler(Writer, Protocol):
    """Text and log-probabilities from one model version."""

    def score(
        self,
        pairs: Sequence[tuple[Prompt, str]],
        *,
        progress: Progress | None = None,
    ) -> list[list[float]]:
        """Return the log-probability (nats) of each token of each target after its prompt.

        An empty prompt scores the target as plain text, without a chat frame; the first token
        of a plain text has no log-probability and is left out.
        """
        ...


class Engine(Protocol):
    """A running model behind an OpenAI-compatible HTTP API: llama.cpp's own server, vLLM, any upstream."""

    address: str
    """Root URL without /v1, such as http://127.0.0.1:41231."""
    headers: Mapping[str, str]
    """Sent with each request, such as an upstream's key; never logged."""

    def alive(self) -> bool:
        """Tell whether it can answer, as far as is known without asking it; costs next to nothing."""
        ...

    def model_for(self, version_id: str) -> dict[str, Any]:
        """Return the fields of a request's body that choose the weights of `base` or of a version.

        Raises UnknownVersion where the engine does not hold it.
        """
        ...

    def apart(self, tenant: str) -> dict[str, Any]:
        """Return the fields that keep a tenant's prompts out of the reach of others' prompt caches."""
        ...

    def close(self) -> None:
        """Stop it, with whatever it is answering; a second time does nothing."""
        ...


class Embedder(Protocol):
    """Turns texts into vectors that lie near one another where the texts mean about the same."""

    name: str
    """Which vectors these are; those of different names are never compared."""

    def embed(self, texts: Sequence[str]) -> np.ndarray:
        """Return one unit vector a text, float32 of shape [texts, dimensions]."""
        ...


class Extractor(Protocol):
    """Finds what people stated in a conversation."""

    def extract(self, episode: Episode, before: Sequence[Turn] = ()) -> Reading:
        """Return the statements of an episode, each with its span, speaker and key.

        Only what a `user` turn states itself is found: no question, no supposition, no quotation.
        `before` holds earlier turns of the same talk; words may point to them, nothing is found there.
        What an extractor had to leave out, it counts in the reading.

        Raises ExtractorFailed where it cannot read at all; then nothing was found, and it can be asked
        again.
        """
        ...


class Trainer(Protocol):
    """Turns examples into a new set of weights."""

    def train(
        self,
        start: Path,
        examples: Sequence[Example],
        config: TrainConfig,
        out: Path,
        *,
        review: Sequence[Example] = (),
        progress: Progress | None = None,
    ) -> TrainResult:
        """Train from the model folder `start` and leave the weights in the folder `out`.

        Of `review`, which `start` was trained on, each pass over the examples reads its own part, held to
        what `start` says there.

        Killed and called again with the same arguments, it resumes and ends the same.
        `out` exists only once it is complete.
        """
        ...


class Author(Protocol):
    """Writes study material about memories."""

    name: str

    @property
    def reader(self) -> Writer | None:
        """The model that wrote, to be asked about it with the source in front; None where nothing needs a check."""
        ...

    def write(
        self, memories: Sequence[Memory], *, progress: Progress | None = None
    ) -> list[Example]:
        """Write examples; each names the memories it came from. May skip memories."""
        ...


class Verifier(Protocol):
    """Checks one answer against one item."""

    def verify(self, item: Item, answer: str) -> Score:
        """Grade; a verifier that cannot tell says `unscored`, never wrong."""
        ...


class Store(Protocol):
    """The short-term memory of a workspace: episodes, memories, their history and index."""

    def absorb(self, reading: Reading) -> tuple[list[Memory], list[Memory]]:
        """Store a reading; return (added, superseded) memories. The same reading again changes nothing."""
        ...

    def memories(self, tenant: str, *, include_retired: bool = False) -> list[Memory]:
        """List memories, oldest first; live ones only unless asked otherwise."""
        ...

    def pages(self, tenant: str) -> list[Page]:
        """List the pages that a tenant's memories are divided into, a source's in their order.

        Every memory belongs to one page of its source for good, and a correction stays where the corrected
        one was. No page has more than `memory.rules.PAGE` live memories. Counting a use or what a night
        has shown moves no revision. A source that is forgotten as a whole has no pages any more.
        """
        ...

    def page(self, tenant: str, source: str, number: int) -> list[Memory]:
        """List the live memories of one page, oldest first; empty where there is no such page."""
        ...

    def browse(
        self,
        tenant: str,
        view: View = "live",
        *,
        source: str | None = None,
        words: Sequence[str] = (),
        after: str | None = None,
        limit: int,
    ) -> list[Memory]:
        """List memories, newest first, a part at a time; what it costs does not grow with what there is.

        `words` must all stand in the text as it may be shown, which has to be read for that. `after` is the last memory of the part before. It keeps its place whatever becomes of it, but for its
        being forgotten: then it raises UnknownMemory.
        """
        ...

    def counts(self, tenant: str) -> dict[View, int]:
        """Count a tenant's memories by view; those that wait count as live, too."""
        ...

    def told(self, tenant: str, since: int, limit: int) -> list[tuple[int, Memory]]:
        """List live memories of what people and notes say, oldest first, each with its number.

        Only those of a number above `since`; numbers grow, and are never given again.
        """
        ...

    def memory(self, memory_id: str) -> Memory:
        """Return one memory. Raises UnknownMemory."""
        ...

    def episode(self, episode_id: str) -> Episode:
        """Return one episode. Raises UnknownMemory."""
        ...

    def edit(self, memory_id: str, text: str, actor: str) -> Memory:
        """Replace a memory's text: the old one is superseded by the returned new one."""
        ...

    def approve(self, memory_id: str, actor: str) -> Memory:
        """Let the owner vouch for a live memory that somebody else stated."""
        ...

    def retire(self, memory_id: str, actor: str) -> Memory:
        """Take a live memory out; it stays in the history, and its source does not bring it back."""
        ...

    def studied(self, memory_ids: Iterable[str], night: str) -> None:
        """Keep that a night studied memories."""
        ...

    def examined(self, tenant: str, version_id: str, held: Set[str], night: str) -> None:
        """Keep which of a tenant's live memories a version has shown, closed-book, to hold."""
        ...

    def used(self, memory_ids: Iterable[str]) -> None:
        """Count that memories stood in the prompt of an answer."""
        ...

    def surprised(self, nats: Mapping[str, float]) -> None:
        """Keep how surprising memories were: id -> nats a token under the version that lived them."""
        ...

    def remove(self, memory_ids: Iterable[str]) -> list[str]:
        """Forget: erase the text everywhere in the store; return a tombstone id for each."""
        ...

    def recall(self, tenant: str, query: str, limit: int) -> list[tuple[Memory, float]]:
        """Return the live memories nearest to the query, best first, with a score from 0 to about 1."""
        ...

    def passages(self, tenant: str, query: str, limit: int) -> list[tuple[Passage, float]]:
        """Return what people said in conversations, nearest first; nothing that was taken out."""
        ...

    def history(self, memory_id: str) -> list[dict[str, str]]:
        """Return what happened to a memory, oldest first: at, actor, action, text."""
        ...


class Attempt(Protocol):
    """One attempt at a task, and whatever state it has; attempts share none."""

    def step(self, action: str) -> Step:
        """Take what the model said and answer it.

        It never raises for anything that a model may say: where grading breaks, the attempt is done and
        unscored. Every attempt ends after a bounded number of steps.

        Raises PracticeError where the attempt is done already.
        """
        ...


class Environment(Protocol):
    """Problems of one kind without an end, and the verifier that grades attempts at them."""

    @property
    def name(self) -> str:
        """What it is loaded by, settings included: `gym:chain_sum?max_terms=3`."""
        ...

    @property
    def about(self) -> str:
        """What is practised in it, in one sentence."""
        ...

    def task(self, split: Split, seed: int) -> Task:
        """Make the task of a seed, from 0: the same one each time, in any process.

        Tasks of different seeds may be equal; tasks of different splits never are.
        """
        ...

    def start(self, task: Task) -> Attempt:
        """Start an attempt, whose first prompt is the task's; a group of rollouts starts one for each."""
        ...

    def cases(self, task: Task) -> Sequence[Case]:
        """Return the verifier's table for a task: every kind of answer with the verdict that it must get."""
        ...


class Policy(Writer, Protocol):
    """A model that is being practised: it draws attempts, and moves towards those that were worth it."""

    def draw(
        self, prompts: Sequence[Prompt], *, max_tokens: int, temperature: float, seed: int
    ) -> list[Drawn]:
        """Answer each prompt with the tokens drawn and their log-probabilities. Order is kept.

        Equal prompts, such as those of a group, are read once. The temperature is above 0.
        """
        ...

    def update(self, credits: Sequence[Credit]) -> Update:
        """Take one step of policy gradient on what was drawn; credits without advantage count as tokens only.

        Raises Diverged where the loss is not finite.
        """
        ...

    def imitate(self, examples: Sequence[Example], *, epochs: int, seed: int) -> Update:
        """Learn examples by heart, as a warm-up or from verified successes: cross-entropy on their targets.

        Raises Diverged where the loss is not finite.
        """
        ...

    def save(self, out: Path) -> TrainResult:
        """Leave full weights, the tokenizer and train.json in the folder `out`, which exists only once complete.

        Practice can go on afterwards.
        """
        ...

    def keep(self, folder: Path) -> None:
        """Store what it takes to go on after a kill: what is trained, the optimizer, counts."""
        ...

    def restore(self, folder: Path) -> bool:
        """Go on from what was kept, and do the same as if there had been no kill; False where nothing fits."""
        ...
