"""Sample from and score with a torch model: batched, in float32, with a key-value cache."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from nightschool.attention import attention_masks
from nightschool.models.torch_model import end_of_turn, load, render, render_prompt
from nightschool.protocols import Progress, Prompt

BATCH_TOKENS = 8192
"""Tokens, padding and answers included, of the sequences decoded together: each keeps its keys and values,
and each step copies them."""
FOREST_TOKENS = 512
"""Tokens scored in one pass; attention costs grow with its square."""


class TorchSampler:
    """Text and log-probabilities from one folder of weights; implements `protocols.Sampler`."""

    def __init__(
        self,
        folder: Path,
        base: Path | None = None,
        as_stored: Callable[[Any], None] | None = None,
    ) -> None:
        """Load the weights; see `torch_model.load`.

        Raises:
            ModelMissing: The folder holds no model.
            ModelCorrupt: Its files cannot be read.
        """
        import torch

        loaded = load(folder, base, as_stored)
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.model = loaded.model.to(self.device)
        self.tokenizer = loaded.tokenizer
        self.end = self.tokenizer.convert_tokens_to_ids(end_of_turn(self.tokenizer))

    def generate(
        self,
        prompts: Sequence[Prompt],
        *,
        max_tokens: int,
        temperature: float = 0.0,
        seed: int = 0,
        progress: Progress | None = None,
    ) -> list[str]:
        """Answer each prompt; see `protocols.Sampler.generate`."""
        import torch

        from nightschool.drawing import draw

        found = draw(
            self.model,
            [render_prompt(self.tokenizer, prompt) for prompt in prompts],
            end=self.end,
            max_tokens=max_tokens,
            temperature=temperature,
            seed=seed,
            precision=torch.float32,
            row_tokens=BATCH_TOKENS,
            progress=progress,
        )
        said = [list(one.tokens[:-1] if one.ended else one.tokens) for one in found]
        texts = [self.tokenizer.decode(one, skip_special_tokens=True) for one in said]
        return [text.strip() for text in texts]

    def score(
        self, pairs: Sequence[tuple[Prompt, str]], *, progress: Progress | None = None
    ) -> list[list[float]]:
        """Return log-probabilities of target tokens; see `protocols.Sampler.score`."""
        rendered = [render(self.tokenizer, prompt, target) for prompt, target in pairs]
        return self.score_tokens(rendered, progress=progress)

    def score_tokens(
        self,
        rendered: Sequence[tuple[list[int], list[int]]],
        *,
        progress: Progress | None = None,
    ) -> list[list[float]]:
        """Return the log-probability (nats) of each target token, of pairs (prompt tokens, target tokens)."""
        scores: list[list[float]] = []
        for forest in _forests(rendered):
            scores += self._run(forest)
            if progress:
                progress(len(scores), len(rendered))
        return scores

    def _run(self, forest: _Forest) -> list[list[float]]:
        """Return, for each row of the forest, the log-probabilities of its target's tokens."""
        import torch

        read = []
        for path, (prompt, target) in zip(forest.paths, forest.rows, strict=True):
            wanted = target if prompt else target[1:]
            nodes = path[max(len(prompt) - 1, 0) : len(prompt) + len(target) - 1]
            read.append(list(zip(nodes, wanted, strict=True)))
        # One product for all rows: the vocabulary's matrix is read once.
        heads = sorted({node for row in read for node, _ in row})
        place = {node: k for k, node in enumerate(heads)}
        positions_T = torch.tensor(forest.depths, device=self.device)
        mask_TT = torch.from_numpy(forest.mask()).to(self.device)
        with torch.no_grad():
            hidden_TD = self.model.base_model(
                input_ids=torch.tensor([forest.ids], device=self.device),
                position_ids=positions_T[None],
                attention_mask=attention_masks(self.model.config, mask_TT, positions_T),
                use_cache=False,
            ).last_hidden_state[0]
            hidden_MD = hidden_TD[torch.tensor(heads, dtype=torch.long, device=self.device)]
            logits_MV = self.model.get_output_embeddings()(hidden_MD).float()
            log_MV = logits_MV.log_softmax(-1).cpu()
        return [[float(log_MV[place[node], token]) for node, token in row] for row in read]


class _Forest:
    """Token sequences laid out as a trie: what sequences share is computed once.

    Each token looks at its ancestors only, at its own depth, so that the results are those of the
    sequences alone.
    """

    def __init__(self) -> None:
        self.rows: list[tuple[list[int], list[int]]] = []
        self.paths: list[list[int]] = []
        self.ids: list[int] = []
        self.depths: list[int] = []
        self._parents: list[int] = []
        self._nodes: dict[tuple[int, int], int] = {}

    def add(self, prompt: list[int], target: list[int]) -> None:
        """Lay one sequence into the trie."""
        node = -1
        path: list[int] = []
        for token in [*prompt, *target]:
            child = self._nodes.get((node, token))
            if child is None:
                child = self._nodes[node, token] = len(self.ids)
                self.ids.append(token)
                self.depths.append(len(path))
                self._parents.append(node)
            path.append(child)
            node = child
        self.rows.append((prompt, target))
        self.paths.append(path)

    def mask(self) -> Any:
        """Return who may look at whom: True from a token to itself and its ancestors (T, T)."""
        import numpy as np

        mask_TT = np.eye(len(self.ids), dtype=bool)
        for node, parent in enumerate(self._parents):
            if parent >= 0:
                mask_TT[node] |= mask_TT[parent]
        return mask_TT


def _forests(rendered: Sequence[tuple[list[int], list[int]]]) -> list[_Forest]:
    """Lay sequences out in tries of bounded size, in order."""
    forests: list[_Forest] = []
    for prompt, target in rendered:
        if not forests or len(forests[-1].ids) + len(target) > FOREST_TOKENS:
            forests.append(_Forest())
        forests[-1].add(prompt, target)
    return forests
