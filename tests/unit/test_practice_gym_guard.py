"""What the scorers of reasoning-gym that execute answers are given: right answers in their forms, and no code."""

import pytest

from nightschool.environments import environment
from nightschool.practice.gym_guard import is_safe
from nightschool.types import Verdict


@pytest.mark.parametrize(
    ("dataset", "answer"),
    [
        ("countdown", "(75 - 3) * 4 + 1.5 / 2"),
        ("polynomial_multiplication", "3*x**2 - 12*x + x**14*y"),
        ("simple_integration", "-X**4/4 + 3*X**2 + C"),
        ("intermediate_integration", "(x + 1)**3/3 + exp(x)*sin(2*x) + log(x)**2 + C"),
        ("spiral_matrix", "[1, 2, 3]"),
        ("word_sorting", "__import__, anything at all"),
    ],
)
def test_sums_and_data_pass(dataset, answer):
    assert is_safe(dataset, answer)


@pytest.mark.parametrize(
    ("dataset", "answer"),
    [
        ("countdown", "__import__('os').getpid()"),
        ("countdown", "9**9**9**9"),
        ("countdown", "5!"),
        ("puzzle24", "int(24)"),
        ("polynomial_multiplication", "expand((x + 1)*(x - 2))"),
        ("polynomial_multiplication", "9**99"),
        ("polynomial_multiplication", "x**9**9"),
        ("polynomial_multiplication", "(9)**(9**9)"),
        ("intermediate_integration", "((((9)**9)**9)**9)**9"),
        ("intermediate_integration", "x.__class__"),
        ("simple_integration", "x**2 +" + " x +" * 400 + "C"),
        ("spiral_matrix", "oracle_answer.split()"),
        ("string_insertion", "[oracle_answer]"),
        ("n_queens", "[" * 5000),
    ],
)
def test_code_and_endless_sums_do_not(dataset, answer):
    assert not is_safe(dataset, answer)


@pytest.mark.parametrize("name", ["spiral_matrix", "string_insertion", "binary_matrix", "n_queens", "countdown", "puzzle24", "polynomial_multiplication", "simple_integration", "intermediate_integration"])  # fmt: skip
def test_right_answers_are_right_and_code_is_not_run(name, tmp_path):
    pytest.importorskip("reasoning_gym", reason="an extra: pip install -e '.[practice]'")
    env = environment(f"gym:{name}")
    trace = tmp_path / "trace"
    for seed in range(3):
        task = env.task("train", seed)
        (right,) = task.solution
        assert env.start(task).step(right).score.verdict is Verdict.CORRECT
        for code in (f"[open({str(trace)!r}, 'w').write('x')]", f"__import__('pathlib').Path({str(trace)!r}).touch() or 1"):  # fmt: skip
            assert env.start(task).step(code).score.verdict is Verdict.WRONG
    assert not trace.exists()
