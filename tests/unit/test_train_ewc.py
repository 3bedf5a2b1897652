"""What matters to earlier material is pulled back to the start, as strongly as the formula says."""

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import Parameter

from nightschool.train.ewc import Consolidation, fisher

numbers = st.lists(st.floats(-3, 3, width=32), min_size=3, max_size=3)


@given(numbers, numbers, st.lists(st.floats(0, 5, width=32), min_size=3, max_size=3))
def test_the_pull_is_the_penaltys_gradient(start, moved, matter):
    p = Parameter(torch.tensor(start))
    f = torch.tensor(matter)
    pull = Consolidation({"w": p}, {"w": f}, 0.7)
    p.data = torch.tensor(moved)
    (0.7 / 2 * (f * (p - torch.tensor(start)) ** 2).sum()).backward()
    wanted, p.grad = p.grad, None
    pull({"w": p})
    assert torch.allclose(p.grad, wanted, atol=1e-5)


def test_it_is_added_to_the_steps_own_gradient():
    p = Parameter(torch.zeros(2))
    pull = Consolidation({"w": p}, {"w": torch.ones(2)}, 2.0)
    p.data = torch.tensor([1.0, -1.0])
    p.grad = torch.tensor([10.0, 10.0])
    pull({"w": p})
    assert p.grad.tolist() == [12.0, 8.0]


def test_information_is_of_single_examples_and_has_a_mean_of_one():
    # Two examples whose gradients cancel in the sum tell as much as two that do not.
    p, other = Parameter(torch.zeros(1)), Parameter(torch.zeros(3))
    losses = [lambda: 2 * p.sum(), lambda: -2 * p.sum()]
    found = fisher({"w": p, "unused": other}, losses, lambda: None)
    assert found["w"].tolist() == [4.0]
    assert found["unused"].tolist() == [0.0, 0.0, 0.0]
    assert p.grad is None


def test_without_anything_known_nothing_is_pulled():
    p = Parameter(torch.zeros(2))
    assert fisher({"w": p}, [], lambda: None)["w"].tolist() == [0.0, 0.0]
