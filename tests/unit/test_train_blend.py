"""The share of an update that is kept is the best on what was held out."""

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import Parameter

from nightschool.train.blend import SHARES, blend


@given(st.sampled_from(SHARES), st.floats(-4, 4), st.floats(0.5, 4))
def test_the_weights_end_where_the_cost_is_least(best, start, way):
    p = Parameter(torch.tensor([start + way]))
    target = start + best * way
    kept = blend({"w": torch.tensor([start])}, {"w": p}, lambda: abs(float(p.detach()) - target))
    assert kept == best
    assert abs(float(p.detach()) - target) < 1e-5


def test_of_equals_the_whole_update_is_kept():
    p = Parameter(torch.ones(2))
    assert blend({"w": torch.zeros(2)}, {"w": p}, lambda: 0.0) == 1.0
    assert p.tolist() == [1.0, 1.0]
