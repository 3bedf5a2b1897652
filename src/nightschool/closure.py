"""The closure of a version: what it reaches that its base did not, and what it no longer reaches.

`close_account` is the whole course: choose how each model is asked, draw, weigh, count, draw the curves. The
ledgers of a version lie in `reports/TENANT/closure/VERSION/`; drawing that is stopped goes on where it was.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from nightschool.environments import environment as made
from nightschool.errors import UnknownEnvironment, UnknownVersion
from nightschool.practice.account import Account, account_of
from nightschool.practice.ledger import (
    BASE,
    VERSION,
    Ledger,
    Terms,
    choose_ways,
    draw,
    held_out,
    try_constant,
    weigh,
)
from nightschool.protocols import Bar, Environment, Sampler
from nightschool.registry.nights import LEDGERS, PRACTICE, practices
from nightschool.report.passes import draw_passes
from nightschool.types import Version
from nightschool.wire import School
from nightschool.workspace import write_atomic

TRAINED = 3
"""A trained token costs so many drawn ones: the way there, and twice that back."""


@dataclass(frozen=True, slots=True)
class Closed:
    """An account, and the files that it stands in."""

    account: Account
    ledger: Path
    """All draws."""
    written: Path
    """The account as JSON."""
    picture: Path
    """Its curves."""


def close_account(
    school: School,
    version: str,
    name: str | None,
    *,
    settings: Mapping[str, Any] | None = None,
    tasks: int,
    samples: int,
    temperature: float,
    max_tokens: int | None,
    seed: int,
    spent: int | None,
    bar: Bar,
) -> Closed:
    """Compare a version with its base on held-out tasks of an environment.

    Args:
        school: The wired workspace.
        version: An alias or a version id.
        name: Of the environment; None: the one that it practised in.
        settings: Of the environment. None: as its name says.
        tasks: How many held-out tasks.
        samples: Draws for each, of each model.
        temperature: Of both.
        max_tokens: Bound of one action; None: as when it practised, else that of the settings.
        seed: Of the draws.
        spent: Tokens that practice spent, in tokens that are drawn; None: what the journals of it say (`spent_by`).
        bar: Shows the progress.

    Raises:
        UnknownVersion: The tenant has no such version, or it is the base.
        TaintedVersion: It knows something that has been forgotten.
        UnknownEnvironment: Nothing has this name, or none is given and the version has not practised.
        EnvironmentBroken: The environment has too few held-out tasks.
    """
    found = school.registry.resolve(school.settings.tenant, version)
    if found is None:
        raise UnknownVersion(
            f"{version} is the base model, and there is nothing to compare it with. Name a version that has practised; "
            "`nightschool versions` lists them."
        )
    school.registry.weights(found)  # refused at once where it cannot be used
    practised = found.config.get("practice", {}) if found.night.startswith(PRACTICE) else {}
    name = name or practised.get("environment")
    if name is None:
        raise UnknownEnvironment(
            f"{found.id} was made by {found.night or 'nobody known'}, not by practice, so that no environment is its own. "
            "Name one with --env."
        )
    environment = made(name, settings)
    bound = max_tokens or practised.get("max_tokens") or school.settings.practice.max_tokens
    terms = Terms(environment.name, found.base, found.id, samples, temperature, bound, seed)
    folder = school.workspace.reports / school.settings.tenant / LEDGERS / found.id
    ledger = Ledger.open(folder, terms)
    if spent is None:
        spent = spent_by(school, found)
    fill(
        ledger,
        environment,
        tasks,
        base=lambda: school.on(found.base).sampler(BASE),
        version=lambda: school.sampler(found.id),
        bar=bar,
        practised=int(practised.get("shots", 0)),
    )
    return write_account(ledger, environment, tasks, spent)


def spent_by(school: School, version: Version) -> int | None:
    """Return what practice has spent on a version since its base, as tokens that are drawn; None: it has not practised.

    A trained token costs as much as `TRAINED` drawn ones. What was drawn and taught nothing counts: draws without learning
    are to have no less.
    """
    folders = {run.id: run for run in practices(school.workspace, school.settings.tenant)}
    total: int | None = None
    one: Version | None = version
    while one is not None:
        if one.night.startswith(PRACTICE) and one.train is not None:
            run = folders.get(one.night)
            rounds = json.loads((run.stored("rounds.json") if run else None) or "[]")
            drawn = sum(int(line.get("drawn", 0)) for line in rounds)
            total = (total or 0) + drawn + TRAINED * one.train.tokens
        one = school.registry.resolve(school.settings.tenant, one.parent)
    return total


def fill(
    ledger: Ledger,
    environment: Environment,
    tasks: int,
    *,
    base: Callable[[], Sampler],
    version: Callable[[], Sampler],
    bar: Bar,
    practised: int = 0,
) -> None:
    """Make all draws that the ledger lacks.

    Args:
        ledger: What is there already is kept.
        environment: Of the ledger's terms.
        tasks: How many held-out tasks.
        base: Loads the base model; called only where it has something to do.
        version: The same of the version.
        bar: Shows the progress.
        practised: Worked examples that stood before every task when the version practised.
    """
    asked = held_out(environment, tasks)
    try_constant(ledger, environment, asked)
    for who, sampler in ((BASE, base), (VERSION, version)):
        with bar(f"ways to ask the {who}") as progress:
            choose_ways(ledger, environment, who, sampler, progress, practised)
    own, theirs = ledger.way(BASE), ledger.way(VERSION)
    for who, way, sampler in dict.fromkeys(
        [(BASE, own, base), (BASE, theirs, base), (VERSION, theirs, version)]
    ):
        with bar(f"draws: {who}, {way.name}") as progress:
            draw(ledger, environment, who, way, asked, sampler, progress)
    with bar("bits under the base") as progress:
        weigh(ledger, environment, asked, base, progress)


def write_account(
    ledger: Ledger, environment: Environment, tasks: int, spent: int | None
) -> Closed:
    """Count what a filled ledger says, and write account and picture beside it."""
    account = account_of(ledger, held_out(environment, tasks), spent)
    written = ledger.path.with_suffix(".account.json")
    picture = ledger.path.with_suffix(".png")
    write_atomic(written, json.dumps(asdict(account), ensure_ascii=False, indent=1) + "\n")
    curves = {
        name: [(p.k, p.value, p.low, p.high) for p in points]
        for name, points in account.curves.items()
    }
    write_atomic(picture, draw_passes(curves, ledger.terms.environment))
    return Closed(account, ledger.path, written, picture)
