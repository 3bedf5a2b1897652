"""Practised skills between the runs: how they are examined, which of them are in force, and what is studied to keep them.

A practice run (`practise.py`) seals held-out tasks of its environment as a bank of its own and keeps verified successes.
Later nights and runs sit a part of that bank. What is built anew from the base studies the successes; a night that goes
on reviews a few. A success in the words of its task's own solution says nothing about the version that found it; one in
other words may quote what that version knew, so that a deletion which reaches the version reaches it, too.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from nightschool.codec import from_json
from nightschool.config import PracticeConfig
from nightschool.environments import TOOLS, environment, parsed
from nightschool.errors import EnvironmentBroken, PracticeError
from nightschool.exam.sit import CLOSED
from nightschool.practice.curriculum import AND
from nightschool.practice.examples import demonstrations, worked_examples
from nightschool.practice.learner import Round
from nightschool.practice.rollouts import roll_out
from nightschool.protocols import Environment, Progress, Writer
from nightschool.registry.nights import OWN_WORDS, PRACTICE, Night, practices
from nightschool.registry.versions import BASE
from nightschool.study.review import size
from nightschool.types import (
    Bank,
    BankKind,
    Example,
    Item,
    Material,
    Result,
    Task,
    Version,
    digest,
    now,
)
from nightschool.verify.metamath.book import SMALL
from nightschool.wire import School

AUTHOR = "practice"
"""Who wrote a study example that is a verified success."""
SOLUTION = "solution"
"""Family of a success in the words of its task's own solution; else it is `OWN_WORDS`."""
MOST_SUCCESSES = 200
"""So many tasks of a skill are kept, solved, as study examples."""
REVIEW_SHARE = 0.1
"""Of a continuing night's new material, in characters: so much is studied again of practised skills."""
LEAST = 8
"""With fewer held-out tasks no gain can be shown."""
DRAWS = 20
"""A bank looks at so many seeds for each task that it wants: generators repeat themselves."""


@dataclass(frozen=True, slots=True)
class Skill:
    """What a run practised, and its sealed exam."""

    environment: str
    """The name by which it is found again from any folder, settings included."""
    bank: Bank
    """Its items are held-out tasks, named by their ids."""
    how: dict[str, Any]
    """The `PracticeConfig` of it, as JSON: an exam attempts the tasks in the same form."""

    @property
    def config(self) -> PracticeConfig:
        """How it was practised."""
        return PracticeConfig.model_validate(self.how)


@dataclass(frozen=True, slots=True)
class Summary:
    """What a practice run came to, in figures; it is kept in its folder, and the report shows it."""

    run: str
    environment: str
    version: str
    before: float | None
    """Share of held-out tasks that the version solved from which practice started, greedily; None: none was scored."""
    after: float | None
    """The same of the version that practice made."""
    tasks: int
    """That were scored both times."""
    gained: int
    """Tasks that only the new version solved."""
    lost: int
    """Tasks that only the old one solved."""
    p: float | None
    """One-sided exact p-value of no gain, over the tasks that only one of them solved."""
    rounds: int
    seconds: float
    """Of the rounds, exams not counted."""
    successes: int
    """Study examples that were kept."""
    promoted: bool
    choices: tuple[str, ...] = ()
    """Where the time went and how predictions turned out, in lines, where several environments were practised."""


# -- the exam -----------------------------------------------------------------------------


def lasting_name(name: str, settings: dict[str, Any]) -> str:
    """Return the name by which an environment is found again from any folder.

    Raises: see `environments.environment`.
    """
    if AND in name:
        return AND.join(lasting_name(part, settings) for part in name.split(AND))
    stem, mark, query = name.partition("?")
    if stem.endswith(".py"):
        environment(name, settings)  # raises where it is none
        return str(Path(stem).resolve())
    if stem.startswith(TOOLS):
        stem = TOOLS + str(Path(stem.removeprefix(TOOLS)).resolve())
    path = (parsed(query.split("&") if query else []) | settings).get("path", SMALL)
    if stem == "proof" and path != SMALL:
        settings = {**settings, "path": str(Path(path).resolve())}
    return environment(stem + mark + query, settings).name


def seal_skill(run: Night, tenant: str, name: str, config: PracticeConfig) -> Skill:
    """Choose held-out tasks that differ from one another; each run of an environment gets others.

    Args:
        run: The practice run.
        tenant: Whose.
        name: The environment, as `lasting_name` returns it.
        config: How many tasks, and how they are attempted.

    Raises:
        EnvironmentBroken: It has too few of them.
    """
    found = environment(name)
    wanted = config.held_out
    begin = (int(run.id.split("-")[1]) - 1) * wanted
    tasks: dict[object, Task] = {}
    for seed in range(begin, begin + DRAWS * wanted):
        task = found.task("held_out", seed)
        tasks.setdefault(task.prompt, task)
        if len(tasks) == wanted:
            break
    if len(tasks) < LEAST:
        raise EnvironmentBroken(
            f"{name} has {len(tasks)} different held-out tasks, at least {LEAST} are needed to show a gain. Widen its "
            "settings."
        )
    items = tuple(
        Item(task.id, task.prompt[-1].content, task.solution, group=name, author=AUTHOR)
        for task in tasks.values()
    )
    bank = Bank(f"bank-{digest(run.id, tenant, name)[:12]}", tenant, BankKind.SKILLS, run.id, items, now())  # fmt: skip
    return Skill(name, bank, config.model_dump(mode="json"))


def attempt(
    school: School, writer: Writer, banks: Sequence[Bank], progress: Progress | None = None
) -> list[Result]:
    """Attempt the tasks of skill banks, greedily and once each; banks of other kinds are left out.

    Raises: see `environments.environment`; and

        EnvironmentBroken: An environment asks something else than what was sealed.
        PracticeError: A run's sealed skill is gone.
    """
    results: list[Result] = []
    for bank in banks:
        if bank.kind is not BankKind.SKILLS or not bank.items:
            continue
        skill = stored_skill(_run(school, bank.night))
        if skill is None:
            raise PracticeError(
                f"{bank.night} has no skill.json any more, so its skill cannot be examined. Restore its folder."
            )
        found = environment(skill.environment)
        shown = worked_examples(found, skill.config.shots)
        tasks = _sealed_tasks(found, bank.items)
        rollouts = roll_out(
            found, tasks, writer, max_tokens=skill.config.max_tokens, temperature=0.0, shown=shown,
            progress=progress,
        )  # fmt: skip
        results += [
            Result(item.id, bank.id, CLOSED, done.moves[-1].action, done.score, None, None, None, None)
            for item, done in zip(bank.items, rollouts, strict=True)
        ]  # fmt: skip
    return results


def _sealed_tasks(found: Environment, items: Sequence[Item]) -> list[Task]:
    """Make held-out tasks again; answers to others could not be compared with what was answered before.

    Raises:
        EnvironmentBroken: One of them is not what was sealed.
    """
    tasks = [found.task("held_out", int(item.id.rsplit("/", 1)[1])) for item in items]
    for task, item in zip(tasks, items, strict=True):
        if (task.prompt[-1].content, task.solution) != (item.question, item.answers):
            raise EnvironmentBroken(
                f"{task.id} is not the task that was sealed: the environment, or what it reads, was changed. Restore "
                "it, or practise the changed one under another name."
            )
    return tasks


def stored_skill(run: Night) -> Skill | None:
    """Return the skill that a run has sealed; None where it has not got there."""
    stored = run.stored("skill.json")
    return from_json(Skill, stored) if stored else None


def _run(school: School, name: str) -> Night:
    return Night(name, school.workspace.nights / school.settings.tenant / name)


# -- what is in force ---------------------------------------------------------------------


def practised_in(school: School, version: Version | None) -> list[str]:
    """Return the practice runs whose skills a version holds: its own, its ancestors', those whose successes it studied."""
    found: set[str] = set()
    while version is not None:
        if version.night.startswith(PRACTICE):
            found.add(version.night)
        found |= {name.split("/")[0] for name in version.example_ids if name.startswith(PRACTICE)}
        version = None if version.parent == BASE else school.registry.version(version.parent)
    return sorted(found)


def holds_skill(school: School, version: Version | None, stem: str) -> bool:
    """Whether a version has practised an environment, whatever its settings were (`stem`: its name without them)."""
    skills = (stored_skill(_run(school, name)) for name in practised_in(school, version))
    parts = [part for skill in skills if skill for part in skill.environment.split(AND)]
    return any(part.partition("?")[0] == stem for part in parts)


def skill_banks(school: School, tonight: Night, without: str = "") -> list[Bank]:
    """Return a part of the held-out tasks of each skill that the served version holds; the same ones each time.

    An environment that cannot be loaded any more, or asks something else than what was sealed, is left out, and the journal says so.

    Args:
        school: The wired workspace.
        tonight: The night or run that asks.
        without: An environment that is left out, since it is practised just now.
    """
    live = school.registry.resolve(school.settings.tenant, "live")
    newest: dict[str, Skill] = {}
    for name in practised_in(school, live):
        skill = stored_skill(_run(school, name))
        if skill and skill.environment != without:
            newest[skill.environment] = skill
    banks = []
    for skill in newest.values():
        items = skill.bank.items[: skill.config.earlier]
        try:
            _sealed_tasks(environment(skill.environment), items)
        except PracticeError as error:
            tonight.note(f"left out of the exam: {skill.environment}: {error}")
            continue
        banks.append(replace(skill.bank, items=items))
    return banks


# -- what is studied ----------------------------------------------------------------------


def solved(round_: Round, run: Night, tenant: str) -> dict[str, tuple[Example, ...]]:
    """Return the best verified success of each task that a round has solved, one example a move.

    Returns:
        Digest of a task's prompt -> the moves: a task that comes twice is kept once.
    """
    found = {}
    for group in round_.groups:
        moves = demonstrations(group)
        said = tuple(move.target.strip() for move in moves)
        own = said != tuple(action.strip() for action in group.task.solution)
        if moves:
            key = digest(*(part for m in group.task.prompt for part in (m.role, m.content)))
            found[key] = tuple(
                replace(
                    move, id=f"{run.id}/{key[:12]}-{number}", tenant=tenant, author=AUTHOR,
                    family=OWN_WORDS if own else SOLUTION,
                )
                for number, move in enumerate(moves)
            )  # fmt: skip
    return found


def chosen(solved_tasks: Mapping[str, tuple[Example, ...]]) -> list[Example]:
    """Return the successes that are kept: of at most `MOST_SUCCESSES` tasks, spread over the whole run."""
    tasks = list(solved_tasks.values())
    count = min(MOST_SUCCESSES, len(tasks))
    return [example for k in range(count) for example in tasks[k * len(tasks) // count]]


def skill_material(school: School, start: str, news: Sequence[Example]) -> list[Example]:
    """Return what a night studies of practised skills: all of it from the base, a few for review else.

    In force is what the served version holds, and what a deletion took back with its version, as far as that is left.

    Args:
        school: The wired workspace.
        start: The version that the night starts from, or `base`.
        news: The night's new material; the review is a share of its length.
    """
    tenant = school.settings.tenant
    in_force = set(practised_in(school, school.registry.resolve(tenant, "live")))
    lost = school.registry.lost_to_deletion(tenant)
    in_force |= {v.night for v in school.registry.versions(tenant) if v.id in lost}
    found: dict[tuple[object, str], Example] = {}
    for run in practices(school.workspace, tenant):
        stored = run.stored("material.json") if run.id in in_force and run.outcome else None
        for example in from_json(Material, stored).examples if stored else ():
            found[example.prompt, example.target] = example
    examples = list(found.values())
    return examples if start == BASE else _review(examples, REVIEW_SHARE * size(news))


def _review(examples: Sequence[Example], budget: float) -> list[Example]:
    """Spread a budget of characters evenly over examples; at least one where there are any."""
    whole = size(examples)
    count = min(len(examples), max(1, round(len(examples) * budget / whole))) if whole else 0
    return [examples[k * len(examples) // count] for k in range(count)]


def quoted(school: School, examples: Sequence[Example]) -> Iterator[str]:
    """Return the memories that practised versions knew whose own words are among study examples.

    Who studies such words may learn what they quote; a deletion must reach that.
    """
    of = {example.id.split("/")[0] for example in examples if example.family == OWN_WORDS}
    for version in school.registry.versions(school.settings.tenant):
        if version.night in of:
            yield from version.memory_ids
