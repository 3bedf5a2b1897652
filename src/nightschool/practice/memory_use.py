"""Memory use: conversations are read one at a time, each with a context of its own, and only notes outlive them.

A task is a snapshot: a stream, how much of it has been read, and the notes so far. Rollouts that start from it differ in what they
write and answer, and in nothing else, so that their rewards may be compared.

The reward: 1 where every question is answered, from a note that holds the answer, and the notes are at most twice as long as
those of the rule writer. Longer ones cost; beyond four times the store refuses. Not here: streams (`streams.py`), the store
(`notebook.py`), and the table of answers (`memory_cases.py`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any

from nightschool.errors import EnvironmentBroken
from nightschool.practice.base import level_of, over, random_for, scored, task_id
from nightschool.practice.memory_cases import table
from nightschool.practice.notebook import Notebook, drop, note, tokens_of
from nightschool.practice.streams import MOST_TALKS, PLANS, POOLS, UNKNOWN, Event, draw
from nightschool.prompts import NOTHING, TAKE_NOTES, note_taking_prompt
from nightschool.protocols import Verifier
from nightschool.types import Case, Item, Message, Score, Split, Step, Task, Verdict

CALLS = (
    "Take notes of what may be asked later by calls of the memory tool, a line for each: "
    + note("who, what: value", as_call=True, place=0)
    + f' To change one: {drop("who, what: value", as_call=True)} If nothing is to be noted: "nothing".'
)
ANSWER = f'Answer from the notes, with the value alone. If they do not tell: "{UNKNOWN}".'
FORMS = {"lines": TAKE_NOTES, "calls": CALLS}
"""How edits are written -> what the model is told about it."""
LEAN, ROOM = 2, 4
"""Times the rule writer's notes: what is short enough for full marks, and what the store holds."""
LONG_VALUE = 0.9
"""Value where all is answered from notes that are longer than lean; up to `LENGTH_COST` less at the full room."""
ANSWERED_VALUE, HELD_VALUE = 0.5, 0.2
"""Value of wrong attempts, by the shares of questions that were answered, and of answers that the notes hold."""
LENGTH_COST = 0.1
LONGEST_ANSWER = 100
"""Characters of an answer; longer ones recite rather than answer."""


class MemoryUse:
    """Notes over several conversations; implements `protocols.Environment`."""

    about = "Take notes in conversations that are forgotten, and answer from the notes."

    def __init__(
        self, verifier: Verifier, level: int = 1, talks: int | None = None, snapshot: int = 0, form: str = "lines"
    ) -> None:  # fmt: skip
        """Take what judges answers, and the settings.

        Args:
            verifier: What judges answers.
            level: 1: one or two facts, and one question; 2: facts change; 3: some are taken back, and more talks.
            talks: Conversations of a stream. None: as few as the level has.
            snapshot: So many of them have been read before, with the rule writer's notes in the store; all of
                them: only the questions are left.
            form: How notes are written: `lines`, or `calls` of the memory tool; either is understood.

        Raises:
            EnvironmentBroken: A setting is out of range.
        """
        self._verifier = verifier
        self._level = level_of("memory", level, len(PLANS))
        least = len(PLANS[level])
        self._talks = _within("talks", least if talks is None else talks, least, MOST_TALKS)
        self._read = _within("snapshot", snapshot, 0, self._talks)
        if form not in FORMS:
            raise EnvironmentBroken(f"memory's form is {form!r}; expected {' or '.join(FORMS)}. Choose one of them.")  # fmt: skip
        self._form = form
        self.name = f"memory?level={level}&talks={self._talks}"
        self.name += f"&snapshot={snapshot}" if snapshot else ""
        self.name += f"&form={form}" if form != "lines" else ""

    def task(self, split: Split, seed: int) -> Task:
        """Make the task of a seed; see `protocols.Environment.task`."""
        # Snapshots of one stream, and its forms, share all choices.
        rng = random_for(f"memory {self._level} {self._talks}", split, seed, 0)
        stream = draw(rng, split, self._level, self._talks)
        written: list[list[str]] = []
        books: list[list[str]] = [[]]
        for events in stream.events:
            written.append(demonstrated(events, books[-1], self._form == "calls"))
            books.append(_after(books[-1], written[-1]))
        most = max(map(tokens_of, books))
        facts: dict[str, Any] = {
            "talks": list(stream.talks),
            "questions": [list(one) for one in stream.questions],
            "read": self._read,
            "notes": books[self._read],
            "lean": LEAN * most,
            "room": ROOM * most,
            "form": self._form,
        }
        answers = [one.answer for one in stream.questions]
        edits = ["\n".join(one) or NOTHING for one in written[self._read :]]
        return Task(
            task_id(self.name, split, seed), self.name, split, seed, _shown(facts, self._read, _book(facts)),
            (*edits, *answers), facts=facts,
        )  # fmt: skip

    def start(self, task: Task) -> MemoryAttempt:
        """Start an attempt with the snapshot's notes; see `protocols.Environment.start`."""
        return MemoryAttempt(task, self._verifier)

    def cases(self, task: Task) -> Sequence[Case]:
        """Return the table; see `protocols.Environment.cases`."""
        return table(task)


class MemoryAttempt:
    """A talk each turn, then a question each turn, and nothing but the notes between; implements `protocols.Attempt`."""

    def __init__(self, task: Task, verifier: Verifier) -> None:
        """Take the task, and what judges answers."""
        self._facts, self._verifier = task.facts, verifier
        self._book = _book(task.facts)
        self._turn: int = task.facts["read"]
        self._answers: list[str] = []

    def step(self, action: str) -> Step:
        """Take edits of the notes, or an answer; see `protocols.Attempt.step`."""
        talks, questions = self._facts["talks"], self._facts["questions"]
        if self._turn >= len(talks) + len(questions):
            raise over()
        book = self._book
        before = (book.edits, book.valid, book.refused)
        told: list[str] = []
        if self._turn < len(talks):
            told = book.apply(action)
        else:
            self._answers.append(action)
        self._turn += 1
        counts = (now - then for now, then in zip((book.edits, book.valid, book.refused), before, strict=True))  # fmt: skip
        info = dict(zip(("calls", "valid_calls", "refused"), map(float, counts), strict=True))
        if self._turn < len(talks) + len(questions):
            return Step(_shown(self._facts, self._turn, book, told), fresh=True, info=info)
        info["notes_tokens"] = float(book.tokens)
        return Step(done=True, score=scored(self._judge), info=info)

    def _judge(self) -> Score:
        scores, held = [], []
        for (text, answer, kind), said in zip(self._facts["questions"], self._answers, strict=True):
            found = self._verified(text, answer, kind, said)
            if found.verdict is Verdict.UNSCORED:
                return found
            in_notes = answer == UNKNOWN or holds(self._book.lines, answer)
            scores.append(found.verdict is Verdict.CORRECT and in_notes)
            if answer != UNKNOWN:
                held.append(in_notes)
        used, lean, room = self._book.tokens, self._facts["lean"], self._facts["room"]
        if all(scores) and used <= lean:
            return Score(Verdict.CORRECT, 1.0)
        cost = LENGTH_COST * min(used / room, 1.0)
        if all(scores):
            return Score(Verdict.WRONG, LONG_VALUE - cost, f"answered, from notes of {used} tokens; at most {lean} are wanted")  # fmt: skip
        # To say "unknown" to everything is no use of memory.
        known = any(right and one[1] != UNKNOWN for right, one in zip(scores, self._facts["questions"], strict=True))  # fmt: skip
        share = sum(scores) / len(scores) if known else 0.0
        value = ANSWERED_VALUE * share + HELD_VALUE * sum(held) / max(len(held), 1)
        return Score(Verdict.WRONG, max(value - cost, 0.0), f"{sum(scores)} of {len(scores)} answered from the notes")  # fmt: skip

    def _verified(self, question: str, answer: str, kind: str, said: str) -> Score:
        if len(said) > LONGEST_ANSWER:
            return Score(Verdict.WRONG, 0.0, "recites rather than answers")
        others = POOLS[kind] if kind != "number" else re.findall(r"\d+", said)
        rivals = {UNKNOWN, *others} - {answer}
        return self._verifier.verify(Item("", question, (answer,), stale=tuple(rivals)), said)


def demonstrated(events: Iterable[Event], book: Sequence[str], as_call: bool) -> list[str]:
    """Write the rule writer's edits after a talk: a note for what is told, and what it replaces taken out.

    Args:
        events: What the talk tells.
        book: The notes before it.
        as_call: Write calls of the memory tool.
    """
    lines, edits = list(book), []
    for event in events:
        head = f"{event.who}, {event.what}"
        for line in [one for one in lines if one.startswith(f"{head}:")]:
            edits.append(drop(line if as_call else head, as_call))
            lines.remove(line)
        if event.value:
            edits.append(note(f"{head}: {event.value}", as_call, len(lines)))
            lines.append(f"{head}: {event.value}")
    return edits


def holds(lines: Iterable[str], value: str) -> bool:
    """Tell whether a note holds a value as a word of its own."""
    return any(re.search(rf"(?<!\w){re.escape(value)}(?!\w)", line, re.IGNORECASE) for line in lines)  # fmt: skip


def _after(book: Sequence[str], edits: Sequence[str]) -> list[str]:
    """Return the notes after edits, in a store without a bound."""
    found = Notebook(10**9, book)
    for edit in edits:
        found.apply(edit)
    return found.lines


def _book(facts: dict[str, Any]) -> Notebook:
    return Notebook(facts["room"], facts["notes"])


def _shown(facts: dict[str, Any], turn: int, book: Notebook, told: Sequence[str] = ()) -> tuple[Message, ...]:  # fmt: skip
    """Return all that the model sees at a turn: the notes, and the talk or the question."""
    talks = facts["talks"]
    errors = "".join(f"\n({one})" for one in dict.fromkeys(told))
    if turn >= len(talks):
        question = facts["questions"][turn - len(talks)][0]
        return (
            Message("system", ANSWER),
            Message("user", f"Notes:\n{book.text}\n\nQuestion: {question}"),
        )
    return note_taking_prompt(
        talks[turn], book.text + errors, book.tokens, book.room, FORMS[facts["form"]]
    )


def _within(name: str, value: Any, least: int, most: int) -> int:
    """Return a setting. Raises EnvironmentBroken where it is out of range."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise EnvironmentBroken(
            f"memory's {name} is {json.dumps(value, default=str)}; expected a whole number from {least} to {most}. "
            "Choose one of them."
        )
    return value
