"""An extractor without a parser: every plain sentence of a user is a statement. For wiring and tests."""

from __future__ import annotations

import re
from collections.abc import Sequence

from nightschool.language import normalise
from nightschool.sources.earnest import attributed, in_earnest
from nightschool.sources.quoted import own_words
from nightschool.types import Episode, Finding, Reading, Span, Turn


class FakeExtractor:
    """Takes the sentences of user turns as they are; implements `protocols.Extractor`."""

    def extract(self, episode: Episode, before: Sequence[Turn] = ()) -> Reading:
        """Find every sentence that a user says in earnest; see `protocols.Extractor.extract`."""
        found = []
        for turn in episode.turns:
            if turn.role != "user":
                continue
            for match in re.finditer(r"[^.!?\s][^.!?]*[.!?](?=\s|$)", own_words(turn.text)):
                text = " ".join(match[0].split())
                if not in_earnest(text) or attributed(text) or len(text.split()) < 3:
                    continue
                span = Span(turn.span.start + match.start(), turn.span.start + match.end())
                speaker = "the user" if turn.speaker == "user" else turn.speaker
                found.append(
                    Finding(text, "said", span=span, speaker=speaker, key=f"text|{normalise(text)}")
                )
        return Reading(episode, tuple(found))
