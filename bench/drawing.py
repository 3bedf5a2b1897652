"""Drawing several answers to each prompt: ours, which reads a prompt once, beside `generate` of transformers.

`python bench/drawing.py --json bench/results/drawing.json`

Practice draws a group of answers to each task, behind prompts that are long. Both draw the same number of tokens at the same
temperature, in float32 with the same weights, for tasks of two of our environments; nobody may stop early. A row is one
run of one of them, ours and theirs in turn; the ratio is of answer tokens per second, over all repeats of a case.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import Any

import torch

from nightschool import drawing
from nightschool.bases import pull_model
from nightschool.environments import environment
from nightschool.models.torch_model import load, render_prompt
from record import Record, base_name

CASES = {"notes": "memory?level=1", "proofs": "proof"}
"""Case -> the environment whose prompts are answered."""
RESERVED = 16
"""A token that the base has never seen: taken for the end, it lets nothing end early, so that both draw equally much."""


def main() -> None:
    """Draw in turn, and state the ratios."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", type=Path, default=Path("bench/results/drawing.json"))
    parser.add_argument("--tasks", type=int, default=8)
    parser.add_argument("--group", type=int, default=8, help="answers to each")
    parser.add_argument("--tokens", type=int, default=16, help="tokens of an answer")
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args()
    loaded = load(pull_model(base_name()))
    record = Record(given.json, "drawing")
    record.body["seeds"] = list(range(given.repeats))
    for case, name in CASES.items():
        found = environment(name)
        tasks = [found.task("train", seed) for seed in range(given.tasks)]
        prompts = [render_prompt(loaded.tokenizer, task.prompt) for task in tasks]
        length = round(sum(map(len, prompts)) / len(prompts))
        shape = {"case": case, "tasks": given.tasks, "group": given.group, "tokens": given.tokens}
        for seed in range(given.repeats):
            for way, run in (("ours", ours), ("generate", generate)):
                record.measure(
                    {**shape, "way": way, "seed": seed, "prompt_tokens": length},
                    lambda r=run, p=prompts, s=seed: timed(r, loaded, p, given.group, given.tokens, s),
                )  # fmt: skip
                record.save()
    state(record)
    record.save()


def timed(
    run: Any, loaded: Any, prompts: list[list[int]], group: int, tokens: int, seed: int
) -> dict[str, float]:
    """Draw once; return the seconds, and the answer tokens a second."""
    run(loaded, prompts[:1], 2, 2, seed)  # what is done once is done
    begun = time.perf_counter()
    drawn = run(loaded, prompts, group, tokens, seed)
    seconds = time.perf_counter() - begun
    assert drawn >= 0.98 * len(prompts) * group * tokens, drawn
    return {"seconds": seconds, "per_second": drawn / seconds}


def ours(loaded: Any, prompts: list[list[int]], group: int, tokens: int, seed: int) -> int:
    """Draw as practice does; return how many tokens."""
    found = drawing.draw(
        loaded.model, [prompt for prompt in prompts for _ in range(group)], end=RESERVED, max_tokens=tokens,
        temperature=1.0, seed=seed, precision=torch.float32,
    )  # fmt: skip
    return sum(len(one.tokens) for one in found)


def generate(loaded: Any, prompts: list[list[int]], group: int, tokens: int, seed: int) -> int:
    """Draw as transformers does: prompts padded on the left, one copy for each answer."""
    torch.manual_seed(seed)
    most = max(map(len, prompts))
    ids_BT = torch.tensor([[0] * (most - len(p)) + p for p in prompts])
    mask_BT = torch.tensor([[0] * (most - len(p)) + [1] * len(p) for p in prompts])
    with torch.no_grad():
        out = loaded.model.generate(
            ids_BT, attention_mask=mask_BT, num_return_sequences=group, do_sample=True, temperature=1.0, top_k=0,
            top_p=1.0, min_new_tokens=tokens, max_new_tokens=tokens, pad_token_id=0,
        )  # fmt: skip
    return int(out.shape[0] * (out.shape[1] - most))


def state(record: Record) -> None:
    """State each case's speed, and the ratio with its range over the repeats."""
    rows = record.body["rows"]
    for case in CASES:
        speeds = {
            way: [r["per_second"] for r in rows if (r["case"], r["way"]) == (case, way)]
            for way in ("ours", "generate")
        }
        for way, values in speeds.items():
            record.figure(f"{case}_{way}", sum(values) / len(values), low=min(values), high=max(values), n=len(values), unit="tokens/s")  # fmt: skip
        ratios = [a / b for a, b in zip(speeds["ours"], speeds["generate"], strict=True)]
        record.figure(f"{case}_ratio", sum(ratios) / len(ratios), low=min(ratios), high=max(ratios), n=len(ratios), unit="ratio")  # fmt: skip


if __name__ == "__main__":
    main()
