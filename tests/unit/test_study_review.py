"""Review goes to what is held badly, stays within its budget, and never starves what is held well."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from nightschool.models.fake import FakeSampler
from nightschool.study.review import by_memory, held, review, size
from nightschool.types import Example, Message


def example(memory: str, number: int, prompt: str | None = None) -> Example:
    asked = (Message("user", prompt or f"Question {number} about {memory}?"),)
    return Example(f"{memory}-{number}", "t", (memory,), "rules", "qa", asked, f"Answer {number}.")


def groups(memories: int, each: int) -> dict[str, list[Example]]:
    return {f"m{m}": [example(f"m{m}", n) for n in range(each)] for m in range(memories)}


def test_what_is_held_badly_is_reviewed_most() -> None:
    known = groups(4, 10)
    nats = {"m0": 4.0, "m1": 0.0, "m2": 0.0, "m3": 0.0}
    chosen = Counter(
        e.memory_ids[0] for seed in range(40) for e in review(known, nats, size(known["m0"]), seed)
    )
    assert chosen["m0"] > 5 * chosen["m1"] > 0


@given(st.integers(1, 30), st.integers(1, 8), st.floats(0, 5000), st.integers(0, 99))
def test_review_keeps_to_its_budget_but_for_one_example_each(
    memories: int, each: int, budget: float, seed: int
) -> None:
    known = groups(memories, each)
    chosen = review(known, dict.fromkeys(known, 1.0), budget, seed)
    longest = max(size([e]) for row in known.values() for e in row)
    assert size(chosen) <= budget + memories * longest


@given(st.integers(1, 10), st.integers(1, 8), st.floats(0, 9000), st.integers(0, 99))
def test_an_example_comes_again_only_after_all_others_of_its_memory(
    memories: int, each: int, budget: float, seed: int
) -> None:
    known = groups(memories, each)
    seen = Counter(review(known, dict.fromkeys(known, 1.0), budget, seed))
    for row in known.values():
        times = [seen[e] for e in row]
        assert max(times) - min(times) <= 1


def test_the_budget_is_met_on_average() -> None:
    known = groups(50, 10)
    lengths = [size(review(known, dict.fromkeys(known, 1.0), 2000, seed)) for seed in range(60)]
    assert 1800 < sum(lengths) / len(lengths) < 2200


def test_a_memory_is_tested_by_its_answers() -> None:
    sampler = FakeSampler({"Question 0 about m0?": "Answer 0.", "Question 0 about m1?": "Wrong."})
    known = {m: [example(m, 0)] for m in ("m0", "m1")}
    nats = held(sampler, known, seed=0)
    assert nats["m0"] < nats["m1"]


def test_general_material_belongs_to_no_memory() -> None:
    general = Example("g", "t", (), "base", "general", (Message("user", "Hello?"),), "Hello.")
    assert by_memory([general, example("m", 1)]) == {"m": [example("m", 1)]}


def test_a_loss_that_is_no_number_counts_as_the_worst() -> None:
    known = groups(3, 4)
    chosen = review(known, {"m0": float("nan"), "m1": 3.0, "m2": 0.1}, size(known["m0"]), 0)
    assert chosen
    assert size(chosen) <= size(known["m0"]) + 3 * size(known["m0"][:1])
