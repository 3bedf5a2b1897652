"""The closure ledger: what base and version drew for the held-out tasks of an environment, kept in a file.

The file is rewritten in one step after every batch of tasks, so that drawing that is stopped goes on where it was,
and more tasks can be asked for later. What the draws say is counted from it (`account.py`), never stored beside it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from nightschool.codec import from_plain
from nightschool.errors import EnvironmentBroken, WorkspaceCorrupt
from nightschool.practice.closure import RIGHT, UNSCORED, WRONG
from nightschool.practice.elicit import (
    PLAIN,
    Elicited,
    Tried,
    Way,
    best,
    choice_tasks,
    try_way,
    ways_for,
)
from nightschool.practice.rollouts import roll_out
from nightschool.protocols import Environment, Progress, Sampler
from nightschool.types import Message, Rollout, Task, Verdict, digest
from nightschool.workspace import read_json, write_atomic

BATCH_DRAWS = 512
"""About so many draws are made between two writes of the file."""
TRIED_TASKS, TRIED_DRAWS = 24, 8
"""Ways to ask are tried on so many tasks of the train split, at most so often each."""
CONSTANT_TASKS = 200
"""Tasks of the train split from which the best constant answer is taken."""
BASE, VERSION = "base", "version"
MARKS = {Verdict.CORRECT: RIGHT, Verdict.WRONG: WRONG, Verdict.UNSCORED: UNSCORED}


@dataclass(frozen=True, slots=True)
class Terms:
    """Under what conditions both models draw; another file for other terms."""

    environment: str
    base: str
    """The base model's name, or folder."""
    version: str
    """Id of the version, or its folder."""
    samples: int = 128
    """Draws for each task."""
    temperature: float = 1.0
    max_tokens: int = 64
    """Bound of one action."""
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Said:
    """One action with the prompt that it answered, as the environment made that."""

    prompt: tuple[Message, ...]
    action: str


@dataclass(frozen=True, slots=True)
class Draws:
    """What one model drew for one task."""

    task: str
    marks: str
    """One letter a draw, in their order; see `closure`."""
    answers: tuple[str, ...]
    """The different last actions."""
    order: tuple[int, ...]
    """For each draw the place of its last action in `answers`."""
    first: tuple[Said, ...]
    """The whole first draw."""
    won: tuple[Said, ...] = ()
    """The whole first draw that was right; empty where none was."""

    @property
    def texts(self) -> list[str]:
        """The last action of each draw."""
        return [self.answers[place] for place in self.order]


@dataclass
class Ledger:
    """The ledger of one version, base, environment and set of terms."""

    path: Path
    terms: Terms
    tried: dict[str, tuple[Tried, ...]] = field(default_factory=dict)
    """Who -> how each way to ask did on the train split."""
    drawn: dict[str, dict[str, Draws]] = field(default_factory=dict)
    """Who and how (`key`) -> task id -> draws."""
    nats: dict[str, list[list[float]]] = field(default_factory=dict)
    """Task id -> log-probabilities under the base of the tokens of the version's first right solution."""
    lengths: dict[str, int] = field(default_factory=dict)
    """Task id -> tokens of the base's first draw."""
    constant: dict[str, Any] = field(default_factory=dict)
    """The best constant answer of the train split, and its marks on the held-out tasks; empty where none applies."""

    @classmethod
    def open(cls, folder: Path, terms: Terms) -> Ledger:
        """Open the ledger of these terms in a folder; a new one is written with its first draws.

        Raises:
            WorkspaceCorrupt: The file cannot be read, or is of other terms.
        """
        name = "".join(c if c.isalnum() or c in "-_" else "-" for c in terms.environment)[:80]
        path = folder / f"{name}-{digest(json.dumps(asdict(terms)))[:8]}.json"
        if not path.exists():
            return cls(path, terms)
        body = read_json(path)
        try:
            assert isinstance(body, dict)
            if from_plain(Terms, body["terms"]) != terms:
                raise ValueError("other terms")
            return cls(
                path,
                terms,
                {who: tuple(from_plain(Tried, t) for t in ts) for who, ts in body["tried"].items()},
                {
                    key: {task: from_plain(Draws, draws) for task, draws in rows.items()}
                    for key, rows in body["drawn"].items()
                },
                body["nats"],
                body["lengths"],
                body["constant"],
            )
        except (AssertionError, KeyError, TypeError, ValueError, AttributeError) as error:
            raise WorkspaceCorrupt(
                f"{path} is not a ledger of these terms. Delete it; its draws are made again."
            ) from error

    def save(self) -> None:
        """Write the file in one step."""
        body = asdict(self)
        del body["path"]
        write_atomic(self.path, json.dumps(body, ensure_ascii=False) + "\n")

    def way(self, who: str) -> Way:
        """Return the way in which a model is asked: the best of those that were tried."""
        return best(self.tried[who])

    def draws(self, who: str, way: Way) -> Mapping[str, Draws]:
        """Return what a model drew when it was asked in a way; task id -> draws."""
        return self.drawn.get(key(who, way), {})


def key(who: str, way: Way) -> str:
    """Name a model that is asked in a way."""
    return f"{who}, {way.name}"


def held_out(environment: Environment, count: int) -> list[Task]:
    """Return so many held-out tasks that ask different things, from seed 0 on.

    Raises:
        EnvironmentBroken: It has fewer.
    """
    found: dict[tuple[Message, ...], Task] = {}
    for seed in range(20 * count):
        task = environment.task("held_out", seed)
        found.setdefault(task.prompt, task)
        if len(found) == count:
            return list(found.values())
    raise EnvironmentBroken(
        f"{environment.name} gave {len(found)} different held-out tasks in {20 * count} draws; expected {count}. Ask "
        f"for --tasks {len(found)}, or widen its settings."
    )


def choose_ways(
    ledger: Ledger,
    environment: Environment,
    who: str,
    sampler: Callable[[], Sampler],
    progress: Progress,
    practised: int = 0,
) -> None:
    """Try every way to ask a model on the train split; ways that were tried before are not tried again.

    Args:
        ledger: Keeps how each did.
        environment: Whose tasks.
        who: `BASE` or `VERSION`.
        sampler: Loads the model; called only where there is something to try.
        progress: Told how many ways have been tried.
        practised: As in `ways_for`.
    """
    ways = ways_for(environment, practised)
    tasks = choice_tasks(environment, TRIED_TASKS) if len(ways) > 1 else []
    for number, way in enumerate(ways):
        known = ledger.tried.get(who, ())
        if way not in {t.way for t in known}:
            tried = Tried(PLAIN, 0, 0, 0.0)
            if tasks:
                tried = try_way(
                    environment,
                    sampler(),
                    way,
                    tasks,
                    draws=min(TRIED_DRAWS, ledger.terms.samples),
                    max_tokens=ledger.terms.max_tokens,
                    temperature=ledger.terms.temperature,
                    seed=ledger.terms.seed,
                )
            ledger.tried[who] = (*known, tried)
            ledger.save()
        progress(number + 1, len(ways))


def draw(
    ledger: Ledger,
    environment: Environment,
    who: str,
    way: Way,
    tasks: Sequence[Task],
    sampler: Callable[[], Sampler],
    progress: Progress,
) -> None:
    """Draw for the tasks that have no draws yet, a batch of tasks at a time; the file is written after each."""
    terms = ledger.terms
    rows = ledger.drawn.setdefault(key(who, way), {})
    left = [task for task in tasks if task.id not in rows]
    step = max(1, BATCH_DRAWS // terms.samples)
    for begin in range(0, len(left), step):
        progress(len(tasks) - len(left) + begin, len(tasks))
        batch = left[begin : begin + step]
        rollouts = roll_out(
            environment,
            [task for task in batch for _ in range(terms.samples)],
            Elicited(sampler(), way, environment),
            max_tokens=terms.max_tokens,
            temperature=terms.temperature,
            # A seed of its own for each batch, whatever was drawn before a kill.
            seed=int(digest(str(terms.seed), who, batch[0].id)[:7], 16),
        )
        for place, task in enumerate(batch):
            part = rollouts[place * terms.samples : (place + 1) * terms.samples]
            rows[task.id] = _kept(task, part)
        ledger.save()
    progress(len(tasks), len(tasks))


def weigh(
    ledger: Ledger,
    environment: Environment,
    tasks: Sequence[Task],
    base: Callable[[], Sampler],
    progress: Progress,
) -> None:
    """Score under the base what the version found, and count the tokens of the base's draws.

    The base is asked in its own best way. An action is scored as the text that it is: white space around it was not kept.
    """
    own, theirs = ledger.way(BASE), ledger.way(VERSION)
    for number, task in enumerate(tasks):
        won = ledger.draws(VERSION, theirs)[task.id].won
        first = ledger.draws(BASE, own)[task.id].first
        new = task.id not in ledger.lengths or (won and task.id not in ledger.nats)
        if new:
            asked = Elicited(base(), own, environment)
            pairs = [(asked.dressed(said.prompt), said.action) for said in (*won, *first)]
            found = base().score(pairs)
            if won:
                ledger.nats[task.id] = found[: len(won)]
            ledger.lengths[task.id] = sum(map(len, found[len(won) :]))
        progress(number + 1, len(tasks))
    ledger.save()


def try_constant(ledger: Ledger, environment: Environment, tasks: Sequence[Task]) -> None:
    """Find the one answer that is right most often on the train split, and give it to every held-out task.

    Left out where attempts have several actions, or no solutions are known.
    """
    known = ledger.constant.get("marks", {})
    if all(task.id in known for task in tasks):
        return
    answer = ledger.constant.get("answer")
    if answer is None:
        train = [environment.task("train", seed) for seed in range(CONSTANT_TASKS)]
        if not all(len(task.solution) == 1 for task in train):
            return
        candidates = dict.fromkeys(task.solution[0] for task in train)
        often = {text: sum(task.solution[0] == text for task in train) for text in candidates}
        answer = max(candidates, key=lambda text: often[text])
    marks = dict(known)
    for task in tasks:
        step = environment.start(task).step(answer)
        if not step.done or step.score is None:
            return
        marks[task.id] = MARKS[step.score.verdict]
    ledger.constant = {"answer": answer, "marks": marks}
    ledger.save()


def _kept(task: Task, rollouts: Sequence[Rollout]) -> Draws:
    """Keep of a task's rollouts what the account needs."""
    texts = [rollout.moves[-1].action for rollout in rollouts]
    answers = list(dict.fromkeys(texts))
    place = {text: number for number, text in enumerate(answers)}
    won = next((r for r in rollouts if r.score.verdict is Verdict.CORRECT), None)
    return Draws(
        task.id,
        "".join(MARKS[rollout.score.verdict] for rollout in rollouts),
        tuple(answers),
        tuple(place[text] for text in texts),
        _said(rollouts[0]),
        _said(won) if won else (),
    )


def _said(rollout: Rollout) -> tuple[Said, ...]:
    return tuple(Said(move.prompt, move.action) for move in rollout.moves)
