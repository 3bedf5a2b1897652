"""Sample from and score with a torch model: batched, in float32, with a key-value cache."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nightschool.models.torch_model import END_OF_TURN, load, render, render_prompt
from nightschool.protocols import Progress, Prompt

BATCH = 32
"""Sequences decoded together; one sequence alone is about twenty times slower a token."""
SCORE_TOKENS = 4096
"""Padded tokens scored in one pass."""


class TorchSampler:
    """Text and log-probabilities from one folder of weights; implements `protocols.Sampler`."""

    def __init__(self, folder: Path, base: Path | None = None) -> None:
        """Load the weights.

        Raises:
            ModelMissing: The folder holds no model.
            ModelCorrupt: Its files cannot be read.
        """
        import torch

        loaded = load(folder, base)
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.model = loaded.model.to(self.device)
        self.tokenizer = loaded.tokenizer
        vocabulary = self.tokenizer.get_vocab()
        self.end = vocabulary.get(END_OF_TURN, self.tokenizer.eos_token_id)

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

        torch.manual_seed(seed)
        rendered = [render_prompt(self.tokenizer, prompt) for prompt in prompts]
        order = sorted(range(len(rendered)), key=lambda i: len(rendered[i]))
        answers = [""] * len(rendered)
        for first in range(0, len(order), BATCH):
            batch = order[first : first + BATCH]
            for i, text in zip(
                batch,
                self._decode([rendered[i] for i in batch], max_tokens, temperature),
                strict=True,
            ):
                answers[i] = text
            if progress:
                progress(min(first + BATCH, len(order)), len(order))
        return answers

    def _decode(self, batch: list[list[int]], max_tokens: int, temperature: float) -> list[str]:
        import torch

        width = max(map(len, batch))
        ids_BT = torch.tensor([[self.end] * (width - len(row)) + row for row in batch])
        mask_BT = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in batch])
        sampling: dict[str, Any] = (
            {"do_sample": True, "temperature": temperature} if temperature else {"do_sample": False}
        )
        with torch.no_grad():
            out_BT = self.model.generate(
                input_ids=ids_BT.to(self.device),
                attention_mask=mask_BT.to(self.device),
                max_new_tokens=max_tokens,
                eos_token_id=self.end,
                pad_token_id=self.end,
                **sampling,
            )
        texts = self.tokenizer.batch_decode(out_BT[:, width:], skip_special_tokens=True)
        return [text.strip() for text in texts]

    def score(
        self, pairs: Sequence[tuple[Prompt, str]], *, progress: Progress | None = None
    ) -> list[list[float]]:
        """Return log-probabilities of target tokens; see `protocols.Sampler.score`."""
        rendered = [render(self.tokenizer, prompt, target) for prompt, target in pairs]
        scores: list[list[float]] = [[] for _ in rendered]
        done = 0
        for batch in _batches(rendered):
            logprobs = self._target_logprobs([rendered[i] for i in batch])
            for i, values_NV in zip(batch, logprobs, strict=True):
                prompt, target = rendered[i]
                wanted = target if prompt else target[1:]
                rows = range(len(wanted))
                scores[i] = [
                    float(values_NV[row, token]) for row, token in zip(rows, wanted, strict=True)
                ]
            done += len(batch)
            if progress:
                progress(done, len(rendered))
        return scores

    def kl_to(self, reference: TorchSampler, pairs: Sequence[tuple[Prompt, str]]) -> float:
        """Return the mean KL(self || reference) over the targets' tokens, in nats."""
        rendered = [render(self.tokenizer, prompt, target) for prompt, target in pairs]
        total = count = 0.0
        for batch in _batches(rendered):
            rows = [rendered[i] for i in batch]
            for ours_NV, theirs_NV in zip(
                self._target_logprobs(rows), reference._target_logprobs(rows), strict=True
            ):
                total += float((ours_NV.exp() * (ours_NV - theirs_NV)).sum())
                count += len(ours_NV)
        return total / count

    def perplexity(self, texts: Sequence[str]) -> float:
        """Return the perplexity per token of plain texts."""
        values = [v for line in self.score([((), text) for text in texts]) for v in line]
        return math.exp(-sum(values) / len(values))

    def _target_logprobs(self, rows: Sequence[tuple[list[int], list[int]]]) -> list[Any]:
        """Return, for each row, log-probabilities over the vocabulary at each target token (N, V)."""
        import torch

        whole = [[*prompt, *target] for prompt, target in rows]
        width = max(map(len, whole))
        ids_BT = torch.tensor([row + [self.end] * (width - len(row)) for row in whole])
        mask_BT = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in whole])
        with torch.no_grad():
            hidden_BTD = self.model.model(
                input_ids=ids_BT.to(self.device),
                attention_mask=mask_BT.to(self.device),
                use_cache=False,
            ).last_hidden_state
            out = []
            for b, (prompt, target) in enumerate(rows):
                first = max(len(prompt) - 1, 0)
                last = len(prompt) + len(target) - 1
                logits_NV = self.model.get_output_embeddings()(hidden_BTD[b, first:last])
                out.append(logits_NV.float().log_softmax(-1))
        return out


def _batches(rendered: Sequence[tuple[list[int], list[int]]]) -> list[list[int]]:
    """Group rows of like length, so that padding stays small and memory bounded."""
    lengths = [len(prompt) + len(target) for prompt, target in rendered]
    batches: list[list[int]] = []
    for i in sorted(range(len(lengths)), key=lengths.__getitem__):
        if batches and (len(batches[-1]) + 1) * lengths[i] <= SCORE_TOKENS:
            batches[-1].append(i)
        else:
            batches.append([i])
    return batches
