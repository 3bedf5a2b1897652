"""The losses of practice against values computed by hand."""

import math

import pytest
import torch

from nightschool.train.policy_losses import clipped_surrogate, divergence


def test_a_token_drawn_by_these_very_weights_teaches_its_advantage():
    log_N = torch.tensor([-1.0, -2.0], requires_grad=True)
    found = clipped_surrogate(log_N, torch.tensor([-1.0, -2.0]), torch.tensor([0.5, -0.25]), 0.2)
    found.loss.backward()
    assert float(found.loss) == pytest.approx(-0.25)
    assert log_N.grad.tolist() == pytest.approx([-0.5, 0.25])
    assert found.clipped == 0


@pytest.mark.parametrize(
    ("ratio", "advantage", "loss", "taught"),
    [
        (1.5, 1.0, -1.2, False),  # already likelier by more than a fifth
        (0.5, 1.0, -0.5, True),  # less likely: it may come back
        (0.5, -1.0, 0.8, False),
        (1.5, -1.0, 1.5, True),
    ],
)
def test_it_is_clipped_only_on_the_side_to_which_it_is_pushed(ratio, advantage, loss, taught):
    log_N = torch.tensor([math.log(ratio)], requires_grad=True)
    found = clipped_surrogate(log_N, torch.zeros(1), torch.tensor([advantage]), 0.2)
    found.loss.backward()
    assert float(found.loss) == pytest.approx(loss, abs=1e-6)
    assert bool(log_N.grad[0]) is taught
    assert found.clipped == (not taught)


def test_the_divergence_is_that_of_schulmans_third_estimator():
    log_N, reference_N = torch.tensor([-1.0, -1.0]), torch.tensor([-1.0, -2.0])
    assert float(divergence(log_N, reference_N)) == pytest.approx(math.exp(-1))  # e^-1 + 1 - 1


def test_the_divergence_is_right_on_average():
    policy, reference = torch.tensor([0.7, 0.3]), torch.tensor([0.4, 0.6])
    terms = [float(divergence(p.log()[None], q.log()[None])) for p, q in zip(policy, reference, strict=True)]  # fmt: skip
    exact = float((policy * (policy / reference).log()).sum())
    assert sum(float(p) * term for p, term in zip(policy, terms, strict=True)) == pytest.approx(exact, rel=1e-5)  # fmt: skip
