"""A night trains the neurons that its material uses and the background does not, and no others."""

import pytest
import torch
from torch import nn
from torch.nn import Parameter

from nightschool.errors import TrainError
from nightschool.train import sparse
from nightschool.train.sparse import Rows, choose


class Mlp(nn.Module):
    """One MLP whose neurons are as active as its input says."""

    def __init__(self):
        super().__init__()
        self.down_proj = nn.Linear(4, 2, bias=False)

    def forward(self, x):
        return self.down_proj(x)


def text(model, *neurons):
    act = torch.zeros(1, 3, 4)
    act[..., list(neurons)] = 1.0
    return lambda: model(act)


def test_what_only_the_news_use_is_trained(monkeypatch):
    monkeypatch.setattr(sparse, "ACTIVE", 2)
    model = nn.ModuleDict({"mlp": Mlp()})
    run = model["mlp"]
    found = choose(model, 0.25, [text(run, 0, 3)], [text(run, 0, 1), text(run, 0, 2)])
    assert found["mlp"].tolist() == [False, False, False, True]
    assert not run.down_proj._forward_pre_hooks


def test_gradients_of_all_else_are_left_out():
    rows = Rows({"mlp": torch.tensor([True, False])})
    names = ("mlp.gate_proj.weight", "mlp.up_proj.weight", "mlp.down_proj.weight", "embed.weight")
    trained = {name: Parameter(torch.zeros(2, 2)) for name in names}
    for p in trained.values():
        p.grad = torch.ones(2, 2)
    rows(trained)
    gate, up, down, embed = trained.values()
    assert gate.grad.tolist() == up.grad.tolist() == [[1, 1], [0, 0]]
    assert down.grad.tolist() == [[1, 0], [1, 0]]
    assert embed.grad is None


def test_a_network_without_such_neurons_says_so():
    model = nn.Linear(2, 2)
    with pytest.raises(TrainError, match=r"Leave train\.sparse out"):
        choose(model, 0.1, [lambda: model(torch.zeros(1, 2))], [])
