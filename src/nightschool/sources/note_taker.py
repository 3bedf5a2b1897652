"""Statements as the notes of a model that has practised taking them: the memory that it was rewarded for, by day.

It is asked as in the practice of memory use (`practice/memory_use.py`), a few turns at a time and without what is noted
already: what holds now is the store's to decide. A note counts where one sentence of a person's turn supports it, like
any model's statement, and the turn names its value. Lines that take a note back are counted, and change nothing.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence

from nightschool.errors import ExtractorFailed, NightschoolError
from nightschool.language import holds
from nightschool.prompts import DROP, NOTE, NOTHING, inert, note_taking_prompt
from nightschool.protocols import Prompt, Writer
from nightschool.sources.extractors import HUMAN, finding, heard_from, is_human, supported
from nightschool.sources.quoted import own_words
from nightschool.types import Episode, Finding, Reading, Turn

WINDOW, LOOK_BACK = 6, 2
"""So many turns are read at a time, since practised talks are about as long; and so many before them are shown."""
ROOM = 64
"""Tokens that the prompt speaks of; nothing is refused for them here."""
MAX_TOKENS = 256
LONGEST = 2000
"""Characters of a turn that are shown; what is beyond is counted as cut."""
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
        prompts = [_prompt(turns[max(0, w.start - LOOK_BACK) : w.stop]) for w in windows]
        try:
            answers = self._writer().generate(prompts, max_tokens=MAX_TOKENS) if prompts else []
        except (NightschoolError, RuntimeError) as error:  # torch's own, such as no memory left
            raise ExtractorFailed(f"A conversation could not be read: {error}") from error
        found: dict[str, tuple[int, Finding]] = {}
        dropped: Counter[str] = Counter()
        for window, answer in zip(windows, answers, strict=True):
            for line in filter(None, map(str.strip, answer.splitlines())):
                plain = line.removeprefix("- ")
                if plain.lower().rstrip(".") == NOTHING:
                    continue
                entry = ENTRY.fullmatch(plain[len(NOTE) :].strip()) if plain.lower().startswith(NOTE) else None  # fmt: skip
                if entry is None:
                    dropped["taken back" if plain.lower().startswith(DROP) else "malformed"] += 1
                    continue
                # The last turn that says so: between it and an earlier one something else may have held.
                told = ((n, _stated(entry, turns[: n + 1])) for n in reversed(window))
                place, stated = next(((n, s) for n, s in told if s), (0, None))
                if stated is None:
                    dropped["unsupported"] += 1
                else:
                    found[stated.text] = (place, stated)
        cut = sum(len(own_words(t.text)) > LONGEST for t in episode.turns if t.role == HUMAN)
        if cut:
            dropped["cut"] = cut
        in_order = sorted(found.values(), key=lambda one: one[0])
        return Reading(episode, tuple(stated for _, stated in in_order), dict(dropped))


def _stated(entry: re.Match[str], turns: Sequence[Turn]) -> Finding | None:
    """Return a note as a statement of the last turn, where that supports it."""
    turn = turns[-1]
    value = entry["value"].strip().rstrip(".")
    # A sentence may point back to what was said before; who points to the assistant's words has not said them.
    if not is_human(turn) or not holds(own_words(turn.text), value):
        return None
    who = entry["who"].strip()
    who = heard_from(turn) if who.lower() in SELF else who
    text = f"{who[0].upper()}{who[1:]}'s {entry['what'].strip()} is {value}."
    return finding(text, turn.span, heard_from(turn)) if supported(text, turns) else None


def _prompt(turns: Sequence[Turn]) -> Prompt:
    """Show turns as practice does: who speaks, and what people say themselves, a line for each."""
    said = [
        ("User", own_words(t.text)) if t.role == HUMAN else ("Assistant", t.text)
        for t in turns
        if t.role in (HUMAN, "assistant")
    ]
    lines = [(who, " ".join(text.split())[:LONGEST]) for who, text in said]
    talk = "\n".join(f"{who}: {inert(text)}" for who, text in lines if text)
    return note_taking_prompt(talk, "(none)", 0, ROOM)
