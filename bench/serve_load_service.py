"""What `serve_load.py` loads: `nightschool serve` as its command starts it, the facts that it is told, and its nights."""

from __future__ import annotations

import argparse
import asyncio
import re
import signal
import subprocess
import sys
import time
from itertools import islice
from pathlib import Path
from typing import Any

import httpx

import world
from load import Target
from nightschool.day import remember
from nightschool.wire import open_school

OPEN = ("queued", "running")
MOST_BATCHES = 20
"""Tellings of facts in one school, those of nights whose rows were lost among them."""


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
            command = [sys.executable, "-m", "nightschool", "serve", "--port", "0"]
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


def told_facts(batch: int, given: argparse.Namespace) -> list[world.Fact]:
    """Return the facts of one telling; batches have no fact in common."""
    first = batch * given.facts
    return [
        *islice(world.facts(MOST_BATCHES * given.facts, given.seed), first, first + given.facts)
    ]


def tell(service: Service, batch: int, given: argparse.Namespace) -> None:
    """Tell one batch of facts; what is known already changes nothing."""
    opened = open_school(service.school, service.settings)
    for fact in told_facts(batch, given):
        remember(opened, fact.text)
    opened.close()


async def a_night(
    http: httpx.AsyncClient, service: Service, turn: int, given: argparse.Namespace
) -> dict[str, Any]:
    """Tell facts, have the service live a night, and see it promoted; raises SystemExit where that cannot be."""
    api = f"{service.url}/v1"
    jobs = (await http.get(f"{api}/nights")).json()["data"]
    resumed = bool(jobs) and jobs[0]["state"] in OPEN
    if not resumed:
        if turn > 1 or jobs:  # nights that were lived and not recorded have had the earlier ones
            await asyncio.to_thread(tell, service, len(jobs), given)
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
