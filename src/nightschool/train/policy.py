"""A model that is practised with torch: adapters on all linear layers, moved by what attempts were worth.

Not covered: which tasks are attempted, how attempts are graded and compared (`practice/`), and how a model is loaded
and a chat is rendered (handed in, from `models/`).
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor

from nightschool import drawing
from nightschool.codec import from_json, to_json
from nightschool.config import PracticeConfig, TrainConfig
from nightschool.errors import Diverged, PracticeError
from nightschool.protocols import Progress, Prompt
from nightschool.train.checkpoint import Checkpoint
from nightschool.train.footprint import peak_bytes, trim
from nightschool.train.forward import bare, scores_at, with_adapters
from nightschool.train.losses import cross_entropy
from nightschool.train.masters import Masters
from nightschool.train.packing import Tokens, build_row, plan_rows, shared_prefix
from nightschool.train.policy_losses import clipped_surrogate, divergence
from nightschool.train.run import ROW_TOKENS, pick_precision
from nightschool.train.torch_trainer import Load, Render
from nightschool.train.trees import Tree, lay_trees
from nightschool.types import (
    Continuation,
    Credit,
    Drawn,
    Example,
    Message,
    TrainResult,
    Update,
    digest,
)
from nightschool.workspace import folder_atomic

CLIP_NORM = 1.0
"""Largest global gradient norm."""
WARM_STEPS = 5
"""Steps in which the rate rises: the first moments of AdamW are noise."""
ASKED = (Message("user", "?"),)


@dataclass
class _Counts:
    """What has been done so far."""

    steps: int = 0
    tokens: int = 0
    labelled: int = 0
    seconds: float = 0.0


class TorchPolicy:
    """Adapters on a transformers model; implements `protocols.Policy`."""

    def __init__(
        self,
        load: Load,
        render: Render,
        start: Path,
        config: PracticeConfig,
        precision: torch.dtype | None = None,
    ) -> None:
        """Load the model that practice starts from.

        Args:
            load: Reads a folder into a model and its tokenizer.
            render: Turns a prompt and a target into tokens.
            start: Folder of full weights.
            config: How it is practised. Attempts have to be drawn at its temperature.
            precision: Of the matrix products; None: bfloat16 where the hardware has it, else float32.

        Raises:
            ModelMissing: The folder holds no model.
            ModelCorrupt: Its files cannot be read.
        """
        self._load, self._render, self._start, self._config = load, render, start, config
        loaded = load(start)
        self._tokenizer = loaded.tokenizer
        self._end: int = render(self._tokenizer, ASKED, "")[1][-1]
        self.device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.precision = precision or pick_precision(TrainConfig(), self.device)
        torch.manual_seed(config.seed)
        self._model = with_adapters(loaded.model, config.lora_rank).to(self.device).eval()
        self._masters = Masters(self._model, self.precision)
        self._optimizer = torch.optim.AdamW(
            self._masters.trained.values(), lr=config.resolved_rate, betas=(0.9, 0.999), weight_decay=0.0,
            fused=True,
        )  # fmt: skip
        self._done = _Counts()
        self._losses: list[float] = []

    def draw(
        self, prompts: Sequence[Prompt], *, max_tokens: int, temperature: float, seed: int
    ) -> list[Drawn]:
        """Answer each prompt in tokens; see `protocols.Policy.draw`."""
        rendered = self._rendered(prompts)
        found = self._continued(rendered, max_tokens, temperature, seed)
        said = [one.tokens[:-1] if one.ended else one.tokens for one in found]
        texts = [self._tokenizer.decode(list(one), skip_special_tokens=True) for one in said]
        return [
            Drawn(prompt, one.tokens, one.logs, one.ended, text.strip())
            for prompt, one, text in zip(rendered, found, texts, strict=True)
        ]

    def generate(
        self,
        prompts: Sequence[Prompt],
        *,
        max_tokens: int,
        temperature: float = 0.0,
        seed: int = 0,
        progress: Progress | None = None,
    ) -> list[str]:
        """Answer each prompt in text; see `protocols.Writer.generate`."""
        said: list[str] = []
        for at in range(0, len(prompts), 4 * drawing.ROWS):
            part = prompts[at : at + 4 * drawing.ROWS]
            found = self.draw(part, max_tokens=max_tokens, temperature=temperature, seed=seed + at)
            said += [one.text for one in found]
            if progress:
                progress(len(said), len(prompts))
        return said

    def update(self, credits: Sequence[Credit], over: float | None = None) -> Update:
        """Take one step of the clipped policy gradient; see `protocols.Policy.update`.

        Raises:
            PracticeError: There are no credits.
            Diverged: The loss is not finite.
        """
        if not credits:
            raise PracticeError(
                "There is nothing to update on. Leave rounds without signal out of the updates."
            )
        begun = time.monotonic()
        labelled = sum(len(credit.drawn.tokens) for credit in credits)
        taught = [c for c in credits if c.advantage or self._config.kl]
        loss = away = 0.0
        clipped = 0
        for tree in lay_trees([(c.drawn.prompt, c.drawn.tokens) for c in taught]):
            inside = [taught[k] for k in tree.attempts]
            part, moved, kl = self._tree_loss(tree, inside)
            (part / (over or labelled)).backward()
            self._masters.collect()
            loss, clipped, away = loss + float(part.detach()), clipped + moved, away + kl
            self._done.tokens += len(tree.ids_T)
        norm = self._step(loss / labelled)
        trim()
        kl_mean = away / labelled if self._config.kl else None
        return self._told(
            Update(loss / labelled, kl_mean, clipped / labelled, norm, labelled, time.monotonic() - begun)
        )  # fmt: skip

    def imitate(self, examples: Sequence[Example], *, epochs: int, seed: int) -> Update:
        """Learn examples by heart, a step a row of them; see `protocols.Policy.imitate`.

        Raises:
            PracticeError: There are no examples.
            Diverged: The loss is not finite.
        """
        if not examples:
            raise PracticeError("There is nothing to imitate. Give it at least one example.")
        begun = time.monotonic()
        tokens = [
            Tokens(*map(tuple, self._render(self._tokenizer, e.prompt, e.target))) for e in examples
        ]
        prefix = shared_prefix(tokens)
        losses, norms, labelled = [], [], 0
        for epoch in range(epochs):
            for chosen in plan_rows(tokens, max(ROW_TOKENS, 2 * len(prefix)), len(prefix), seed + epoch):  # fmt: skip
                row = build_row([tokens[i] for i in chosen], prefix)
                scores_NV = scores_at(
                    self._model, row.ids_T, row.positions_T, row.mask_TT, row.sources_N, self.precision
                )  # fmt: skip
                loss = cross_entropy(scores_NV, row.targets_N.to(self.device), row.weights_N.to(self.device))  # fmt: skip
                loss = loss / len(row.targets_N)
                loss.backward()
                self._masters.collect()
                losses.append(float(loss.detach()))
                norms.append(self._step(losses[-1]))
                labelled += len(row.targets_N)
                self._done.tokens += len(row.ids_T)
        trim()
        mean = sum(losses) / len(losses)
        return self._told(
            Update(mean, None, 0.0, sum(norms) / len(norms), labelled, time.monotonic() - begun)
        )

    def save(self, out: Path) -> TrainResult:
        """Leave full weights in `out`, the adapters merged in float32; see `protocols.Policy.save`.

        Raises:
            ModelCorrupt: What practice started from cannot be read any more.
        """
        if out.exists():
            return from_json(TrainResult, (out / "train.json").read_text("utf-8"))
        done = self._done
        result = TrainResult(
            kind="full",
            steps=done.steps,
            tokens=done.tokens,
            labelled_tokens=done.labelled,
            seconds=done.seconds,
            peak_bytes=peak_bytes(),
            first_loss=self._losses[0] if self._losses else 0.0,
            last_loss=self._losses[-1] if self._losses else 0.0,
            losses=tuple(round(loss, 4) for loss in self._losses),
        )
        # The network here holds rounded weights; those of the start are read anew, once.
        whole = with_adapters(self._load(self._start).model, self._config.lora_rank)
        weights = dict(whole.named_parameters())
        with torch.no_grad():
            for name, master in self._masters.trained.items():
                weights[name].copy_(master)
        with folder_atomic(out) as folder:
            whole.merge_and_unload().save_pretrained(folder, safe_serialization=True)
            self._tokenizer.save_pretrained(folder)
            (folder / "train.json").write_text(to_json(result), "utf-8")
        return result

    def keep(self, folder: Path) -> None:
        """Store adapters, optimizer and counts; see `protocols.Policy.keep`.

        Raises:
            WorkspaceError: The disk is full or the folder cannot be written to.
        """
        state = {
            "weights": {name: weight.data for name, weight in self._masters.trained.items()},
            "optimizer": self._optimizer.state_dict(),
            "counts": asdict(self._done),
            "losses": self._losses,
        }
        Checkpoint(folder).save(self._name(), state)

    def restore(self, folder: Path) -> bool:
        """Go on from what was kept of this start and these settings; see `protocols.Policy.restore`."""
        state = Checkpoint(folder).load(self._name())
        if state is None:
            return False
        for name, weight in state["weights"].items():
            self._masters.trained[name].data.copy_(weight)
        self._masters.publish()
        self._optimizer.load_state_dict(state["optimizer"])
        self._done = _Counts(**state["counts"])
        self._losses = state["losses"]
        return True

    def _continued(
        self, rendered: Sequence[tuple[int, ...]], max_tokens: int, temperature: float, seed: int
    ) -> list[Continuation]:
        """Draw from the network here."""
        return drawing.draw(
            bare(self._model), rendered, end=self._end, max_tokens=max_tokens, temperature=temperature,
            seed=seed, precision=self.precision,
        )  # fmt: skip

    def _name(self) -> str:
        return digest(str(self._start), self._config.model_dump_json(), str(self.precision))

    def _rendered(self, prompts: Sequence[Prompt]) -> list[tuple[int, ...]]:
        """Render each different prompt once."""
        known: dict[tuple[Message, ...], tuple[int, ...]] = {}
        for prompt in map(tuple, prompts):
            if prompt not in known:
                known[prompt] = tuple(self._render(self._tokenizer, prompt, "")[0])
        return [known[tuple(prompt)] for prompt in prompts]

    def _tree_loss(self, tree: Tree, credits: Sequence[Credit]) -> tuple[Tensor, int, float]:
        """Return the summed loss of a tree, its clipped tokens and its summed divergence."""
        spread = [len(credit.drawn.tokens) for credit in credits]
        counts = torch.tensor(spread)
        old_N = torch.tensor([log for credit in credits for log in credit.drawn.logs])
        advantage_N = torch.tensor([credit.advantage for credit in credits]).repeat_interleave(counts)  # fmt: skip
        log_N = self._logs(tree)
        found = clipped_surrogate(
            log_N, old_N.to(self.device), advantage_N.to(self.device), self._config.clip
        )
        if not self._config.kl:
            return found.loss, found.clipped, 0.0
        with torch.no_grad(), self._reference():
            reference_N = self._logs(tree)
        away = divergence(log_N, reference_N)
        return found.loss + self._config.kl * away, found.clipped, float(away.detach())

    def _logs(self, tree: Tree, temperature: float | None = None) -> Tensor:
        """Return the log-probability of each drawn token of a tree, at the temperature of attempts or another one."""
        scores_MV = scores_at(
            self._model, tree.ids_T, tree.positions_T, tree.mask_TT, tree.places_M, self.precision
        )
        scaled_MV = scores_MV.float() / (temperature or self._config.temperature)
        at_N, target_N = tree.at_N.to(self.device), tree.targets_N.to(self.device)
        return scaled_MV[at_N, target_N] - scaled_MV.logsumexp(-1)[at_N]

    @contextlib.contextmanager
    def _reference(self) -> Iterator[None]:
        """Let the network be what practice started from."""
        with self._model.disable_adapter():
            yield

    def _step(self, loss: float) -> float:
        """Move the weights by the gradient that was collected; return its norm."""
        if not math.isfinite(loss):
            raise Diverged(
                f"The loss of practice is {loss} at step {self._done.steps + 1}. Lower "
                f"practice.learning_rate (now {self._config.resolved_rate:g})."
            )
        rise = min(1.0, (self._done.steps + 1) / WARM_STEPS)
        for group in self._optimizer.param_groups:
            group["lr"] = self._config.resolved_rate * rise
        norm = torch.nn.utils.clip_grad_norm_(self._masters.trained.values(), CLIP_NORM)
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        self._masters.publish()
        self._done.steps += 1
        self._losses.append(loss)
        return float(norm)

    def _told(self, update: Update) -> Update:
        self._done.labelled += update.tokens
        self._done.seconds += update.seconds
        return update
