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
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from statistics import median
from typing import Any

import httpx

import world
from load import Target, Told, ask, client, closed_loop, open_loop
from nightschool.day import aid_for, remember
from nightschool.wire import open_school
from nightschool.workspace import Workspace
from record import Record
from serve_load_figures import figures, state

CLOSED = "live:closed-book"
MOST_BATCHES = 20
"""Tellings of facts in one school, those of nights whose rows were lost among them."""
RECALLS = 4
"""One request in so many recalls."""
OPEN = ("queued", "running")
SETTINGS = (
    "serve.requests_per_minute=1000000",
    "exam.general_items={general}",
    "train.min_steps={steps}",
)


def main() -> None:
    """Measure what is not measured yet, and state the figures."""
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

        tell(service.school, 0, given)
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
    parser.add_argument("--pairs", type=int, default=100, help="of the overhead, for each way")
    parser.add_argument(
        "--seconds", type=float, default=300.0, help="of an open loop without a night"
    )
    parser.add_argument("--capacity-seconds", type=float, default=60.0)
    parser.add_argument(
        "--tail-seconds", type=float, default=30.0, help="of load after a promotion"
    )
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--each", type=int, default=4, help="questions of each of the many clients")
    parser.add_argument("--facts", type=int, default=12, help="told before each night")
    parser.add_argument("--tokens", type=int, default=24, help="longest answer")
    parser.add_argument("--most-tokens", type=int, default=10_000, help="of training in a night")
    parser.add_argument("--effort", default="small", choices=("small", "medium", "large"))
    parser.add_argument("--general-items", type=int, default=120)
    parser.add_argument("--min-steps", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--set", action="append", default=[], dest="settings")
    return parser.parse_args()


def chosen(given: argparse.Namespace) -> tuple[str, ...]:
    """Return the settings of the service and its nights."""
    own = [s.format(general=given.general_items, steps=given.min_steps) for s in SETTINGS]
    return (*own, *given.settings)


class Service:
    """`nightschool serve` on one school, started when it is first needed."""

    def __init__(self, work: Path, settings: tuple[str, ...]) -> None:
        self.school = work / "school"
        self.settings = settings
        self._log = work / "serve.log"
        self._process: subprocess.Popen[str] | None = None
        self._url = ""

    def __enter__(self) -> Service:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(60)

    @property
    def target(self) -> Target:
        """Whom clients ask; their conversations are not kept, so that the memory stays as it was told."""
        return Target(self.url, fields={"store": False})

    @property
    def url(self) -> str:
        """The API's root."""
        if self._process is None:
            sets = [word for setting in self.settings for word in ("--set", setting)]
            command = [sys.executable, "-m", "nightschool.cli.main", "serve", "--port", "0"]
            with self._log.open("a") as log:
                self._process = subprocess.Popen(
                    [*command, "--workspace", str(self.school), *sets],
                    stdout=subprocess.PIPE, stderr=log, text=True,
                )  # fmt: skip
            assert self._process.stdout
            found = re.search(r"OpenAI API (\S+)/v1", self._process.stdout.readline())
            if found is None:
                raise SystemExit(f"The service did not start; {self._log} says why.")
            self._url = found[1]
        return self._url


# -- what is asked ------------------------------------------------------------------------


def told_facts(batch: int, given: argparse.Namespace) -> list[world.Fact]:
    """Return the facts of one telling; batches have no fact in common."""
    first = batch * given.facts
    return [*islice(world.facts(MOST_BATCHES * given.facts, given.seed), first, first + given.facts)]


def tell(school: Path, batch: int, given: argparse.Namespace) -> None:
    """Tell one batch of facts; what is known already changes nothing."""
    opened = open_school(school, chosen(given))
    for fact in told_facts(batch, given):
        remember(opened, fact.text)
    opened.close()


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


async def a_night(
    http: httpx.AsyncClient, service: Service, turn: int, given: argparse.Namespace
) -> dict[str, Any]:
    """Tell facts, have the service live a night, and see it promoted; raises SystemExit where that cannot be."""
    api = f"{service.url}/v1"
    jobs = (await http.get(f"{api}/nights")).json()["data"]
    resumed = bool(jobs) and jobs[0]["state"] in OPEN
    if not resumed:
        if turn > 1 or jobs:  # nights that were lived and not recorded have had the earlier ones
            await asyncio.to_thread(tell, service.school, len(jobs), given)
        reply = await http.post(f"{api}/nights", json={"effort": given.effort, "kind": "rebuild"})
        if reply.status_code != 202:
            raise SystemExit(f"No night: {reply.text}")
    job_id = jobs[0]["id"] if resumed else reply.json()["id"]
    begun = time.monotonic()
    while (job := (await http.get(f"{api}/nights/{job_id}")).json())["state"] in OPEN:
        await asyncio.sleep(2)
    seconds = time.monotonic() - begun
    if job["state"] != "done":
        raise SystemExit(f"The night {job['state']}: {job['error']}")
    version, passed = job["outcome"]["version"], job["outcome"]["promoted"]
    if not passed:
        reply = await http.post(f"{api}/versions/{version}/promote", json={"override": True})
        if reply.status_code != 200:
            raise SystemExit(f"No promotion: {reply.text}")
    while (await http.get(f"{api}/status")).json()["live"] != version:
        await asyncio.sleep(0.2)
    await asyncio.sleep(given.tail_seconds)
    train = (await http.get(f"{api}/versions/{version}")).json()["train"]
    if train["tokens"] > given.most_tokens:
        raise SystemExit(
            f"The night trained {train['tokens']:,} tokens; at most {given.most_tokens:,} were allowed. "
            "Lower --facts or --min-steps, and give another --work."
        )
    return {
        "version": version, "resumed": resumed, "promoted_by": "gate" if passed else "override",
        "refused_for": [c["reason"] for c in job["outcome"]["checks"] if not c["passed"]],
        "night_seconds": round(seconds, 1), "train_tokens": train["tokens"],
        "train_seconds": round(train["seconds"], 1),
    }  # fmt: skip


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
