"""Code as an answer: which block of it is run."""

import re

import pytest

from nightschool.environments import environment
from nightschool.practice.code import source_in

SOURCE = "def f(x):\n    return x\n"


@pytest.mark.parametrize(
    "answer",
    [
        SOURCE,
        f"```\n{SOURCE}```",
        f"Here:\n```python\n{SOURCE}```\nThat is it.",
        f"```python3\n{SOURCE}```",
        f"```PY3 title=x\n{SOURCE}```",
        f"```bash\npip install x\n```\nThen:\n```python\n{SOURCE}```",
    ],
)
def test_the_first_block_of_python_is_the_answer(answer):
    assert source_in(answer) == SOURCE


@pytest.mark.parametrize("level", [1, 2])
def test_no_function_that_is_practised_is_held_out(level):
    def asked(split):
        tasks = [environment(f"code?level={level}").task(split, seed) for seed in range(150)]
        return {
            re.search(r"It takes .* does this: .*? It returns", t.prompt[0].content)[0]
            for t in tasks
        }

    assert len(asked("held_out")) > 10
    assert not asked("train") & asked("held_out")
