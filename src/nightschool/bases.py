"""Base models on this machine: fetched, listed, and what is made of them once. Of the flows only this and `wire.py` import `models/`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from nightschool.errors import ConfigError, ModelMissing
from nightschool.protocols import Bar, Embedder, Progress

if TYPE_CHECKING:
    from nightschool.models.pull import ModelFacts


def anchors_of(base: str, bar: Bar) -> Path:
    """Return the anchors of a base model, which are made once on a machine; see `train.anchors`.

    Raises:
        ModelMissing: The model has not been pulled.
    """
    from nightschool.models.pull import derived, one_at_a_time, resolve
    from nightschool.models.torch_model import load
    from nightschool.train.anchors import write_anchors

    folder = derived(base, "anchors")
    if not folder.exists():
        with one_at_a_time(folder), bar("plain text of the base") as progress:
            write_anchors(resolve(base), load, folder, progress=progress)
    return folder


def named(base: str, beside: Path = Path()) -> str:
    """Return the name under which a base model is recorded: a folder's is its whole path.

    Args:
        base: A name, an id or a folder.
        beside: Where a relative folder is looked for first; then in the current one.
    """
    found = [place for place in (beside / base, Path(base)) if place.is_dir()]
    return str(found[0].resolve()) if found else base


def tried(base: str) -> bool:
    """Tell whether a base is one of the known models, which can all be taught; any other has to show that it can."""
    from nightschool.models.catalog import KNOWN

    return base in KNOWN


def machine_folder() -> Path:
    """Return the folder that all workspaces of this user on this machine share."""
    from nightschool.models.pull import cache_root

    return cache_root().parent


def pull_model(name: str, progress: Progress | None = None) -> Path:
    """Fetch a base model into the user's cache; see `models.pull.pull`."""
    from nightschool.models.pull import pull

    return pull(name, progress)


def model_facts(name: str) -> ModelFacts | None:
    """Return the size and licence of a base model; None where it is not on this machine."""
    from nightschool.models.pull import facts

    try:
        return facts(name)
    except ModelMissing:
        return None


def model_listing() -> list[dict[str, object]]:
    """List known and pulled base models; see `models.pull.listing`."""
    from nightschool.models.pull import listing

    return listing()


def embedder(name: str | None) -> Embedder | None:
    """Return the embedder of the dense index; None where there is to be none."""
    if name is None:
        return None
    from nightschool.models.embedder import TorchEmbedder
    from nightschool.models.pull import resolve

    return TorchEmbedder(name, resolve(name))


def order_reader(name: str | None) -> Embedder | None:
    """Return what reads documents for orders by their meaning; None where `name` is None or was not pulled.

    Raises:
        ConfigError: The weights that come with the program were fitted for another encoder.
    """
    from nightschool.memory.meaning import LAYER, fitted_meanings, vectors_of
    from nightschool.models.embedder import TorchEmbedder
    from nightschool.models.pull import resolve

    if name is None:
        return None
    fitted = fitted_meanings().encoder
    if vectors_of(name) != fitted:
        raise ConfigError(
            f"write.encoder is {name!r}, and orders can be told by {fitted.split(',')[0]!r} alone. Choose that, or null."
        )
    try:
        return TorchEmbedder(fitted, resolve(name), LAYER)
    except ModelMissing:
        return None
