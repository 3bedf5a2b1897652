"""What every environment promises, ours, the adapters' and the one in the documents; see `practice/check.py`."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from nightschool.environments import environment
from nightschool.practice import SingleTurn, answers
from nightschool.practice.base import Question
from nightschool.practice.check import problems
from nightschool.practice.sandbox import GUARDS, guards
from nightschool.verify.metamath.book import SET_MM

DOCS = Path(__file__).parents[2] / "docs"
TOOLS = [
    {
        "name": "set_light",
        "description": "Set a light.",
        "parameters": {
            "type": "object",
            "properties": {
                "room": {"type": "string"},
                "level": {"type": "integer", "minimum": 0, "maximum": 100},
                "warm": {"type": "boolean", "default": False},
            },
            "required": ["room", "level"],
        },
    }
]


@pytest.mark.parametrize(
    "name",
    [
        "fake", "fake?turns=2", "calls?level=1", "calls?level=2", "calls?level=3", "memory", "memory?level=2",
        "memory?level=3", "memory?level=3&talks=10", "memory?level=2&snapshot=1", "memory?level=2&form=calls",
        "proof?path=small&steps=9", "proof?path=small&premises=named&steps=9",
    ],
)  # fmt: skip
def test_an_environment_keeps_the_rules(name):
    found = environment(name)
    assert problems(found, seeds=6, tables=1) == []
    again = environment(found.name)
    assert again.task("held_out", 3) == found.task("held_out", 3), "its name alone makes it again"


@pytest.mark.skipif(
    not {"files", "network", "processes"} <= guards(), reason="this machine does not guard code"
)
def test_code_keeps_the_rules():
    assert guards() == set(GUARDS)
    assert problems(environment("code?level=2"), seeds=6, tables=1) == []


@pytest.mark.skipif(not SET_MM.exists(), reason="needs Debian's package metamath-databases")
def test_proofs_of_set_mm_keep_the_rules():
    assert problems(environment("proof"), seeds=6, tables=1) == []


@pytest.mark.parametrize("level", [1, 2])
def test_a_users_tools_keep_the_rules(tmp_path, level):
    path = tmp_path / "tools.json"
    path.write_text(json.dumps(TOOLS), "utf-8")
    assert problems(environment(f"tools:{path}?level={level}"), seeds=6, tables=1) == []


@pytest.mark.parametrize(
    "name",
    [
        "gym:chain_sum?max_digits=1&max_terms=2",
        "gym:gcd",
        "gym:word_sorting?reply=tagged",
        "gym:prime_factorization",
        "gym:game_of_life_halting",
        "gym:propositional_logic",
    ],
)
def test_reasoning_gyms_datasets_keep_the_rules(name):
    pytest.importorskip("reasoning_gym", reason="an extra: pip install -e '.[practice]'")
    assert problems(environment(name), seeds=6, tables=1) == []


def test_the_example_in_the_documents_keeps_the_rules_in_30_lines(tmp_path):
    text = (DOCS / "practice.md").read_text("utf-8")
    example = next(b for b in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if "draw" in b)
    assert len([line for line in example.splitlines() if line.strip()]) <= 30
    path = tmp_path / "my_env.py"
    path.write_text(example, "utf-8")
    assert problems(environment(str(path))) == []


class Careless(SingleTurn):
    """Breaks one rule for each flag."""

    name = "careless"
    about = "Numbers."

    def __init__(self, *, lenient=False, drifting=False, silent=False):
        self.lenient, self.drifting, self.silent = lenient, drifting, silent
        self.made = 0

    def draw(self, rng):
        self.made += self.drifting
        number = str(rng.randrange(1000) + self.made)
        return Question(f"Say {number}.", number)

    def grade(self, task, answer):
        return task.solution[0] in answer if self.lenient else answer == task.solution[0]

    def table(self, task):
        n = task.solution[0]
        wrong = [] if self.silent else [f"{n}0"]
        return answers(
            wrong=wrong, malformed=[f"<{n}"], truncated=[n[1:]], adversarial=[f"{n} or 5"]
        )


def test_the_check_finds_what_is_wrong():
    assert problems(Careless()) == []
    assert "expected wrong, and it gets correct" in problems(Careless(lenient=True))[0]
    assert any("not the same" in line for line in problems(Careless(drifting=True)))
    assert any("has no wrong answer" in line for line in problems(Careless(silent=True)))
