"""The service under load: what it adds to its engine, a night beside answering, and many clients at once.

`python bench/serve_load.py --json bench/results/serve_load.json`

Three things are measured, on `nightschool serve` as it is started by its command:

- overhead: the same prompts, one at a time and in turn, to llama.cpp alone and through the service, with the same GGUF
  and settings; closed-book, and with recall (llama.cpp alone is given the very prompt that recall makes). Pairs are
  compared, in both orders.
- a night: how much the service can answer at its most (`capacity`), then an open loop at half of that, without a night and
  with one, twice. The night is the service's own: told facts, training of at most `--most-tokens`, exam, gate, promotion.
  Where the gate refuses (few facts, a short exam), the owner's override promotes, and the row says so. The load goes on
  over the promotion. Times count from when a request was due.
- many clients: 32 at once, for correctness only.

A request fails by its status, by an error in its stream, or by a stream that breaks off. An answer is mixed when its
events name several versions, or when its text begins as another version's does for longer than as that of the version that it
names: each version is asked every prompt alone afterwards. A text that is no version's (llama.cpp's sums depend on how
many are decoded together) is counted as `unlike_alone`. Answers with recall are held to their names only.

Every row is kept as soon as it is measured. Stopped and started again, the same command goes on; a night that was under way is
taken up by the service, and its row says so (`resumed`).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import Any

import httpx

from load import Target, Told, ask, client, closed_loop, open_loop
from nightschool.day import aid_for
from nightschool.wire import open_school
from nightschool.workspace import Workspace
from record import Record
from serve_load_figures import figures, state
from serve_load_service import Service, a_night, tell, told_facts

CLOSED = "live:closed-book"
RECALLS = 4
"""One request in so many recalls."""
SETTINGS = (
    "serve.requests_per_minute=1000000",
    "exam.general_items={general}",
    "train.min_steps={steps}",
)


def main() -> None:
    """Measure what is not measured yet, and state the figures."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the service ends, too
    given = arguments()
    record = Record(given.json, "serve_load")
    record.body["seeds"] = [given.seed]
    work: Path = given.work or given.json.with_suffix(".work")
    if not (work / "school").exists():
        Workspace.create(work / "school", "")
    key = {name: getattr(given, name) for name in ("facts", "tokens", "seed", "effort", "settings")}
    with Service(work, chosen(given)) as service:

        def row(stage: dict[str, Any], run: Callable[[], dict[str, Any]]) -> dict[str, Any]:
            found = record.measure({**stage, **key}, run)
            state(record, [r for r in record.body["rows"] if key.items() <= r.items()])
            record.save()
            print({n: v for n, v in found.items() if not isinstance(v, list)}, flush=True)
            return found

        tell(service, 0, given)
        for way in ("closed-book", "recall"):
            row({"stage": "overhead", "way": way}, lambda w=way: overhead(service, w, given))
        most = row({"stage": "capacity"}, lambda: capacity(service, given))
        rate = most["requests_per_s"] / 2
        for turn in (1, 2):
            for night in (False, True):
                row(
                    {"stage": "open loop", "round": turn, "night": night},
                    lambda t=turn, n=night: asyncio.run(loaded(service, rate, t, n, given)),
                )
        row({"stage": "many clients"}, lambda: asyncio.run(many(service, given)))
    print(json.dumps({n: f["value"] for n, f in record.body["figures"].items()}, indent=1))


def arguments() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", type=Path, default=Path("bench/results/serve_load.json"))
    parser.add_argument(
        "--work", type=Path, help="where the school is kept; default: beside --json"
    )
    parser.add_argument("--pairs", type=int, default=80, help="of the overhead, for each way")
    parser.add_argument(
        "--seconds", type=float, default=240.0, help="of an open loop without a night"
    )
    parser.add_argument("--capacity-seconds", type=float, default=60.0)
    parser.add_argument(
        "--tail-seconds", type=float, default=30.0, help="of load after a promotion"
    )
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--each", type=int, default=4, help="questions of each of the many clients")
    parser.add_argument("--facts", type=int, default=9, help="told before each night")
    parser.add_argument("--tokens", type=int, default=24, help="longest answer")
    parser.add_argument("--most-tokens", type=int, default=10_000, help="of training in a night")
    parser.add_argument("--effort", default="small", choices=("small", "medium", "large"))
    parser.add_argument("--general-items", type=int, default=60)
    parser.add_argument("--min-steps", type=int, default=9)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--set", action="append", default=[], dest="settings")
    return parser.parse_args()


def chosen(given: argparse.Namespace) -> tuple[str, ...]:
    """Return the settings of the service and its nights."""
    own = [s.format(general=given.general_items, steps=given.min_steps) for s in SETTINGS]
    return (*own, *given.settings)


# -- what is asked ------------------------------------------------------------------------


def prompts(given: argparse.Namespace) -> list[str]:
    """Return what is asked, over and over: about facts that the nights teach, so that versions differ."""
    return [fact.question for batch in (0, 1) for fact in told_facts(batch, given)]


# -- overhead -----------------------------------------------------------------------------


def overhead(service: Service, way: str, given: argparse.Namespace) -> dict[str, Any]:
    """Ask the engine alone and the service in turn; return the milliseconds of every pair."""
    with bare(service, given) as (alone, prompt_of):
        return asyncio.run(_pairs(service, way, alone, prompt_of, given))


@contextmanager
def bare(
    service: Service, given: argparse.Namespace
) -> Iterator[tuple[Target, Callable[[str], str]]]:
    """Start llama.cpp on the base's GGUF; give it, and what makes of a question its prompt with recall."""
    school = open_school(service.school, chosen(given))
    engine = school.engine_for("base")
    try:
        fields = engine.model_for("base")
        yield (
            Target(engine.address, engine.headers, fields),
            lambda question: aid_for(school, question, "base").question,
        )
    finally:
        engine.close()
        school.close()


async def _pairs(
    service: Service,
    way: str,
    alone: Target,
    prompt_of: Callable[[str], str],
    given: argparse.Namespace,
) -> dict[str, Any]:
    model = "base:closed-book" if way == "closed-book" else "base"
    questions, rows = prompts(given), []
    async with client() as http:
        for number in range(-2, given.pairs):  # the first two warm both up
            question = questions[number % len(questions)]
            prompt = question if way == "closed-book" else prompt_of(question)

            async def direct(p: str = prompt) -> Told:
                return await ask(http, alone, "base", p, given.tokens)

            async def served(q: str = question) -> Told:
                return await ask(http, service.target, model, q, given.tokens)

            if number % 2:
                theirs, ours = await direct(), await served()
            else:
                ours, theirs = await served(), await direct()
            if ours.failure or theirs.failure:
                raise SystemExit(f"A request failed: {ours.failure or theirs.failure}")
            if number >= 0:
                rows.append([round(x, 3) for each in (theirs, ours) for x in _timed(each)])
    same = {"columns": ["bare_ttft_ms", "bare_whole_ms", "bare_tokens_per_s",
                        "served_ttft_ms", "served_whole_ms", "served_tokens_per_s"]}  # fmt: skip
    return {**same, "pairs": rows}


def _timed(told: Told) -> tuple[float, float, float]:
    spent = sum(told.gaps_ms) / 1000
    return told.ttft_ms, told.whole_ms, (len(told.parts) - 1) / spent if spent else 0.0


# -- load ---------------------------------------------------------------------------------


def capacity(service: Service, given: argparse.Namespace) -> dict[str, Any]:
    """Return how many requests a second are answered when as many as the engine decodes together are always asked."""
    questions = prompts(given)

    async def run() -> tuple[list[Told], float]:
        async with client() as http:

            async def one(number: int) -> Told:
                question = questions[number % len(questions)]
                return await ask(http, service.target, _model(number), question, given.tokens)

            await one(0)
            return await closed_loop(one, 8, given.capacity_seconds)

    found, rate = asyncio.run(run())
    failed = [told.failure for told in found if told.failure]
    if failed:
        raise SystemExit(f"{len(failed)} requests failed at capacity: {failed[0]}")
    return {"requests_per_s": round(rate, 3), "requests": len(found)}


def _model(number: int) -> str:
    return "live" if number % RECALLS == 0 else CLOSED


async def loaded(
    service: Service, rate: float, turn: int, night: bool, given: argparse.Namespace
) -> dict[str, Any]:
    """Load the service for a while, or for a night and its promotion; return all that was answered."""
    questions, over = prompts(given), asyncio.Event()
    async with client() as http:

        async def one(number: int, due: float) -> Told:
            question = questions[number % len(questions)]
            model = _model(number)
            return await ask(http, service.target, model, question, given.tokens, due)

        await one(0, time.monotonic())
        seed = 1000 * given.seed + 10 * turn + night
        load = asyncio.create_task(open_loop(one, rate, seed, over.is_set))
        try:
            lived = await (a_night(http, service, turn, given) if night else _quiet(given.seconds))
        finally:
            over.set()
        found = await load
        alone = await references(http, service, found, given)
    return {"rate": round(rate, 3), **lived, **judged(found, alone), **figures(found)}


async def _quiet(seconds: float) -> dict[str, Any]:
    await asyncio.sleep(seconds)
    return {}


# -- what was answered --------------------------------------------------------------------

Alone = dict[tuple[str, str], str]
"""(version, prompt) -> what that version answers when nobody else asks."""


async def references(
    http: httpx.AsyncClient, service: Service, found: list[Told], given: argparse.Namespace
) -> Alone:
    """Ask every version that answered each of the prompts, one at a time."""
    versions = sorted({name for told in found for name in told.versions})
    asked = sorted({told.prompt for told in found if told.model == CLOSED})
    alone: Alone = {}
    for version in versions:
        for prompt in asked:
            name = f"{version}:closed-book"
            told = await ask(http, service.target, name, prompt, given.tokens)
            if told.failure:
                raise SystemExit(f"{name} cannot be asked alone: {told.failure}")
            alone[version, prompt] = told.text
    return alone


def judged(found: list[Told], alone: Alone) -> dict[str, Any]:
    """Count the answers that failed, that are mixed, and that differ from what their version says alone."""
    whole = [told for told in found if not told.failure]
    mixed = [told for told in whole if is_mixed(told, alone)]
    closed = [told for told in whole if told.model == CLOSED and len(told.versions) == 1]
    unlike = [t for t in closed if t.text != alone[next(iter(t.versions)), t.prompt]]
    counts = {v: sum(v in t.versions for t in whole) for v in sorted({v for v, _ in alone})}
    return {
        "requests": len(found), "failed_requests": len(found) - len(whole),
        "failures": sorted({told.failure for told in found if told.failure}),
        "mixed_answers": len(mixed), "checked_answers": len(closed), "unlike_alone": len(unlike),
        "answers_of": counts,
    }  # fmt: skip


def is_mixed(told: Told, alone: Alone) -> bool:
    """Tell whether an answer names several versions, or begins as another's for longer than as its own's."""
    if len(told.versions) != 1:
        return True
    own = next(iter(told.versions))
    if told.model != CLOSED:
        return False
    like = {
        v: _shared(told.text, text) for (v, prompt), text in alone.items() if prompt == told.prompt
    }
    return max(like.values()) > like[own]


def _shared(a: str, b: str) -> int:
    """Count the characters that two texts begin with alike."""
    return next(
        (n for n, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b))
    )


async def many(service: Service, given: argparse.Namespace) -> dict[str, Any]:
    """Have many clients stream at once, each its own questions; return what came of it."""
    questions = prompts(given)
    async with client() as http:

        async def one(number: int) -> list[Told]:
            own = [questions[(number + n) % len(questions)] for n in range(given.each)]
            return [await ask(http, service.target, CLOSED, q, given.tokens) for q in own]

        found = [
            t for answers in await asyncio.gather(*map(one, range(given.clients))) for t in answers
        ]
        alone = await references(http, service, found, given)
    typical = median(told.whole_ms for told in found)
    return {"clients": given.clients, **judged(found, alone), "whole_p50_ms": round(typical, 1)}


if __name__ == "__main__":
    main()
