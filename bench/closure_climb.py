"""Practice from easy to hard by rewards alone, resumable: the weights see no demonstration."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from closure_skills import Curriculum
from nightschool.bases import pull_model
from nightschool.closure import TRAINED
from nightschool.config import PracticeConfig
from nightschool.models.torch_model import load, render
from nightschool.practice.learner import Round, practise
from nightschool.protocols import Environment
from nightschool.train.policy import TorchPolicy
from nightschool.workspace import write_atomic
from record import base_name

KEEP_ROUNDS = 5
"""Rounds between two checkpoints."""


def climbed(
    folder: Path,
    environments: Sequence[Environment],
    seed: int,
    seconds: float,
    shots: int,
    max_tokens: int,
) -> list[dict[str, Any]]:
    """Practise until the last environment is mastered or the time is over; leave `weights` in the folder.

    Args:
        folder: Of this run: its rounds, its checkpoint, its weights.
        environments: What is practised, the easiest first; of one kind, so that each grades the tasks of all.
        seed: Of tasks, attempts and adapters.
        seconds: Of practice, measured over all parts of a run that was stopped.
        shots: Worked examples of the easiest environment before every task.
        max_tokens: Bound of an action.

    Returns:
        A line for each round.
    """
    path = folder / "rounds.json"
    rounds: list[dict[str, Any]] = json.loads(path.read_text("utf-8")) if path.exists() else []
    if (folder / "weights").exists():
        return rounds
    config = PracticeConfig(
        max_tokens=max_tokens, shots=shots, tasks=16, learning_rate=3e-4, kl=0.01, seed=seed
    )
    policy = TorchPolicy(load, render, pull_model(base_name()), config)
    if not policy.restore(folder / "kept"):
        rounds = []
    rounds = rounds[: len(rounds) - len(rounds) % KEEP_ROUNDS]
    curriculum = Curriculum(environments, config.tasks, seed)
    for line in rounds:
        curriculum.saw(line["solved"])

    def told(found: Round) -> None:
        line = {
            "environment": curriculum.now,
            "solved": found.solved,
            "reward": found.mean_reward,
            "used_groups": found.used_groups,
            "drawn_tokens": round(found.tokens_mean * config.tasks * config.group),
            "update": asdict(found.update) if found.update else None,
            "seconds": found.seconds,
        }
        rounds.append(line)
        curriculum.saw(found.solved)
        print(
            f"round {found.number}: {line['environment']}, right {found.solved:.2f}, reward {found.mean_reward:.2f}, "
            f"{found.seconds:.0f} s",
            flush=True,
        )
        if len(rounds) % KEEP_ROUNDS == 0:
            policy.keep(folder / "kept")
            write_atomic(path, json.dumps(rounds))

    practise(
        environments[0],
        policy,
        config,
        choose=curriculum.choose,
        until=lambda: curriculum.done or sum(line["seconds"] for line in rounds) > seconds,
        on_round=told,
        first=len(rounds),
    )
    write_atomic(path, json.dumps(rounds))
    policy.save(folder / "weights")
    return rounds


def spent(rounds: list[dict[str, Any]]) -> int:
    """Return what a run cost, in tokens that are drawn (see `TRAINED`); prompts are left out."""
    trained = sum(line["update"]["tokens"] for line in rounds if line["update"])
    return sum(line["drawn_tokens"] for line in rounds) + TRAINED * trained
