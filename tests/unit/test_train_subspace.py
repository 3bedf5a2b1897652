"""A night's update is at right angles to what is known: a layer answers known inputs as before."""

import pytest
import torch
from torch import nn

from nightschool.errors import TrainError
from nightschool.train.subspace import Complement, Known, known_inputs


class Net(nn.Module):
    """A hidden layer and an output layer."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.hidden, self.head = nn.Linear(8, 6, bias=False), nn.Linear(6, 3, bias=False)
        self.norm = nn.Parameter(torch.ones(6))

    def get_output_embeddings(self):
        return self.head

    def forward(self, x):
        return self.head(self.hidden(x) * self.norm)


def known_and_new():
    torch.manual_seed(1)
    return torch.randn(1, 3, 8) * torch.tensor([[[1.0], [100.0], [1.0]]]), torch.randn(1, 4, 8)


def taught(net, new, complement):
    optimizer = torch.optim.AdamW(net.parameters(), lr=0.05, weight_decay=0.0)
    trained = dict(net.named_parameters())
    for _ in range(200):
        loss = (net(new) - 1.0).pow(2).mean()
        loss.backward()
        complement.before(trained)
        optimizer.step()
        complement.after(trained)
        optimizer.zero_grad(set_to_none=True)
    return loss.item()


def test_known_inputs_are_answered_as_before_and_news_is_learnt():
    net, (known, new) = Net(), known_and_new()
    found = known_inputs(net, 0.999, [lambda: net(known)])
    assert set(found) == {"hidden.weight"}
    assert found["hidden.weight"].held == 3  # a long input counts no more than a short one
    before, loss = net(known).detach(), (net(new) - 1.0).pow(2).mean().item()
    assert taught(net, new, Complement(dict(net.named_parameters()), found)) < loss / 2
    # Adam alone would turn the step out of the complement: its scale differs from weight to weight.
    assert torch.allclose(net(known), before, atol=1e-3 * float(before.abs().max()))
    assert torch.equal(net.norm, torch.ones(6))


def test_fewer_directions_hold_a_smaller_share():
    net, (known, _) = Net(), known_and_new()
    counts = [known_inputs(net, s, [lambda: net(known)])["hidden.weight"].held for s in (0.3, 0.7, 0.999)]  # fmt: skip
    assert counts == sorted(counts)
    assert counts[0] < counts[-1]
    directions = known_inputs(net, 0.7, [lambda: net(known)])["hidden.weight"].directions_II
    assert torch.allclose(directions.T @ directions, torch.eye(8), atol=1e-5)
    assert not net.hidden._forward_pre_hooks


@pytest.mark.parametrize("count", [2, 6])
def test_few_known_and_few_free_directions_take_out_the_same(count):
    torch.manual_seed(2)
    directions, _ = torch.linalg.qr(torch.randn(8, 8))
    left = Known(directions, count).taken_out_of(torch.randn(5, 8))
    assert torch.allclose(left @ directions[:, :count], torch.zeros(5, count), atol=1e-5)
    assert left.abs().max() > 0.1


def test_without_anything_known_it_says_so():
    with pytest.raises(TrainError, match=r"neither review nor plain text"):
        known_inputs(Net(), 0.9, [])
