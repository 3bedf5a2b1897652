"""Writers that `memory_rl.py` compares practice with."""

from __future__ import annotations

from collections.abc import Sequence

from nightschool.environments import environment
from nightschool.practice.examples import solutions
from nightschool.practice.memory_use import holds
from nightschool.practice.notebook import drop, note
from nightschool.prompts import NOTE, NOTHING
from nightschool.protocols import Extractor, Progress, Prompt, Writer
from nightschool.sources.conversations import conversation, heard
from nightschool.sources.keys import statement_key
from nightschool.types import DEFAULT_TENANT, Message

SHOT_SEEDS = 6_000_000
"""Seed of the first worked example; practice does not come that far."""


class Shown:
    """A writer that sees worked examples of the same kind of turn before each prompt; implements `protocols.Writer`."""

    def __init__(self, writer: Writer, name: str, tasks: int) -> None:
        """Take the writer, and from how many tasks of an environment the examples are; 0: it sees none."""
        self._writer = writer
        found = environment(name)
        self._shown: dict[str, list[Message]] = {}
        drawn = [found.task("train", seed) for seed in range(SHOT_SEEDS, SHOT_SEEDS + tasks)]
        for example in solutions(found, drawn):
            system, asked = example.prompt
            told = self._shown.setdefault(system.content, [])
            told += [asked, Message("assistant", example.target)]

    def generate(
        self,
        prompts: Sequence[Prompt],
        *,
        max_tokens: int,
        temperature: float = 0.0,
        seed: int = 0,
        progress: Progress | None = None,
    ) -> list[str]:
        """Answer each prompt; see `protocols.Writer.generate`."""
        full = [(one[0], *self._shown.get(one[0].content, ()), *one[1:]) for one in prompts]
        return self._writer.generate(
            full, max_tokens=max_tokens, temperature=temperature, seed=seed, progress=progress
        )


class RuleNotes:
    """Notes what the workspace's rule reader finds in a conversation, and lets a model answer from that; implements
    `protocols.Writer`."""

    def __init__(self, reader: Writer) -> None:
        """Take who answers questions."""
        self._reader = reader

    def generate(
        self,
        prompts: Sequence[Prompt],
        *,
        max_tokens: int,
        temperature: float = 0.0,
        seed: int = 0,
        progress: Progress | None = None,
    ) -> list[str]:
        """Write edits or answers; see `protocols.Writer.generate`."""
        asked = [place for place, one in enumerate(prompts) if "\n\nConversation:\n" not in one[-1].content]  # fmt: skip
        said = self._reader.generate(
            [prompts[place] for place in asked], max_tokens=max_tokens, temperature=temperature, seed=seed,
            progress=progress,
        ) if asked else []  # fmt: skip
        answers = dict(zip(asked, said, strict=True))
        return [answers.get(place) or rule_edits(one[-1].content) for place, one in enumerate(prompts)]  # fmt: skip


def rule_edits(shown: str) -> str:
    """Write the edits by which the rule reader's statements enter the notes: a new one replaces those of its key."""
    book, _, talk = shown.partition("\n\nConversation:\n")
    notes = [line[2:] for line in book.splitlines() if line.startswith("- ")]
    edits = []
    for finding in conversation(messages_of(talk), DEFAULT_TENANT, "talk").findings:
        key = finding.key or statement_key(finding.text)
        for old in [one for one in notes if statement_key(one) == key]:
            edits.append(drop(old, as_call=False))
            notes.remove(old)
        edits.append(note(finding.text, as_call=False, place=len(notes)))
    return "\n".join(edits) or NOTHING


def by_day(extractor: Extractor, name: str, n: int) -> dict[str, int]:
    """Read the talks of held-out tasks as conversations of a day, and count what is kept of them.

    Returns:
        `told`: facts that the talks tell or change; `stored`: those of which a statement names the person and the
        value; `found`: statements; `beside`: those that tell none of the talk's facts, small talk as a rule.
    """
    practised, counts = environment(name), dict.fromkeys(("told", "stored", "found", "beside"), 0)
    for task in (practised.task("held_out", seed) for seed in range(n)):
        for talk, edits in zip(task.facts["talks"], task.solution, strict=False):
            lines = [e[len(NOTE) :].strip() for e in edits.splitlines() if e.startswith(NOTE)]
            facts = [(line.split(", ")[0], line.split(": ")[-1]) for line in lines]
            episode = heard(messages_of(talk), DEFAULT_TENANT, "talk")
            texts = [one.text for one in extractor.extract(episode).findings]
            tells = [[holds([text], who) and holds([text], value) for who, value in facts] for text in texts]  # fmt: skip
            counts["told"] += len(facts)
            counts["stored"] += sum(any(row[k] for row in tells) for k in range(len(facts)))
            counts["found"] += len(texts)
            counts["beside"] += sum(not any(row) for row in tells)
    return counts


def messages_of(talk: str) -> list[dict[str, str]]:
    """Return a talk's lines as the messages of a chat."""
    turns = [line.split(": ", 1) for line in talk.splitlines()]
    return [{"role": role.lower(), "content": text} for role, text in turns]
