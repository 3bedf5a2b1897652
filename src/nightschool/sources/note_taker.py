"""Statements as the notes of a model that has practised taking them: the memory that it was rewarded for, by day.

It is asked as in the practice of memory use (`practice/memory_use.py`), a few turns at a time and without what is noted
already: what holds now is the store's to decide. A note counts where one sentence of a person's turn supports it, like
any model's statement. Lines that take a note back are counted, and change nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence

from nightschool.errors import ExtractorFailed, NightschoolError
from nightschool.prompts import DROP, NOTE, NOTHING, note_taking_prompt
from nightschool.protocols import Prompt, Writer
from nightschool.sources.extractors import finding, heard_from, is_human, supported
from nightschool.sources.quoted import own_words
from nightschool.types import Episode, Finding, Reading, Turn

WINDOW = 6
"""So many turns are read at a time: practised talks are about as long."""
ROOM = 64
"""Tokens that the prompt speaks of; nothing is refused for them here."""
MAX_TOKENS = 96
LONGEST = 2000
"""Characters of a turn that are shown."""
ENTRY = re.compile(r"(?P<who>[^,:]+), (?P<what>[^:]+): (?P<value>\S.*)")
SELF = frozenset({"i", "me", "user", "the user"})


class NoteTaker:
    """Asks a model for notes and keeps what the turns support; implements `protocols.Extractor`."""

    def __init__(self, writer: Callable[[], Writer]) -> None:
        """Take what returns the model, as a rule the version that is served by then."""
        self._writer = writer

    def extract(self, episode: Episode, before: Sequence[Turn] = ()) -> Reading:
        """Find what people stated; see `protocols.Extractor.extract`.

        Raises:
            ExtractorFailed: The model cannot be loaded, or does not answer.
        """
        turns = [*before, *episode.turns]
        starts = range(len(before), len(turns), WINDOW)
        windows = [range(a, min(a + WINDOW, len(turns))) for a in starts]
        windows = [w for w in windows if any(is_human(turns[n]) for n in w)]
        prompts = [_prompt([turns[n] for n in w]) for w in windows]
        try:
            answers = self._writer().generate(prompts, max_tokens=MAX_TOKENS) if prompts else []
        except NightschoolError as error:
            raise ExtractorFailed(f"A conversation could not be read: {error}") from error
        found: dict[str, Finding] = {}
        dropped: Counter[str] = Counter()
        for window, answer in zip(windows, answers, strict=True):
            for line in filter(None, map(str.strip, answer.splitlines())):
                if line.lower().rstrip(".") == NOTHING:
                    continue
                entry = ENTRY.fullmatch(line[len(NOTE) :].strip()) if line.lower().startswith(NOTE) else None  # fmt: skip
                if entry is None:
                    dropped["taken back" if line.lower().startswith(DROP) else "malformed"] += 1
                    continue
                stated = next((s for n in window if (s := _stated(entry, turns[: n + 1]))), None)
                if stated is None:
                    dropped["unsupported"] += 1
                else:
                    found.setdefault(stated.text, stated)
        return Reading(episode, tuple(found.values()), dict(dropped))


def _stated(entry: re.Match[str], turns: Sequence[Turn]) -> Finding | None:
    """Return a note as a statement of the last turn, where that supports it."""
    turn = turns[-1]
    if not is_human(turn):
        return None
    who = entry["who"].strip()
    who = heard_from(turn) if who.lower() in SELF else who
    text = f"{who[0].upper()}{who[1:]}'s {entry['what'].strip()} is {entry['value'].strip().rstrip('.')}."
    return finding(text, turn.span, heard_from(turn)) if supported(text, turns) else None


def _prompt(turns: Sequence[Turn]) -> Prompt:
    """Show turns as practice does: who speaks, and what they say themselves, a line for each."""
    said = [
        ("User", own_words(t.text)) if is_human(t) else ("Assistant", t.text)
        for t in turns
        if t.role in ("user", "assistant")
    ]
    talk = "\n".join(f"{who}: {' '.join(text.split())[:LONGEST]}" for who, text in said)
    return note_taking_prompt(talk, "(none)", 0, ROOM)
