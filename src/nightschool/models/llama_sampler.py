"""Sample from a GGUF with llama.cpp: the fast way to much text on a CPU, and the way in which versions are served."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from nightschool.aside import stepped_back
from nightschool.errors import EngineFailed, ModelUnfit
from nightschool.models.llama_engine import PARALLEL, LlamaEngine
from nightschool.models.torch_model import render_prompt
from nightschool.models.torch_sampler import TorchSampler
from nightschool.protocols import Progress, Prompt
from nightschool.types import Message

WHOLE = {"top_k": 0, "top_p": 1.0, "min_p": 0.0}
"""Draw from all of the model's distribution; llama.cpp's own defaults leave the unlikely out."""
MOST_NATS = {"f16": 0.02, "q8_0": 0.2}
"""Largest mean difference to torch by which a file passes for the weights that were trained. That of q8_0 is a coarse one: it
is not taken for the same model, but sits its own exams."""
SILENT_SECONDS = 600.0
"""How long an engine may be silent, unless it waits for a machine that is busy."""
PROBE_TOKENS = 12
PROBE = (
    (Message("user", "What is 4 + 17? I'm not sure -- it's café №3, isn't it?"),),
    (Message("system", "Be brief."), Message("user", "Hi"), Message("assistant", "Hello."),
     Message("user", "  def f(x):\n\treturn x[1:]")),
)  # fmt: skip
"""Chats that both engines must read in the same tokens."""


class LlamaSampler:
    """Text from a GGUF file; implements `protocols.Writer`."""

    def __init__(self, gguf: Path) -> None:
        """Start an engine on the weights.

        Raises:
            ModelCorrupt: llama.cpp cannot read the file.
        """
        self.engine = LlamaEngine(gguf)

    def generate(
        self,
        prompts: Sequence[Prompt],
        *,
        max_tokens: int,
        temperature: float = 0.0,
        seed: int = 0,
        progress: Progress | None = None,
    ) -> list[str]:
        """Answer each prompt; see `protocols.Writer.generate`.

        Raises:
            EngineFailed: The engine died, or refuses a prompt; the message is its own.
        """
        how = {"max_tokens": max_tokens, "temperature": temperature}
        choices = ask(self.engine, prompts, how, seed=seed, progress=progress)
        return [_text(choice) for choice in choices]


@dataclass(frozen=True, slots=True)
class Difference:
    """How far an engine's log-probabilities lie from torch's, on answers that the engine gave."""

    mean_nats: float
    """Mean of the absolute differences, a token."""
    largest_nats: float
    tokens: int


class LlamaVersion:
    """Answers from the very file and engine that serve, likelihoods from torch; implements `protocols.Sampler`."""

    def __init__(self, engine: LlamaEngine, version_id: str, torch: TorchSampler) -> None:
        """Join the two halves of one version.

        Args:
            engine: Serves it.
            version_id: Or `base`.
            torch: Holds the same weights.

        Raises:
            ModelUnfit: The engine reads a chat in other tokens than those that were trained on.
        """
        self.engine, self.torch = engine, torch
        self.fields = engine.model_for(version_id)
        for prompt in PROBE:
            theirs, ours = _tokens(engine, prompt), render_prompt(torch.tokenizer, prompt)
            if theirs != ours:
                raise ModelUnfit(
                    f"llama.cpp reads a chat in other tokens than torch: {theirs[:40]} instead of {ours[:40]}. "
                    'Serve this model with torch (model.engine = "torch"), and report the model.'
                )

    def check(self, quant: str) -> None:
        """See that the engine runs the weights that torch holds, on a few answers.

        A file whose rows are in the wrong order, or an adapter that is not active, shows here.

        Raises:
            ModelUnfit: The log-probabilities lie further apart than the format explains.
        """
        found = self.difference(PROBE, max_tokens=PROBE_TOKENS)
        if not found.mean_nats <= MOST_NATS[quant]:
            raise ModelUnfit(
                f"llama.cpp's log-probabilities are {found.mean_nats:.3f} nats from torch's on average, expected at "
                f"most {MOST_NATS[quant]} for {quant}: they do not run the same weights. Delete the version's folder "
                'gguf/ to have it written again, or use model.engine = "torch".'
            )

    def generate(
        self,
        prompts: Sequence[Prompt],
        *,
        max_tokens: int,
        temperature: float = 0.0,
        seed: int = 0,
        progress: Progress | None = None,
    ) -> list[str]:
        """Answer each prompt through the engine; see `protocols.Sampler.generate`.

        Raises:
            EngineFailed: The engine died, or refuses a prompt; the message is its own.
        """
        how = {"max_tokens": max_tokens, "temperature": temperature, **WHOLE, **self.fields}
        choices = ask(self.engine, prompts, how, seed=seed, progress=progress)
        return [_text(choice) for choice in choices]

    def score(
        self, pairs: Sequence[tuple[Prompt, str]], *, progress: Progress | None = None
    ) -> list[list[float]]:
        """Return log-probabilities of target tokens by torch; see `protocols.Sampler.score`."""
        return self.torch.score(pairs, progress=progress)

    def difference(self, prompts: Sequence[Prompt], *, max_tokens: int) -> Difference:
        """Measure how far the engine is from torch on its own greedy answers.

        Raises:
            EngineFailed: The engine died, or refuses a prompt; the message is its own.
        """
        how = {"max_tokens": max_tokens, "temperature": 0.0, "logprobs": True, **self.fields}
        said = [
            [(t["id"], t["logprob"]) for t in choice["logprobs"]["content"]]
            for choice in ask(self.engine, prompts, how)
        ]
        rendered = [
            (render_prompt(self.torch.tokenizer, prompt), [token for token, _ in tokens])
            for prompt, tokens in zip(prompts, said, strict=True)
        ]
        gaps = [
            abs(theirs - ours)
            for tokens, scores in zip(said, self.torch.score_tokens(rendered), strict=True)
            for (_, theirs), ours in zip(tokens, scores, strict=True)
        ]
        if not gaps:
            raise EngineFailed(
                "The engine answered nothing to any prompt; there is nothing to compare."
            )
        return Difference(sum(gaps) / len(gaps), max(gaps), len(gaps))


def ask(
    engine: LlamaEngine,
    prompts: Sequence[Prompt],
    how: Mapping[str, Any],
    *,
    seed: int = 0,
    progress: Progress | None = None,
) -> list[dict[str, Any]]:
    """Send each prompt to an engine as a chat, several at a time; return its choices in order.

    Raises:
        EngineFailed: The engine died, or refuses a prompt; the message is its own.
    """

    def answer(numbered: tuple[int, Prompt]) -> dict[str, Any]:
        number, prompt = numbered
        body = {"messages": _plain(prompt), "seed": seed + number, **how}
        choice: dict[str, Any] = _post(client, "/v1/chat/completions", body)["choices"][0]
        return choice

    choices = []
    with _client(engine) as client, ThreadPoolExecutor(PARALLEL) as pool:
        for choice in pool.map(answer, enumerate(prompts)):
            choices.append(choice)
            if progress:
                progress(len(choices), len(prompts))
    return choices


def _tokens(engine: LlamaEngine, prompt: Prompt) -> list[int]:
    """Return the tokens in which an engine reads a chat."""
    with _client(engine) as client:
        text = _post(client, "/apply-template", {"messages": _plain(prompt)})["prompt"]
        body = {"content": text, "parse_special": True}
        tokens: list[int] = _post(client, "/tokenize", body)["tokens"]
    return tokens


def _client(engine: LlamaEngine) -> httpx.Client:
    # In the idle class an engine may stand still for as long as the machine is busy; one that died still says so.
    patience = None if stepped_back() else SILENT_SECONDS
    return httpx.Client(
        base_url=engine.address, headers=dict(engine.headers), timeout=patience, trust_env=False
    )


def _post(client: httpx.Client, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
    try:
        reply = client.post(path, json=body)
    except httpx.TransportError as error:
        raise EngineFailed(
            f"The engine does not answer any more ({error!r}): its process has died. Run the command again."
        ) from error
    if reply.status_code != 200:
        raise EngineFailed(f"llama.cpp gave no answer: {reply.text[:300]}.")
    found: dict[str, Any] = reply.json()
    return found


def _plain(prompt: Prompt) -> list[dict[str, str]]:
    return [{"role": m.role, "content": m.content} for m in prompt]


def _text(choice: Mapping[str, Any]) -> str:
    return str(choice["message"]["content"] or "").strip()
