"""Code as an answer: which block of it is run."""

import pytest

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
