"""What is asked of every environment, ours or a user's: the rules of the seam, and its own table.

Not checked: whether the table is a good one. A verifier is as strict as the wrong answers that its author
thought of.
"""

from __future__ import annotations

from collections.abc import Sequence

from nightschool.codec import from_json, to_json
from nightschool.errors import EnvironmentBroken, PracticeError
from nightschool.protocols import Environment
from nightschool.types import CASE_KINDS, SPLITS, Case, Score, Step, Task, Verdict

SEEDS = 12
"""Tasks of each split whose prompts are compared."""
TABLES = 2
"""Tasks of each split whose tables are run."""


def problems(environment: Environment, seeds: int = SEEDS, tables: int = TABLES) -> list[str]:
    """List what is wrong with an environment; empty where it keeps all the rules.

    Args:
        environment: What is checked.
        seeds: Tasks of each split whose prompts are compared.
        tables: Tasks of each split whose tables are run.
    """
    found: list[str] = []
    prompts = {}
    for split in SPLITS:
        try:
            tasks = [environment.task(split, seed) for seed in range(seeds)]
            for task in tasks[:tables]:
                found += _of_task(environment, task)
                found += _of_table(environment, task)
        except EnvironmentBroken as error:
            return [*found, str(error)]
        prompts[split] = {task.prompt for task in tasks}
        if seeds >= 4 and len(prompts[split]) < 2:
            found.append(f"{split}: {seeds} seeds gave one and the same task")
    both = prompts["train"] & prompts["held_out"]
    if both:
        found.append(f"{len(both)} prompts stand in both splits, such as {next(iter(both))}")
    return found


def played(environment: Environment, task: Task, actions: Sequence[str]) -> Step:
    """Take actions one after another in a new attempt, and return the last step; what comes after the end is left out."""
    attempt, step = environment.start(task), Step()
    for action in actions:
        step = attempt.step(action)
        if step.done:
            break
    return step


def _of_task(environment: Environment, task: Task) -> list[str]:
    found = []
    if environment.task(task.split, task.seed) != task:
        found.append(f"{task.id}: made twice, it is not the same")
    if (task.environment, task.id) != (
        environment.name, f"{environment.name}/{task.split}/{task.seed}"
    ):  # fmt: skip
        found.append(f"{task.id}: its id or environment is not {environment.name}'s")
    if from_json(Task, to_json(task)) != task:
        found.append(f"{task.id}: written as JSON and read back, it is not the same")
    if not task.prompt:
        found.append(f"{task.id}: it has no prompt")
    if task.solution:
        step = played(environment, task, task.solution)
        if step.score is None or step.score.verdict is not Verdict.CORRECT:
            found.append(f"{task.id}: its own solution gets {_told(step.score)}")
    return found


def _of_table(environment: Environment, task: Task) -> list[str]:
    cases = environment.cases(task)
    kinds = {case.kind for case in cases}
    found = [
        f"{task.id}: its table has no {kind} answer" for kind in CASE_KINDS if kind not in kinds
    ]
    twice: set[str] = set()
    for case in cases:
        found += _of_case(environment, task, case, again=case.kind not in twice)
        twice.add(case.kind)
    return found


def _of_case(environment: Environment, task: Task, case: Case, again: bool) -> list[str]:
    shown = f"{task.id}, {case.kind} {[one[:60] for one in case.actions]}"
    attempt = environment.start(task)
    step = Step()
    for action in case.actions:
        if step.done:
            return [f"{shown}: it was done before its last action"]
        step = attempt.step(action)
        if not step.done and (step.score is not None or not step.observation):
            return [f"{shown}: a step before the last has a score, or shows nothing"]
    found = []
    if not step.done or step.score is None:
        return [f"{shown}: it is not done after its last action"]
    wanted = case.verdict.value if case.verdict else "anything but correct"
    right = step.score.verdict is Verdict.CORRECT
    if right if case.verdict is None else step.score.verdict is not case.verdict:
        found.append(f"{shown}: expected {wanted}, and it gets {_told(step.score)}")
    if not _kept(step.score):
        found.append(f"{shown}: the score breaks the rules: {step.score}")
    second = played(environment, task, case.actions) if again else step
    if second.score is None or second.score.verdict is not step.score.verdict:
        found.append(f"{shown}: played again, it gets {_told(second.score)}")
    try:
        attempt.step("")
    except PracticeError:
        return found
    return [*found, f"{shown}: it takes actions after its end"]


def _kept(score: Score) -> bool:
    if score.verdict is Verdict.UNSCORED:
        return score.value is None
    if score.value is None or not 0 <= score.value <= 1:
        return False
    return (score.value == 1) == (score.verdict is Verdict.CORRECT)


def _told(score: Score | None) -> str:
    if score is None:
        return "no score"
    return f"{score.verdict.value} {score.value} {score.reason}".strip()
