"""What a network takes as its attention mask, where some of its layers look back over a window only.

transformers makes such masks itself from a row of texts; a mask over a tree or a packed row it takes as it is, for all layers. Not
covered: attention in chunks, which no base that can be taught here has.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

SLIDING = "sliding_attention"


def window(config: Any) -> int | None:
    """Return how many tokens back a network's layers look, or some of them; None where all look at all that came before."""
    kinds = getattr(config, "layer_types", None)
    found: int | None = getattr(config, "sliding_window", None)
    return found if found and (kinds is None or SLIDING in kinds) else None


def attention_masks(config: Any, mask_TT: Tensor, positions_T: Tensor) -> Any:
    """Return the mask, or one for each kind of layer.

    Args:
        config: The network's.
        mask_TT: True where token i may look at token j, by what belongs together.
        positions_T: The position of each token in its own text.

    Returns:
        A mask (1, 1, T, T); or kind of layer -> mask, where tokens stand farther apart than a window.
    """
    back = window(config)
    if back is None or not len(positions_T) or int(positions_T.max()) < back:
        return mask_TT[None, None]
    near_TT = mask_TT & (positions_T[:, None] - positions_T[None, :] < back)
    if getattr(config, "layer_types", None) is None:  # all layers have it
        return near_TT[None, None]
    return {"full_attention": mask_TT[None, None], SLIDING: near_TT[None, None]}
