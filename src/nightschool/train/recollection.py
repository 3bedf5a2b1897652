"""Review that is held to what the starting weights say, not to its labels.

What is new is learnt from its labels. A review example was learnt long ago: the weights that a night starts from
know it to some degree, together with the alternatives. Held to their distribution over next tokens, it stays what
it was, and what they never said is not pressed upon them once more. What they have lost by then would stay lost:
where that is wanted, such an example is learnt from its labels again.

Source:
    Buzzega et al. 2020, "Dark Experience for General Continual Learning" (DER), section 3. Differs: the teacher is
    the version that the night starts from, not that of the time when an example was first seen; the likeliest
    tokens alone are kept, and each pass over the news reads other examples.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from nightschool.train.anchors import KEPT
from nightschool.train.losses import Loss, kl_to_kept
from nightschool.train.packing import Row, Tokens, build_row

ASKED = 6
"""Examples that the start is asked about in one row."""
Kept = Mapping[int, tuple[Tensor, Tensor]]
"""Example -> the likeliest tokens at its labelled places (N, K), and their log-probabilities in nats."""


def labelled(example: Tokens) -> int:
    """Return how many tokens of an example the loss covers: nothing predicts a plain text's first token."""
    return len(example.target) - (0 if example.prompt else 1)


@torch.no_grad()
def ask_start(
    logits: Callable[[Row], Tensor],
    tokens: Sequence[Tokens],
    numbers: Sequence[int],
    prefix: Sequence[int],
    lost_nats: float | None = None,
) -> Kept:
    """Return what the starting weights say at every labelled place of some examples.

    Args:
        logits: Row -> scores of its labelled places (N, V), under those weights.
        tokens: All examples.
        numbers: Which of them are asked about.
        prefix: What the chats among them begin with.
        lost_nats: An example whose labels cost more than so many nats a token is left out, to be learnt again; None:
            none is.
    """
    kept: dict[int, tuple[Tensor, Tensor]] = {}
    for first in range(0, len(numbers), ASKED):
        some = numbers[first : first + ASKED]
        row = build_row([tokens[i] for i in some], prefix)
        log_NV = logits(row).float().log_softmax(-1)
        log_NK, top_NK = log_NV.topk(min(KEPT, log_NV.shape[-1]), dim=-1)
        places = [labelled(tokens[i]) for i in some]
        nats_N = -log_NV.gather(-1, row.targets_N.to(log_NV.device)[:, None])[:, 0]
        parts = zip(some, nats_N.split(places), top_NK.split(places), log_NK.split(places), strict=True)  # fmt: skip
        for number, own_N, top, log in parts:
            if lost_nats is None or float(own_N.mean()) <= lost_nats:
                kept[number] = (top, log)
    return kept


def loss_beside_review(
    loss: Loss,
    kept: Kept,
    numbers: Sequence[int],
    places: Sequence[int],
    row: Row,
    logits_NV: Tensor,
) -> Tensor:
    """Sum the loss of what is new in a row, and the distance from the start on what is review.

    Args:
        loss: Of what is new.
        kept: What the start says of the review.
        numbers: The row's examples, in order.
        places: How many labelled tokens each of them has.
        row: The row.
        logits_NV: Scores of its labelled places.
    """
    device = logits_NV.device
    targets_N, weights_N = row.targets_N.to(device), row.weights_N.to(device)
    held = [kept[number] for number in numbers if number in kept]
    if not held:
        return loss(logits_NV, targets_N, weights_N)
    is_review = torch.tensor([number in kept for number in numbers])
    review_N = is_review.repeat_interleave(torch.tensor(places)).to(device)
    top_NK, log_NK = (torch.cat(part) for part in zip(*held, strict=True))
    distance = kl_to_kept(logits_NV[review_N], top_NK, log_NK)
    if review_N.all():
        return distance
    return distance + loss(logits_NV[~review_N], targets_N[~review_N], weights_N[~review_N])
