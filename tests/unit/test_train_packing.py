"""Packing must be invisible: the same losses and gradients as one example at a time."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from nightschool.train.losses import cross_entropy
from nightschool.train.packing import Tokens, build_row, plan_rows, shared_prefix

PREFIX = (5, 6, 7)
EXAMPLES = [
    Tokens((*PREFIX, 11, 12), (13, 2)),
    Tokens((*PREFIX, 14), (15, 16, 17, 2)),
    Tokens((), (21, 22, 23, 2)),
    Tokens((*PREFIX, 18, 19, 20), (24, 2)),
]


def _loss(model, row):
    hidden_TD = model.model(
        input_ids=row.ids_T[None],
        position_ids=row.positions_T[None],
        attention_mask=row.mask_TT[None, None],
        use_cache=False,
    ).last_hidden_state[0]
    logits_NV = model.lm_head(hidden_TD[row.sources_N])
    return cross_entropy(logits_NV, row.targets_N, row.weights_N)


def test_a_packed_row_has_the_losses_and_gradients_of_its_examples_alone(tiny_llama):
    model = tiny_llama()
    packed = _loss(model, build_row(EXAMPLES, PREFIX))
    packed.backward()
    packed_grads = [p.grad.clone() for p in model.parameters()]
    model.zero_grad()
    alone = sum(_loss(model, build_row([example], ())) for example in EXAMPLES)
    alone.backward()
    torch.testing.assert_close(packed, alone)
    for packed_grad, p in zip(packed_grads, model.parameters(), strict=True):
        torch.testing.assert_close(packed_grad, p.grad, atol=1e-5, rtol=1e-4)


def test_only_targets_are_labelled_and_plain_text_from_its_second_token():
    row = build_row(EXAMPLES, PREFIX)
    assert row.targets_N.tolist() == [13, 2, 15, 16, 17, 2, 22, 23, 2, 24, 2]


def test_the_prefix_stops_short_of_a_whole_prompt():
    same = [Tokens((1, 2, 3), (4,)), Tokens((1, 2, 3), (5,))]
    assert shared_prefix(same) == (1, 2)
    assert shared_prefix([Tokens((), (1, 2))]) == ()


@given(st.lists(st.integers(1, 90), min_size=1, max_size=60), st.integers(0, 5))
def test_every_example_stands_in_exactly_one_row_within_the_budget(lengths, seed):
    examples = [Tokens((*PREFIX, 9), (8,) * n) for n in lengths]
    rows = plan_rows(examples, 64, len(PREFIX), seed)
    assert sorted(i for row in rows for i in row) == list(range(len(examples)))
    for row in rows:
        size = len(PREFIX) + sum(len(examples[i]) - len(PREFIX) for i in row)
        assert size <= 64 or len(row) == 1
