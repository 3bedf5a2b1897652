"""Practice in several environments: each round's tasks are chosen by what earlier rounds changed.

`Curriculum.environment` is what is practised in, `Curriculum.choose` picks a round's tasks, and `Curriculum.close` enters what came of
them. What lies in between is not kept: a run that is killed within a round begins that round again, with the same choices.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from nightschool.codec import from_json, to_json
from nightschool.config import ChooserKind
from nightschool.errors import PracticeError
from nightschool.practice.attempts import Played, first_task
from nightschool.practice.base import task_id
from nightschool.practice.curiosity import (
    CHOOSERS,
    FLOOR,
    Practised,
    flat,
    picks,
    shares,
    standings,
)
from nightschool.practice.frontier import Make, Proposal, proposals
from nightschool.practice.learner import Round
from nightschool.practice.predictions import Prediction, calibration, foretell, told
from nightschool.protocols import Attempt, Environment
from nightschool.types import Case, Split, Task, digest

Look = Callable[[Sequence[Task]], Sequence[float]]
"""Tasks -> how likely the model finds an answer of its own to each (see `predictions.looks`)."""
AND = " + "
"""Stands between the names of environments that are practised as one."""


@dataclass(frozen=True, slots=True)
class Seen:
    """The verified solutions of an arm, as digests of their text."""

    arm: str
    solutions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Notes:
    """All that a curriculum knows, from one round to the next."""

    kind: ChooserKind
    seed: int
    arms: tuple[str, ...]
    log: tuple[Practised, ...] = ()
    seen: tuple[Seen, ...] = ()
    predictions: tuple[Prediction, ...] = ()
    proposals: tuple[Proposal, ...] = ()
    """Those that have become arms, too."""


class Mixture:
    """Several environments as one; implements `protocols.Environment`. Its tasks are theirs, under its own name."""

    def __init__(self, environments: Sequence[Environment]) -> None:
        """Take the environments.

        Raises:
            PracticeError: There is none, or two have the same name.
        """
        self.parts = {one.name: one for one in environments}
        if not environments or len(self.parts) < len(environments):
            names = ", ".join(one.name for one in environments) or "none"
            raise PracticeError(
                f"Environments to practise are {names}; expected one or more, each once. Name them so."
            )
        self.about = " ".join(one.about for one in environments)
        self._first = tuple(self.parts)
        self.name = AND.join(self._first)

    def add(self, environment: Environment) -> None:
        """Take in one more part: its tasks are reached by `nth` alone, and those of seeds stay what they were."""
        self.parts[environment.name] = environment

    def task(self, split: Split, seed: int) -> Task:
        """Make the task of a seed; the parts that were there from the beginning take turns."""
        turn, place = divmod(seed, len(self._first))
        return self._made(self._first[place], split, turn, task_id(self.name, split, seed), seed)

    def nth(self, part: str, split: Split, turn: int) -> Task:
        """Make the task of one part that has this seed there."""
        if part in self._first:
            return self.task(split, turn * len(self._first) + self._first.index(part))
        return self._made(part, split, turn, task_id(part, split, turn), turn)

    def _made(self, part: str, split: Split, turn: int, name: str, seed: int) -> Task:
        own = self.parts[part].task(split, turn)
        facts = {"part": part, "seed": turn}
        return replace(own, id=name, environment=self.name, seed=seed, facts=facts)

    def start(self, task: Task) -> Attempt:
        """Start an attempt in the part that the task is of; see `protocols.Environment.start`."""
        return self._part(task).start(self._own(task))

    def cases(self, task: Task) -> Sequence[Case]:
        """Return the table of the part that the task is of."""
        return self._part(task).cases(self._own(task))

    def _part(self, task: Task) -> Environment:
        return self.parts[task.facts["part"]]

    def _own(self, task: Task) -> Task:
        return self._part(task).task(task.split, task.facts["seed"])


class Curriculum:
    """Chooses the tasks of each round, and keeps the log that the choice is made from."""

    def __init__(
        self,
        environment: Mixture,
        kind: ChooserKind = "progress",
        *,
        tasks: int,
        seed: int = 0,
        floor: float = FLOOR,
        look: Look | None = None,
    ) -> None:
        """Begin without a log.

        Args:
            environment: Whose parts are the arms.
            kind: Of the chooser.
            tasks: How many are practised in a round.
            seed: Of the choices.
            floor: Share of the tasks that is spread over all arms.
            look: Asks the model before each round; None: predictions are made from earlier success alone.

        Raises:
            PracticeError: There is no such chooser.
        """
        if kind not in CHOOSERS:
            raise PracticeError(
                f"The chooser is {kind!r}; expected one of {', '.join(CHOOSERS)}. Choose one of them."
            )
        self.environment = environment
        self.notes = Notes(kind, seed, tuple(self.environment.parts))
        self._tasks, self._floor, self._look = tasks, floor, look
        self._told: tuple[Prediction, ...] = ()

    def shares(self) -> dict[str, float]:
        """Return the share of each arm in the next round."""
        known = standings(self.notes.arms, self.notes.log)
        return shares(self.notes.kind, known, self._floor)

    def choose(self, number: int) -> list[Task]:
        """Choose the tasks of a round, and predict their success. An arm's tasks come in the order of their seeds; runs of other seeds have others."""
        turn = dict.fromkeys(self.notes.arms, first_task(self.notes.seed))
        for group in self.notes.log:
            turn[group.arm] += 1
        chosen = []
        for arm in picks(self.shares(), self._tasks, number, self.notes.seed):
            chosen.append(self.environment.nth(arm, "train", turn[arm]))
            turn[arm] += 1
        seen = self._look(chosen) if self._look else [None] * len(chosen)
        asked = [
            (task.id, task.facts["part"], look) for task, look in zip(chosen, seen, strict=True)
        ]
        self._told = tuple(foretell(self.notes.predictions, number, asked))
        return chosen

    def close(self, done: Round) -> None:
        """Enter what came of the round that was chosen last.

        Raises:
            PracticeError: It is not that round.
        """
        if [one.task for one in self._told] != [group.task.id for group in done.groups]:
            raise PracticeError(
                f"Round {done.number} did not practise the tasks that were chosen last. Close each round once, after its choice."
            )
        seen = {one.arm: set(one.solutions) for one in self.notes.seen}
        log, predictions = [], []
        for one, group in zip(self._told, done.groups, strict=True):
            right = [attempt for attempt in group.scored if attempt.right]
            fresh = {_key(attempt) for attempt in right} - seen.setdefault(one.arm, set())
            seen[one.arm] |= fresh
            attempts = len(group.scored)
            log.append(Practised(done.number, one.arm, attempts, len(right), len(fresh)))
            predictions.append(replace(one, attempts=attempts, solved=len(right)))
        self.notes = replace(
            self.notes,
            log=(*self.notes.log, *log),
            seen=tuple(Seen(arm, tuple(sorted(found))) for arm, found in seen.items()),
            predictions=(*self.notes.predictions, *predictions),
        )
        self._told = ()

    def extend(self, number: int, make: Make) -> list[Proposal]:
        """Where nothing changes any more in any arm, propose new settings, and practise them from the next round on.

        Args:
            number: Of the round.
            make: Makes an environment of a name with settings; raises a PracticeError for what it refuses.

        Returns:
            What was proposed; nothing while an arm shows progress or is still unknown.
        """
        known = standings(self.notes.arms, self.notes.log)
        if not flat(known):
            return []
        found = proposals(known, make, number, self.notes.arms)
        for one in found:
            self.environment.add(make(one.name))
        self.notes = replace(
            self.notes,
            arms=(*self.notes.arms, *(one.name for one in found)),
            proposals=(*self.notes.proposals, *found),
        )
        return found

    def state(self) -> str:
        """Return what it takes to go on, as one line of JSON; between rounds, once the last one is closed."""
        return to_json(self.notes)

    def resume(self, state: str, make: Make | None = None) -> None:
        """Go on from a state, with the same choices as without a break.

        Args:
            state: As `state` returned it.
            make: Makes the arms that were proposed on the way; None where there was no proposal.

        Raises:
            WorkspaceCorrupt: The state cannot be read.
            PracticeError: It is of another chooser, another seed, or other environments.
        """
        notes = from_json(Notes, state)
        proposed = {one.name for one in notes.proposals}
        own = tuple(arm for arm in notes.arms if arm not in proposed)
        before, now = (notes.kind, notes.seed, own), (self.notes.kind, self.notes.seed, self.notes.arms)  # fmt: skip
        if before != now or (proposed and make is None):
            raise PracticeError(
                f"The run to go on with chose by {before[0]} from {', '.join(notes.arms)} with seed {before[1]}, and this "
                f"one by {now[0]} from {', '.join(now[2])} with seed {now[1]}. Start it as it was started, or begin a new one."
            )
        if make:
            for name in notes.arms:
                if name in proposed:
                    self.environment.add(make(name))
        self.notes = notes

    def report(self) -> list[str]:
        """Write where the time went, what it brought, what was predicted, and what is proposed."""
        groups = len(self.notes.log) or 1
        lines = [f"Practised by {self.notes.kind}:", "  share  solved lately  new  environment"]
        for one in standings(self.notes.arms, self.notes.log):
            share = sum(group.arm == one.arm for group in self.notes.log) / groups
            success = "-" if one.success is None else f"{one.success:.2f}"
            lines.append(f"  {share:5.2f}  {success:>13}  {one.novelty:3.1f}  {one.arm}")
        for made in self.notes.proposals:
            lines.append(
                f"Proposed in round {made.round}: {made.name}, since {made.parent} was solved {made.success:.2f} of the time."
            )
        return lines + told(calibration(self.notes.predictions))


def curriculum(
    names: Sequence[str],
    make: Make,
    kind: ChooserKind = "progress",
    *,
    tasks: int,
    seed: int = 0,
    look: Look | None = None,
) -> Curriculum:
    """Make a curriculum from the names of environments; see `Curriculum`.

    Args:
        names: As `make` takes them, settings included.
        make: Name -> environment; raises a PracticeError for what it refuses.
        kind: Of the chooser.
        tasks: How many are practised in a round.
        seed: Of the choices.
        look: Asks the model before each round; None: it is not asked.
    """
    return Curriculum(
        Mixture([make(name) for name in names]), kind, tasks=tasks, seed=seed, look=look
    )


def _key(attempt: Played) -> str:
    """Return the key of a solution: of all that was said, the same for texts that differ in white space and capitals alone."""
    said = (" ".join(turn.drawn.text.casefold().split()) for turn in attempt.said)
    return digest("solution", *said)[:16]
