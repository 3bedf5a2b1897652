"""The sitting: one model answers the banks, closed-book, open-book or with recall.

Who grades is given from outside (`Grader`; `nightschool.verify.judge.grade` in the product).
All prompts of one mode go to the model in one call, so that it can batch them; tool calls in another.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Protocol

from nightschool.config import ExamConfig, RecallConfig
from nightschool.prompts import open_book_prompt, recall_prompt
from nightschool.protocols import Progress, Prompt, Sampler
from nightschool.types import (
    Bank,
    BankKind,
    Item,
    Memory,
    Message,
    Report,
    Result,
    Score,
    Verdict,
    new_id,
    now,
)

CLOSED, OPEN, RETRIEVAL, CHOICE = "closed", "open", "retrieval", "choice"


class Graded(Protocol):
    """A verdict on one answer and the figures beside it."""

    @property
    def score(self) -> Score: ...
    @property
    def exact(self) -> float | None: ...
    @property
    def f1(self) -> float | None: ...
    @property
    def contained(self) -> float | None: ...


Grader = Callable[[Item, str], Graded]
Recall = Callable[[str], list[Memory]]
Asked = tuple[Bank, Item]


def sit(
    sampler: Sampler,
    banks: Sequence[Bank],
    *,
    version_id: str,
    night: str,
    tenant: str,
    config: ExamConfig,
    grade: Grader,
    modes: Sequence[str] = (CLOSED,),
    recall: Recall | None = None,
    recall_tokens: int | None = None,
    confident: bool = True,
    progress: Progress | None = None,
) -> Report:
    """Let one model answer all banks and grade it.

    Items with choices are always answered by likelihood, once (mode `choice`); the others once
    for each mode. Open-book leaves out items that have no context.

    Args:
        sampler: The model that is examined.
        banks: What it is asked.
        version_id: Its version; `base` for the untouched base model.
        night: The night for which it sits.
        tenant: Whose banks these are.
        config: Answer length, and how many general items are sat.
        grade: Grades one answer.
        modes: Any of `closed`, `open`, `retrieval`.
        recall: Finds memories for a question; needed by `retrieval`.
        recall_tokens: Prompt budget of recalled memories; None means the day's default.
        confident: Whether closed-book answers get a confidence, for the risk-coverage curve.
        progress: Called with (answers done, answers in all).

    Raises:
        ValueError: A mode is unknown.
        ValueError: Retrieval is asked for without `recall`.
    """
    unknown = sorted(set(modes) - {CLOSED, OPEN, RETRIEVAL})
    if unknown:
        raise ValueError(f"exam modes {unknown} are unknown; use closed, open or retrieval.")
    started = time.monotonic()
    choice, plan = _plan(banks, config, modes, recall, recall_tokens)
    total = len(choice) + sum(len(asked) for _, asked, _ in plan)
    done, results = 0, []

    def shifted(offset: int, size: int) -> Progress | None:
        if progress is None:
            return None
        tell = progress
        return lambda part, of, loss=None: tell(offset + round(size * part / max(of, 1)), total)

    for mode, asked, prompts in plan:
        tell = shifted(done, len(asked))
        sure = confident and mode == CLOSED
        results += _answer(sampler, mode, asked, prompts, config, grade, sure, tell)
        done += len(asked)
    results += _choose(sampler, choice, grade, shifted(done, len(choice)))
    if progress is not None:
        progress(total, total)
    return Report(
        id=new_id("report"),
        tenant=tenant,
        version_id=version_id,
        night=night,
        results=tuple(results),
        at=now(),
        seconds=time.monotonic() - started,
    )


def _plan(
    banks: Sequence[Bank],
    config: ExamConfig,
    modes: Sequence[str],
    recall: Recall | None,
    recall_tokens: int | None,
) -> tuple[list[Asked], list[tuple[str, list[Asked], list[Prompt]]]]:
    choice: list[Asked] = []
    free: list[Asked] = []
    for bank in banks:
        items = bank.items
        if bank.kind is BankKind.GENERAL:
            items = items[: config.general_items]
        for item in items:
            (choice if item.choices else free).append((bank, item))
    plan: list[tuple[str, list[Asked], list[Prompt]]] = []
    for mode in dict.fromkeys(modes):
        for call in (False, True):  # calls are longer than other answers
            asked = [
                (bank, item)
                for bank, item in free
                if bool(item.schema) is call and (mode != OPEN or item.context)
            ]
            prompts = [_prompt(mode, item, recall, recall_tokens) for _, item in asked]
            plan.append((mode, asked, prompts))
    return choice, plan


def _prompt(mode: str, item: Item, recall: Recall | None, recall_tokens: int | None) -> Prompt:
    if mode == CLOSED:
        return (Message("user", item.question),)
    if mode == OPEN:
        return open_book_prompt(item.question, item.context)
    if recall is None:
        raise ValueError(
            "The retrieval mode needs recall: pass a function from question to memories."
        )
    budget = (
        RecallConfig.model_validate({}).budget_tokens if recall_tokens is None else recall_tokens
    )
    return recall_prompt(item.question, recall(item.question), budget)


def _answer(
    sampler: Sampler,
    mode: str,
    asked: Sequence[Asked],
    prompts: Sequence[Prompt],
    config: ExamConfig,
    grade: Grader,
    confident: bool,
    progress: Progress | None,
) -> list[Result]:
    if not asked:
        return []
    length = config.call_tokens if asked[0][1].schema else config.answer_tokens
    answers = sampler.generate(prompts, max_tokens=length, progress=progress)
    sure = _confidences(sampler, prompts, answers) if confident else [None] * len(asked)
    return [
        _result(bank, item, mode, answer, grade(item, answer), confidence)
        for (bank, item), answer, confidence in zip(asked, answers, sure, strict=True)
    ]


def _confidences(
    sampler: Sampler, prompts: Sequence[Prompt], answers: Sequence[str]
) -> list[float | None]:
    spoken = [k for k, answer in enumerate(answers) if answer.strip()]
    scores = sampler.score([(prompts[k], answers[k]) for k in spoken]) if spoken else []
    known = {k: _mean(tokens) for k, tokens in zip(spoken, scores, strict=True)}
    return [known.get(k) for k in range(len(answers))]


def _choose(
    sampler: Sampler, asked: Sequence[Asked], grade: Grader, progress: Progress | None
) -> list[Result]:
    if not asked:
        return []
    pairs = [
        ((Message("user", item.question),), choice) for _, item in asked for choice in item.choices
    ]
    scores = iter(sampler.score(pairs, progress=progress))
    results = []
    for bank, item in asked:
        means = [_mean(next(scores)) for _ in item.choices]
        known = [(mean, -k) for k, mean in enumerate(means) if mean is not None]
        if not known:
            broken = Score(Verdict.UNSCORED, None, "the model gave no likelihood for any choice")
            results.append(Result(item.id, bank.id, CHOICE, "", broken, None, None, None, None))
            continue
        # Equal likelihoods go to the earlier choice, so that a report can be made again.
        best, place = max(known)
        answer = item.choices[-place]
        results.append(_result(bank, item, CHOICE, answer, grade(item, answer), best))
    return results


def _result(
    bank: Bank, item: Item, mode: str, answer: str, graded: Graded, confidence: float | None
) -> Result:
    return Result(
        item.id,
        bank.id,
        mode,
        answer,
        graded.score,
        graded.exact,
        graded.f1,
        graded.contained,
        confidence,
    )


def _mean(tokens: Sequence[float]) -> float | None:
    return sum(tokens) / len(tokens) if tokens else None
