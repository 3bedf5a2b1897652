"""The day: a question is answered from memory and weights; a conversation becomes an episode."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from nightschool.errors import ConfigError, ExtractorFailed, SourceMalformed, UnknownMemory
from nightschool.language import whole
from nightschool.memory.meaning import questioned
from nightschool.memory.rules import said_again
from nightschool.prompts import recall_prompt, within_budget
from nightschool.protocols import Extractor
from nightschool.sources import heard, said
from nightschool.sources.echoes import without_echoes
from nightschool.sources.extractors import RULES
from nightschool.surprise import tell_surprise
from nightschool.trust import lowest
from nightschool.types import Memory, Message, Reading, SourceKind, Span, Trust, Turn, digest
from nightschool.wire import School

ANSWER_TOKENS = 128
QUESTION_CHARACTERS = 8_000
"""So much of the end of a question is looked at to recall memories; people do not type more."""
NOTES = "memory"
"""The environment in which notes are practised."""
NEAR = 32
"""So many of the nearest live memories are compared with a new statement."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the model said, and on what it could lean."""

    text: str
    version_id: str
    recalled: tuple[Memory, ...]
    """Memories that stood in the prompt; empty when closed-book."""


@dataclass(frozen=True, slots=True)
class Aid:
    """What goes to the model in place of a question."""

    question: str
    """With recalled memories before it."""
    recalled: tuple[Memory, ...] = ()
    index: str = ""
    """The index of the memory files, for the beginning of the conversation; empty where it is not wanted."""


@dataclass(frozen=True, slots=True)
class Learnt:
    """What a source changed in memory."""

    added: tuple[Memory, ...]
    superseded: tuple[Memory, ...]
    skipped: tuple[tuple[str, str], ...] = ()
    dropped: dict[str, int] = field(default_factory=dict)
    """Why statements in conversations were left out -> how many; see `types.Reading`."""
    unread_by: str | None = None
    """The encoder by whose help documents were to be searched for orders, where it was not pulled."""


def ask(
    school: School,
    question: str,
    *,
    version: str = "live",
    closed_book: bool = False,
    before: Sequence[Message] = (),
) -> Answer:
    """Answer a question.

    Memories that the asked version is shown to hold are not recalled: they cost nothing any more.

    Args:
        school: The wired workspace.
        question: What is asked.
        version: A version id, an alias, or `base`.
        closed_book: Answer from the weights alone.
        before: Earlier messages of the conversation.

    Raises:
        SourceMalformed: The question is empty, or no text.
        UnknownVersion: There is no such version.
        ModelMissing: The base model has not been pulled.
    """
    _check_text(question, "question")
    found = school.registry.resolve(school.settings.tenant, version)
    version_id = found.id if found else "base"
    aid = Aid(question) if closed_book else aid_for(school, question, version_id)
    first = (Message("system", aid.index),) if aid.index else ()
    text = school.sampler(version_id).generate(
        [(*first, *before, Message("user", aid.question))], max_tokens=ANSWER_TOKENS
    )[0]
    if aid.recalled:
        school.store.used([memory.id for memory in aid.recalled])
    return Answer(text, version_id, aid.recalled)


def _check_text(text: str, what: str) -> None:
    """Refuse what a terminal or a pipe gave in another encoding, and what says nothing."""
    if text != whole(text):
        raise SourceMalformed(
            f"The {what} is not UTF-8 text: {text.encode('utf-8', 'backslashreplace').decode()!r}. "
            "Set the terminal to UTF-8, or convert the file."
        )
    if not text.strip():
        raise SourceMalformed(f"The {what} is empty. Say it in a sentence.")


def aid_for(school: School, question: str, version_id: str) -> Aid:
    """Put memories within the budget before a question; those that the version is shown to hold are left out.

    Args:
        school: The wired workspace.
        question: What is asked; of a very long one the end alone decides what is recalled.
        version_id: Who is to answer; `base` for the base model.
    """
    settings = school.settings.recall
    fitting = school.recall(question[-QUESTION_CHARACTERS:])
    recalled = within_budget(
        [m for m in fitting if version_id not in m.graduated], settings.budget_tokens
    )
    (asked,) = recall_prompt(question, recalled, settings.budget_tokens)
    index = school.memory_index() if settings.index else ""
    return Aid(asked.content, tuple(recalled), index)


def learn(
    school: School,
    readings: Sequence[Reading],
    skipped: Sequence[tuple[str, str]] = (),
    before: Sequence[Turn] = (),
) -> Learnt:
    """Store what was read, and bring the readable memory files in line.

    What a conversation only repeats is left out, and counted; see `sources.echoes`.

    Args:
        school: The wired workspace.
        readings: What readers made of sources.
        skipped: (source, reason) for what was not read.
        before: Earlier turns of the talk that the readings go on with.

    Raises:
        WorkspaceLocked: Another process holds the workspace.
        ConfigError: `write.encoder` names an encoder that orders cannot be told by.
    """
    readings, unread_by = _questioned(school, readings)
    added: list[Memory] = []
    superseded: list[Memory] = []
    dropped: Counter[str] = Counter()

    def near(text: str) -> list[Memory]:
        return [m for m, _ in school.store.recall(school.settings.tenant, text, NEAR)]

    with school.workspace.lock_memory("learning"):
        for reading in readings:
            if reading.episode.kind is SourceKind.CONVERSATION:
                known = _recalled(school, [*before, *reading.episode.turns])
                reading = without_echoes(reading, known, near, before)
                dropped.update(reading.dropped)
            new, old = school.store.absorb(reading)
            added += new
            superseded += old
        school.sync_files()
    return Learnt(tuple(added), tuple(superseded), tuple(skipped), dict(dropped), unread_by)


def _questioned(school: School, readings: Sequence[Reading]) -> tuple[list[Reading], str | None]:
    """Search documents for orders by their meaning; return the encoder's name where it is missing."""
    if not any(reading.episode.kind is SourceKind.DOCUMENT for reading in readings):
        return list(readings), None
    encoder = school.order_reader()
    if encoder is None:
        return list(readings), school.settings.write.encoder
    return [questioned(reading, encoder) for reading in readings], None


def joined(parts: Sequence[Learnt]) -> Learnt:
    """Put what several sources changed into one account."""
    dropped: Counter[str] = Counter()
    for part in parts:
        dropped.update(part.dropped)
    return Learnt(
        tuple(m for part in parts for m in part.added),
        tuple(m for part in parts for m in part.superseded),
        tuple(row for part in parts for row in part.skipped),
        dict(dropped),
        next((part.unread_by for part in parts if part.unread_by), None),
    )


def _recalled(school: School, turns: Sequence[Turn]) -> list[Memory]:
    """Return the memories that stood in a talk's prompts, as far as they are not forgotten."""
    found = []
    for memory_id in dict.fromkeys(name for turn in turns for name in turn.recalled):
        try:
            found.append(school.memory(memory_id))
        except UnknownMemory:
            continue
    return found


def remember(
    school: School, statement: str, speaker: str = "owner", trust: Trust = Trust.OWNER
) -> Learnt:
    """Store one statement.

    Args:
        school: The wired workspace.
        statement: One fact in one sentence.
        speaker: Who says so.
        trust: The speaker's tier; what is not the owner's waits for approval before it is trained.

    Raises:
        SourceMalformed: It is empty, or no text.
        WorkspaceLocked: Another process holds the workspace.
    """
    _check_text(statement, "statement")
    reading = said(statement, school.settings.tenant, speaker)
    findings = tuple(replace(finding, trust=trust) for finding in reading.findings)
    return learn(school, [replace(reading, findings=findings)])


def reader(school: School) -> Extractor:
    """Return who finds what is stated in conversations.

    With `write.extractor = "live"` it is the served version as soon as that has practised taking notes; what never did finds
    next to nothing, so the rules read until then, and after a rollback to it.

    Raises:
        ConfigError: The endpoint has no URL.
    """
    if school.settings.write.extractor == "live":
        from nightschool.skills import holds_skill

        if not holds_skill(school, school.registry.resolve(school.settings.tenant, "live"), NOTES):
            return RULES
    return school.extractor()


def end_chat(
    school: School,
    turns: Sequence[tuple[str, str]],
    title: str,
    *,
    recalled: Sequence[Memory] = (),
    before: Sequence[tuple[str, str]] = (),
    trust: Trust = Trust.OWNER,
    episode_id: str | None = None,
    repeated: bool = False,
) -> Learnt:
    """Make a conversation of (role, text) turns an episode, and keep what was stated in it.

    It took place now: the same words in an earlier conversation do not make it old.

    Where the live version is loaded, it also tells how surprising each statement is to it.

    Args:
        school: The wired workspace.
        turns: What was said; nothing that was recalled into a prompt.
        title: The conversation's name.
        recalled: Memories that stood in its prompts; the episode keeps their ids.
        before: Earlier turns of the talk, which are in episodes of their own.
        trust: The tier of who talks; what is not the owner's waits for approval before it is trained.
        episode_id: The episode's id, where it was promised to somebody; None makes a new one.
        repeated: Keep nothing, the episode included, unless something in it is news.

    Raises:
        SourceMalformed: A turn has no known role.
        ExtractorFailed: The extractor cannot read it, or its settings are wrong; the episode is kept, and can be
            read again.
        WorkspaceLocked: Another process holds the workspace.
    """
    ids = [memory.id for memory in recalled]
    messages = [{"role": role, "content": text, "recalled": ids} for role, text in turns]
    episode = heard(messages, school.settings.tenant, title)
    episode = said_again(replace(episode, id=episode_id or episode.id, trust=trust))
    earlier = [Turn(role, role, text, Span(0, 0)) for role, text in before]
    try:
        reading = reader(school).extract(episode, earlier)
    except (ExtractorFailed, ConfigError) as error:
        # Under a digest of its own, so that the same words are still new when they are read.
        learn(school, [Reading(replace(episode, digest=_unread(episode.digest)), ())])
        raise ExtractorFailed(
            f"{error} Nothing is lost: `nightschool learn {episode.id}` reads this conversation again."
        ) from error
    reading = replace(_of_the_talker(reading), repeated=repeated)
    learnt = learn(school, [reading], before=earlier)
    model = school.loaded_sampler("live")
    if model is not None:
        tell_surprise(school, model, learnt.added)
    return learnt


def read_again(school: School, episode_id: str) -> Reading:
    """Read a kept conversation once more, after its extractor had failed.

    Whoever has it read, what is found is of the tier of who talked.

    Raises:
        UnknownMemory: The tenant has no such episode.
        SourceMalformed: It is no conversation, or it has been read.
        ExtractorFailed: The extractor cannot read it; it stays as it is.
    """
    episode = school.store.episode(episode_id)
    if episode.tenant != school.settings.tenant:
        raise UnknownMemory(f"{school.settings.tenant!r} has no episode called {episode_id}.")
    plain = digest(
        SourceKind.CONVERSATION.value,
        episode.source,
        *(f"{t.role}{t.speaker}{t.text}" for t in episode.turns),
    )
    own = said_again(replace(episode, digest=plain))
    for digest_, read in ((own.digest, own), (plain, replace(episode, digest=plain))):
        if episode.digest == _unread(digest_):
            return _of_the_talker(reader(school).extract(read))
    raise SourceMalformed(f"{episode_id} has been read already. See `nightschool memory list`.")


def _of_the_talker(reading: Reading) -> Reading:
    """Hold what was found in a conversation to the tier of who talked in it."""
    found = (replace(f, trust=lowest(f.trust, reading.episode.trust)) for f in reading.findings)
    return replace(reading, findings=tuple(found))


def _unread(of: str) -> str:
    return digest("unread", of)
