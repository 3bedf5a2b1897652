"""Which kind of night it is to be: built anew from the base, or going on from the version that is served.

A *rebuild* studies every live memory from the base: nothing old can linger, and it costs more with every memory. A
night that *continues* studies what is new, and reviews of the old what is held worst (`study/review.py`): it costs
about the same whatever has been learnt before. `auto` continues where that is cheaper and nothing speaks against it;
the exam has the last word on either.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nightschool.codec import from_json, to_json
from nightschool.errors import ConfigError, NightUnfinished
from nightschool.protocols import Bar
from nightschool.registry.nights import PRACTICE, Night, nights
from nightschool.registry.versions import BASE, erase_folders
from nightschool.study.review import by_memory, held, review, size
from nightschool.types import Example, Material, Memory, NightKind, Version
from nightschool.wire import School

REBASE = "rebase"
"""The kind of a night that teaches another base; see `rebase.py`."""
CHEAPER = 0.7
"""Above this share of a rebuild's cost, a night that continues saves too little for what it risks."""
REFUSALS = 2
"""So many refusals in a row, and the next night is built anew."""


@dataclass(frozen=True, slots=True)
class Course:
    """How a night goes about it."""

    kind: str
    """`rebuild` or `continue`; `rebase` teaches another base."""
    start: str
    """The version that training starts from, or `base`."""
    known: tuple[str, ...]
    """Memories that the start was trained on."""
    reason: str
    """Why this kind, in words."""
    base: str = ""
    """The base model that the night builds on; empty where an earlier program did not write it down."""


def chart(
    school: School, night: Night, memories: Sequence[Memory], kind: NightKind | None
) -> Course:
    """Choose the kind of a night; a resumed night keeps its own.

    Args:
        school: The wired workspace.
        night: Tonight.
        memories: What is live and may be trained.
        kind: What was asked for; None takes the settings'.

    Raises:
        ConfigError: It is to continue, and there is no version of full weights to continue from.
        ConfigError: It is to continue, and adapters are to be trained.
    """
    return from_json(
        Course, night.artifact("course.json", lambda: to_json(choose(school, memories, kind)))
    )


def charted(night: Night) -> Course | None:
    """Return the course that a night has taken; None where it has not got there."""
    stored = night.stored("course.json")
    return from_json(Course, stored) if stored else None


def refuse_rebase(night: Night) -> None:
    """Refuse to go on with a night that teaches another base as if it were an ordinary one.

    Raises:
        NightUnfinished: It is such a night, and not over.
    """
    course = charted(night)
    if course and course.kind == REBASE and night.outcome is None:
        raise NightUnfinished(
            f"{night.id} teaches another base, {course.base}, and was interrupted. Finish it with "
            f"`nightschool rebase --model {course.base}`, or drop it with `nightschool rebase --give-up`."
        )


def lacks_its_end(school: School, night: Night) -> bool:
    """Tell whether a night's version was served already, so that only its records are missing."""
    made = night.stored("version.txt")
    return made is not None and made in school.registry.served(school.settings.tenant)


def overtaken(school: School, night: Night) -> bool:
    """Tell whether an interrupted night goes on from what it may not go on from any more.

    The owner has taken that version back, or put another in its place: what is trained on from it would bring it back. Or
    adapters are to be trained by now, and those stand on the base. A night whose own version was served has only its end to
    write, and one that is trained only its exam.
    """
    course = charted(night)
    if course is None or course.kind != "continue" or lacks_its_end(school, night):
        return False
    made = night.stored("version.txt")
    trained = made is not None and (school.workspace.versions / made).exists()
    if school.settings.train.method == "lora" and not trained:
        return True
    return school.registry.alias(school.settings.tenant, "live") != course.start


def drop(school: School, night: Night) -> None:
    """Take an unfinished night or practice run back, with its checkpoints and the version that it was about to make.

    Raises:
        NightUnfinished: That version is served already, and only its records are missing.
    """
    if lacks_its_end(school, night):
        raise NightUnfinished(
            f"{night.id} has been promoted and only its end is missing. Run the same command again."
        )
    version = night.stored("version.txt")
    if version:
        # Checkpoints before the night that names them.
        erase_folders(school.workspace, [version])
        school.registry.withdraw(version)
    night.discard()


def choose(
    school: School, memories: Sequence[Memory], kind: NightKind | None, served: str = "live"
) -> Course:
    """Choose the kind of the next night, if `served` is what it could go on from; see `chart`."""
    wanted = kind or school.settings.night.kind
    live = school.registry.resolve(school.settings.tenant, served)
    against = _against(school, live, memories)
    if wanted == "continue" and school.settings.train.method == "lora":
        raise ConfigError(
            "train.method is lora, and adapters are trained on the base: expected full for a night that continues. "
            "Use --kind rebuild or auto, or set train.method=full."
        )
    if wanted == "continue" and (live is None or live.kind != "full"):
        raise ConfigError(
            "There is nothing to continue from: the served version is "
            f"{'the base' if live is None else f'an adapter ({live.id})'}, expected one of full weights. "
            "Use --kind rebuild, or auto."
        )
    if live is None or wanted == "rebuild" or (wanted == "auto" and against):
        reason = "asked for" if wanted == "rebuild" else against
        return Course("rebuild", BASE, (), reason, school.base)
    reason = "asked for" if wanted == "continue" else "cheaper than a rebuild"
    return Course("continue", live.id, live.memory_ids, reason, live.base)


def _against(school: School, live: Version | None, memories: Sequence[Memory]) -> str:
    """Say what speaks against going on from the served version; empty where nothing does."""
    if live is None:
        return "the base is served"
    if live.kind != "full":
        return "the served version is an adapter"
    if live.base != school.base:  # a deletion took back all that stood on the base that was chosen
        return f"the served version stands on {live.base}"
    if school.settings.train.method == "lora":
        return "adapters are trained on the base"
    if school.registry.attempts(school.settings.tenant, live.base) >= REFUSALS:
        return f"the gate refused {REFUSALS} times in a row"
    generations = sum(not one.night.startswith(PRACTICE) for one in _line(school, live))
    if generations >= school.settings.night.deep_every:
        return f"nights since the last rebuild: {generations}"
    fresh = sum(memory.id not in live.memory_ids for memory in memories)
    if not fresh:
        return "nothing is new"
    if fresh * (1 + school.settings.study.review_share) > CHEAPER * len(memories):
        return "it costs hardly more than to continue"
    return ""


def _line(school: School, version: Version) -> list[Version]:
    """Return a version and those it was trained from, newest first, down to the rebuild."""
    line = [version]
    while line[-1].parent != BASE:
        line.append(school.registry.version(line[-1].parent))
    return line


def fresh(course: Course, memories: Sequence[Memory], earlier: Sequence[Example]) -> list[Memory]:
    """Return the memories for which material is to be written: not known to the start, or without any left."""
    written = {memory_id for example in earlier for memory_id in example.memory_ids}
    return [m for m in memories if m.id not in course.known or m.id not in written]


def earlier_material(school: School, night: Night, memories: Sequence[Memory]) -> list[Example]:
    """Return what earlier nights studied of memories that are still live, each example once."""
    live = {memory.id for memory in memories}
    found: dict[tuple[object, str], Example] = {}
    for other in nights(school.workspace, school.settings.tenant):
        stored = other.stored("material.json") if other.id != night.id else None
        for example in from_json(Material, stored).examples if stored else ():
            if example.memory_ids and live.issuperset(example.memory_ids):
                found.setdefault((example.prompt, example.target), example)
    return list(found.values())


def reviewed(
    school: School, course: Course, earlier: Sequence[Example], news: Sequence[Example], bar: Bar
) -> list[Example]:
    """Choose what a continuing night studies again: what its start holds worst, within the budget.

    Args:
        school: The wired workspace.
        course: Tonight's.
        earlier: What earlier nights studied.
        news: Tonight's own material; a pass over it has room for a share of its length in review.
        bar: Shows the progress of the test.
    """
    if course.start == BASE:
        return []
    known = set(course.known)
    groups = by_memory([e for e in earlier if known.issuperset(e.memory_ids)])
    seed = school.settings.train.seed
    with bar("testing what is held") as progress:
        nats = held(school.sampler(course.start), groups, seed, progress)
    settings = school.settings
    whole = size([example for examples in groups.values() for example in examples])
    room = min(settings.study.review_share * size(news), whole)  # nothing twice in one pass
    return review(groups, nats, settings.train.epochs * room, seed)
