"""Our training loop beside TRL's SFTTrainer: labelled tokens per second, peak memory, held-out loss.

`python bench/train_speed.py --json bench/results/train_speed.json --n 160`

Same examples, model, passes and peak learning rate; each run in its own process. Needs
`pip install -e '.[bench]'`. Ours takes bfloat16 where the processor multiplies it, and there TRL
gets each of its settings in float32 and in bfloat16 (`_bf16`); the ratios are against its fastest.
"""

from __future__ import annotations

import argparse
import json
import re
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from nightschool.train.speed import matmul_bound, precision
from record import Record, base_name

OURS = ("ours_full", "ours_lora")
PLAIN = ("trl_padded_8", "trl_padded_16", "trl_packed", "trl_lora_8", "trl_lora_16")
ROUNDED = tuple(f"{run}_bf16" for run in PLAIN)
RATE = {"full": 2e-4, "lora": 2e-3}
RANK = 64
STEP_TOKENS = 192
"""About eight examples: as many as a step of TRL's default, so that the losses can be compared."""
BODY, HEAD = 106.2e6, 28.3e6
"""Weights in matrix products, for every token, and of the output layer, for labelled tokens only."""


def examples(n: int) -> tuple[list[Any], list[Any]]:
    """Return study examples of the demo's first day, as (training, held out)."""
    import random

    from nightschool.config import StudyConfig
    from nightschool.demo_data import folder
    from nightschool.sources import read
    from nightschool.study.rules import RuleAuthor
    from nightschool.types import Memory

    found = []
    for source in (folder() / "day1" / "docs", folder() / "day1" / "chats.jsonl"):
        for reading in read(str(source), "bench").readings:
            found += [(reading, finding) for finding in reading.findings]
    memories = [
        Memory(f"mem-{k}", "bench", f.text, f.form, r.episode.kind, r.episode.source, r.episode.id,
               r.episode.at, key=f.key, facets=f.facets)
        for k, (r, f) in enumerate(found)
    ]  # fmt: skip
    written = RuleAuthor(StudyConfig(), 0).write(memories)
    chats = [e for e in written if e.prompt]
    random.Random(0).shuffle(chats)
    return chats[:n], chats[n : n + 64]


def ours(method: str, n: int) -> dict[str, Any]:
    """Train with our loop."""
    from nightschool.bases import pull_model
    from nightschool.config import TrainConfig
    from nightschool.models.torch_model import load, render
    from nightschool.train.torch_trainer import TorchTrainer

    train, held = examples(n)
    config = TrainConfig(method=method, epochs=1, min_steps=1, lora_rank=RANK, tokens_per_step=STEP_TOKENS,
                         learning_rate=RATE[method], checkpoint_seconds=1e9)  # fmt: skip
    base = pull_model(base_name())
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        result = TorchTrainer(load, render).train(base, train, config, out)
        return {
            "seconds": result.seconds,
            "labelled_tokens": result.labelled_tokens,
            "network_tokens": result.tokens,
            "peak_gb": result.peak_bytes / 1e9,
            "held_out_loss": held_out(load(out, base).model, held),
        }


def theirs(run: str, n: int) -> dict[str, Any]:
    """Train with TRL."""
    from datasets import Dataset
    from peft import LoraConfig
    from trl import SFTConfig, SFTTrainer

    from nightschool.bases import pull_model
    from nightschool.models.torch_model import load, render

    train, held = examples(n)
    loaded = load(pull_model(base_name()))
    rows = []
    for example in train:
        before, after = render(loaded.tokenizer, example.prompt, example.target)
        mask = [0] * len(before) + [1] * len(after)
        rows.append({"input_ids": before + after, "completion_mask": mask})
    lora = "lora" in run
    batch = re.search(r"\d+(?=$|_bf16)", run)
    with tempfile.TemporaryDirectory() as folder:
        config = SFTConfig(
            output_dir=folder,
            num_train_epochs=1,
            learning_rate=RATE["lora" if lora else "full"],
            per_device_train_batch_size=int(batch[0]) if batch else {"trl_default": 8}.get(run, 1),
            packing="packed" in run,
            max_length=512,
            bf16=rounds() and (run == "trl_default" or run in ROUNDED),
            gradient_checkpointing=run == "trl_default",
            use_cpu=True,
            report_to=[],
            save_strategy="no",
            logging_strategy="no",
            disable_tqdm=True,
        )
        trainer = SFTTrainer(
            loaded.model, config, train_dataset=Dataset.from_list(rows),
            processing_class=loaded.tokenizer,
            peft_config=LoraConfig(r=RANK, lora_alpha=2 * RANK, target_modules="all-linear")
            if lora else None,
        )  # fmt: skip
        begun = time.monotonic()
        trainer.train()
        seconds = time.monotonic() - begun
    return {
        "seconds": seconds,
        "labelled_tokens": sum(sum(row["completion_mask"]) for row in rows),
        "network_tokens": sum(len(row["input_ids"]) for row in rows),
        "peak_gb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9,
        "held_out_loss": held_out(trainer.model, held),
    }


def held_out(model: Any, held: list[Any]) -> float:
    """Return the mean loss per labelled token on examples that nobody trained on."""
    import torch

    from nightschool.bases import pull_model
    from nightschool.models.torch_model import load, render

    tokenizer = load(pull_model(base_name())).tokenizer
    total = count = 0.0
    model.eval()
    with torch.no_grad():
        for example in held:
            before, after = render(tokenizer, example.prompt, example.target)
            logits_TV = model(torch.tensor([before + after])).logits[0].float().log_softmax(-1)
            total -= sum(float(logits_TV[len(before) - 1 + k, t]) for k, t in enumerate(after))
            count += len(after)
    return total / count


def rounds() -> bool:
    """Tell whether our loop takes bfloat16 here."""
    return precision().itemsize == 2


def main() -> None:
    """Run what is not in the result file yet, each run in its own process."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, default=Path("bench/results/train_speed.json"))
    parser.add_argument("--n", type=int, default=160)
    parser.add_argument("--only", choices=(*OURS, "trl_default", *PLAIN, *ROUNDED))
    given = parser.parse_args()
    if given.only:
        kind, _, rest = given.only.partition("_")
        print(json.dumps(ours(rest, given.n) if kind == "ours" else theirs(given.only, given.n)))
        return
    record = Record(given.json, "train_speed")
    record.body["seeds"] = [0]

    def spawn(run: str) -> dict[str, Any]:
        command = [sys.executable, __file__, "--only", run, "--n", str(given.n)]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"{run} failed:\n{done.stderr[-2000:]}")
        return dict(json.loads(done.stdout.splitlines()[-1]))

    runs = (*OURS, "trl_default", *PLAIN, *(ROUNDED if rounds() else ()))
    rows = {r: record.measure({"run": r, "n": given.n}, lambda r=r: spawn(r)) for r in runs}
    speed = {run: row["labelled_tokens"] / row["seconds"] for run, row in rows.items()}
    full_peers = [s for r, s in speed.items() if r.startswith("trl_") and "lora" not in r]
    lora_peers = [s for r, s in speed.items() if r.startswith("trl_lora")]
    n = given.n
    record.figure("ratio_tokens_per_s", speed["ours_full"] / max(full_peers), n=n, unit="times")
    record.figure(
        "ratio_tokens_per_s_default", speed["ours_full"] / speed["trl_default"], n=n, unit="times"
    )
    record.figure(
        "ratio_tokens_per_s_lora", speed["ours_lora"] / max(lora_peers), n=n, unit="times"
    )
    full = rows["ours_full"]
    work = 6 * (BODY * full["network_tokens"] + HEAD * full["labelled_tokens"])
    share = work / full["seconds"] / (matmul_bound() * 1e9)
    record.figure("share_of_matmul_bound", share, n=n, unit="rate")
    for run, row in rows.items():
        record.figure(f"{run}_labelled_tokens_per_s", speed[run], n=n, unit="tokens/s")
        record.figure(f"{run}_held_out_loss", row["held_out_loss"], n=64, unit="nats")
        record.figure(f"{run}_peak_gb", row["peak_gb"], n=n, unit="GB")
    record.figure("peak_gb", rows["ours_full"]["peak_gb"], n=n, unit="GB")
    record.save()


if __name__ == "__main__":
    main()
