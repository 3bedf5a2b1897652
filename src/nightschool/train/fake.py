"""A trainer that copies the starting weights, and a policy that learns which word to repeat: both without a network.

For wiring tests and dry runs.
"""

from __future__ import annotations

import json
import math
import random
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from nightschool.codec import from_json, to_json
from nightschool.config import TrainConfig
from nightschool.protocols import Progress, Prompt
from nightschool.types import Credit, Drawn, Example, TrainResult, Update
from nightschool.workspace import folder_atomic, write_atomic

PLACES = 8
"""Words from the end of a prompt that the policy may repeat."""
END = PLACES
"""Its end-of-turn token; the others are places."""
RATE = 0.5
"""How far it moves by an advantage of 1."""


class FakeTrainer:
    """Leaves the weights as they were and says that it took no time."""

    def train(
        self,
        start: Path,
        examples: Sequence[Example],
        config: TrainConfig,
        out: Path,
        *,
        review: Sequence[Example] = (),
        progress: Progress | None = None,
    ) -> TrainResult:
        """Copy `start` to `out`."""
        if not out.exists():
            with folder_atomic(out) as folder:
                shutil.copytree(start, folder, dirs_exist_ok=True)
        if progress:
            progress(1, 1)
        return TrainResult(config.method, 0, 0, 0, 0.0, 0, 0.0, 0.0)


class FakePolicy:
    """Repeats one word of the last message, and learns from which place; implements `protocols.Policy`."""

    def __init__(self) -> None:
        """Begin without a preference."""
        self._weights = [0.0] * PLACES
        self._steps = 0

    def draw(
        self, prompts: Sequence[Prompt], *, max_tokens: int, temperature: float, seed: int
    ) -> list[Drawn]:
        """Draw a place for each prompt; one token is no room for the end of the turn."""
        chance = random.Random(seed)
        found = []
        for prompt in prompts:
            words = _words(prompt)
            logs = self._logs(len(words), temperature)
            place = chance.choices(range(len(logs)), [math.exp(log) for log in logs])[0]
            ended = max_tokens > 1
            tokens, scores = ((place, END), (logs[place], 0.0)) if ended else ((place,), (logs[place],))  # fmt: skip
            found.append(Drawn((len(words),), tokens, scores, ended, words[place]))
        return found

    def generate(
        self,
        prompts: Sequence[Prompt],
        *,
        max_tokens: int,
        temperature: float = 0.0,
        seed: int = 0,
        progress: Progress | None = None,
    ) -> list[str]:
        """Repeat the word of the likeliest place, or of a drawn one."""
        if temperature:
            drawn = self.draw(prompts, max_tokens=max_tokens, temperature=temperature, seed=seed)
            said = [one.text for one in drawn]
        else:
            said = []
            for words in map(_words, prompts):
                weights = self._weights[: len(words)]
                said.append(words[weights.index(max(weights))])
        if progress:
            progress(len(said), len(said))
        return said

    def update(self, credits: Sequence[Credit], over: float | None = None) -> Update:
        """Move each place that was drawn by its advantage, and by less where it is averaged over more tokens."""
        tokens = sum(len(credit.drawn.tokens) for credit in credits)
        for credit in credits:
            self._weights[credit.drawn.tokens[0]] += (
                RATE * credit.advantage * tokens / (over or tokens)
            )
        return self._told(tokens)

    def imitate(self, examples: Sequence[Example], *, epochs: int, seed: int) -> Update:
        """Prefer the places at which targets stand."""
        for example in [*examples] * epochs:
            words = _words(example.prompt)
            if example.target in words:
                self._weights[words.index(example.target)] += RATE
        return self._told(2 * len(examples) * epochs)

    def save(self, out: Path) -> TrainResult:
        """Leave the weights as JSON."""
        if out.exists():
            return from_json(TrainResult, (out / "train.json").read_text("utf-8"))
        result = TrainResult("full", self._steps, 0, 0, 0.0, 0, 0.0, 0.0)
        with folder_atomic(out) as folder:
            (folder / "weights.json").write_text(json.dumps(self._weights), "utf-8")
            (folder / "train.json").write_text(to_json(result), "utf-8")
        return result

    def keep(self, folder: Path) -> None:
        """Store the weights."""
        folder.mkdir(parents=True, exist_ok=True)
        write_atomic(folder / "policy.json", json.dumps([self._weights, self._steps]))

    def restore(self, folder: Path) -> bool:
        """Go on from the stored weights."""
        path = folder / "policy.json"
        if not path.exists():
            return False
        self._weights, self._steps = json.loads(path.read_text("utf-8"))
        return True

    def _logs(self, words: int, temperature: float) -> list[float]:
        scaled = [weight / temperature for weight in self._weights[:words]]
        total = math.log(sum(map(math.exp, scaled)))
        return [weight - total for weight in scaled]

    def _told(self, tokens: int) -> Update:
        self._steps += 1
        return Update(0.0, None, 0.0, 0.0, tokens, 0.0)


def _words(prompt: Prompt) -> list[str]:
    """Return the last words of the last message, the last one first; a prompt without any has one empty word."""
    return re.findall(r"\w+", prompt[-1].content)[: -PLACES - 1 : -1] or [""]
