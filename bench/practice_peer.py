"""TRL's GRPOTrainer on a task of ours, as the peer of `practice.py`: the same prompts, group, rate, rank and time."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch

from nightschool.config import PracticeConfig, TrainConfig
from nightschool.practice.attempts import SEED_STEP
from nightschool.protocols import Environment
from nightschool.train.run import pick_precision
from nightschool.types import Message

TASKS = 4000
"""More tasks than it gets to."""
STEPS = 10_000
"""More steps than it gets to; the time ends it."""


class Ran(NamedTuple):
    """What the peer did."""

    folder: Path
    """Full weights."""
    steps: int
    attempts: int
    seconds: float
    rewards: list[float]
    """Mean reward of each step."""


def grpo(
    folder: Path,
    found: Environment,
    shown: Sequence[Message],
    config: PracticeConfig,
    seconds: float,
) -> Ran:
    """Practise with TRL until the time is over, in the precision that ours computes with on this machine."""
    import pyarrow
    from datasets import Dataset
    from datasets.table import InMemoryTable
    from peft import LoraConfig
    from transformers import AutoTokenizer, TrainerCallback
    from trl import GRPOConfig, GRPOTrainer

    precision = pick_precision(TrainConfig(), torch.device("cpu"))
    begin = config.seed * SEED_STEP
    tasks = [found.task("train", seed) for seed in range(begin, begin + TASKS)]
    rows = [
        {"prompt": [{"role": m.role, "content": m.content} for m in (*shown, *t.prompt)], "number": k}
        for k, t in enumerate(tasks)
    ]  # fmt: skip
    rewards: list[float] = []

    def reward(completions: list[Any], number: list[int], **_: Any) -> list[float]:
        scores = [
            found.start(tasks[k]).step(completion[0]["content"].strip()).score
            for k, completion in zip(number, completions, strict=True)
        ]
        values = [(score.value if score else None) or 0.0 for score in scores]
        rewards.append(round(sum(values) / len(values), 3))
        return values

    class Stop(TrainerCallback):  # type: ignore[misc]
        """Ends it when the time is over."""

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
            if time.monotonic() - begun > seconds:
                control.should_training_stop = True

    with tempfile.TemporaryDirectory() as place:
        trainer = GRPOTrainer(
            model=str(folder),
            reward_funcs=reward,
            args=GRPOConfig(
                output_dir=place,
                use_cpu=True,
                bf16=precision == torch.bfloat16,
                # One group at a time: the whole batch at once takes more than ten gigabytes.
                per_device_train_batch_size=config.group,
                gradient_accumulation_steps=config.tasks,
                num_generations=config.group,
                max_completion_length=config.max_tokens,
                temperature=config.temperature,
                learning_rate=config.resolved_rate,
                lr_scheduler_type="constant_with_warmup",
                warmup_steps=5,
                beta=config.kl,
                epsilon=config.clip,
                gradient_checkpointing=False,
                max_steps=STEPS,
                save_strategy="no",
                report_to=[],
                logging_steps=1,
                seed=config.seed,
            ),
            # Named by hand: hashing a table fails with the newest pyarrow.
            train_dataset=Dataset(InMemoryTable(pyarrow.Table.from_pylist(rows)), fingerprint="practice"),
            processing_class=AutoTokenizer.from_pretrained(folder),
            peft_config=LoraConfig(
                r=config.lora_rank, lora_alpha=2 * config.lora_rank, target_modules="all-linear", task_type="CAUSAL_LM"
            ),
            callbacks=[Stop()],
        )  # fmt: skip
        begun = time.monotonic()
        trainer.train()
        ended = time.monotonic()
    out = Path(tempfile.mkdtemp(prefix="trl-"))
    trainer.model.merge_and_unload().save_pretrained(out)
    AutoTokenizer.from_pretrained(folder).save_pretrained(out)
    steps = trainer.state.global_step
    return Ran(out, steps, steps * config.tasks * config.group, ended - begun, rewards)
