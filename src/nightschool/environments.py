"""The environments of practice by name: our own, reasoning-gym's, a user's tools, and a user's file.

`calls?level=2`, `gym:chain_sum?max_terms=3`, `tools:api.json?level=2`, `./my_env.py`: a name holds the settings, so that
it alone makes the same tasks again.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nightschool.errors import EnvironmentBroken, LibraryMissing, UnknownEnvironment
from nightschool.practice.calls import Calls, DeclaredCalls
from nightschool.practice.code import Code
from nightschool.practice.curriculum import AND, Mixture
from nightschool.practice.fake import FakeEnvironment
from nightschool.practice.guarded import Guarded
from nightschool.practice.gym import Gym
from nightschool.practice.gym import names as gym_names
from nightschool.practice.memory_use import MemoryUse
from nightschool.practice.proof import Proofs
from nightschool.protocols import Environment
from nightschool.sources.tools import read_tools
from nightschool.types import DEFAULT_TENANT, SPLITS, Tool, digest
from nightschool.verify.metamath.book import SET_MM, book
from nightschool.verify.text import TextVerifier

Settings = Mapping[str, Any]
GYM, TOOLS = "gym:", "tools:"
NAMED: dict[str, tuple[Callable[..., Environment], tuple[str, ...]]] = {
    "calls": (lambda level=1: Calls(TextVerifier(), level), ("level",)),
    "code": (lambda level=1: Code(level), ("level",)),
    "proof": (lambda **given: _proofs(given), ("path", "from", "to", "steps", "premises", "shown")),
    "fake": (lambda turns=1: FakeEnvironment(turns), ("turns",)),
    "memory": (
        lambda **given: MemoryUse(TextVerifier(), **given),
        ("level", "talks", "snapshot", "form"),
    ),
}
"""Name -> what makes it, and the settings that it takes."""
LABELS = ("from", "to", "path")
"""Settings that are text even where they look like a number: set.mm has a theorem 19.30."""
PROTOCOL = ("name", "about", "task", "start", "cases")


@dataclass(frozen=True, slots=True)
class Listed:
    """A line of the listing."""

    name: str
    splits: tuple[str, ...]
    about: str


def listing() -> list[Listed]:
    """List what can be practised by name; reasoning-gym's where it is installed."""
    rows = [("calls", Calls.about), ("code", Code.about)]
    rows += [("memory", MemoryUse.about), ("proof", Proofs.about)]
    rows.append((f"{TOOLS}PATH", "Call the tools that an OpenAPI document or a list defines."))
    rows.append(("./FILE.py", "An environment of your own: docs/practice.md."))
    try:
        rows += [(f"{GYM}{name}", f"reasoning-gym: {name.replace('_', ' ')}.") for name in gym_names()]  # fmt: skip
    except LibraryMissing:
        rows.append((f"{GYM}NAME", "Not installed: pip install -e '.[practice]'."))
    return [Listed(name, SPLITS, about) for name, about in rows]


def environment(name: str, settings: Settings | None = None) -> Environment:
    """Make the environment of a name.

    Args:
        name: As listed, with settings behind a question mark: `gym:chain_sum?min_terms=2&max_terms=3`; several with
            ` + ` between them are practised as one.
        settings: More of them, which win; values as JSON would hold them. None: no more.

    Raises:
        UnknownEnvironment: Nothing has this name.
        EnvironmentBroken: A setting is unknown or refused, or a user's file does not hold an environment.
        LibraryMissing: It is reasoning-gym's, which is not installed.
        SourceMalformed: A document of tools is none.
    """
    if AND in name:
        return Mixture([environment(part, settings) for part in name.split(AND)])
    stem, _, query = name.partition("?")
    chosen = parsed(query.split("&") if query else []) | dict(settings or {})
    if stem in NAMED:
        make, known = NAMED[stem]
        _refuse_unknown(stem, chosen, known)
        return make(**chosen)
    if stem.startswith(GYM):
        reply = str(chosen.pop("reply", "bare"))
        return Gym(stem.removeprefix(GYM), chosen, reply)
    if stem.startswith(TOOLS):
        _refuse_unknown(stem, chosen, ("level",))
        return DeclaredCalls(stem, _tools(stem.removeprefix(TOOLS)), TextVerifier(), chosen.get("level", 1))  # fmt: skip
    if stem.endswith(".py"):
        _refuse_unknown(stem, chosen, ())
        return _from_file(Path(stem))
    raise UnknownEnvironment(
        f"No environment is called {stem!r}. Known are {', '.join(NAMED)}, {GYM}NAME, {TOOLS}PATH, and a file that ends "
        "in .py; `nightschool practise --list` shows them."
    )


def parsed(pairs: list[str]) -> dict[str, Any]:
    """Read settings such as `max_terms=3`: JSON where the value is JSON, else text.

    Raises:
        EnvironmentBroken: One of them has no equals sign.
    """
    found: dict[str, Any] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key:
            raise EnvironmentBroken(
                f"The setting {pair!r} has no value; expected NAME=VALUE, such as level=2. Write it so."
            )
        try:
            found[key] = value if key in LABELS else json.loads(value)
        except json.JSONDecodeError:
            found[key] = value
    return found


def _refuse_unknown(name: str, chosen: Settings, known: tuple[str, ...]) -> None:
    for key in chosen:
        if key not in known:
            told = f"expected {', '.join(known)}" if known else "it takes none"
            raise EnvironmentBroken(f"{name} has no setting {key!r}; {told}. Correct it.")


def _tools(path: str) -> list[Tool]:
    try:
        text = Path(path).read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UnknownEnvironment(
            f"{path} cannot be read: {error}. Give the path of an OpenAPI document or a list of tools in JSON."
        ) from error
    facets = [finding.facets for finding in read_tools(text, DEFAULT_TENANT, path).findings]
    return [Tool(one["name"], one["purpose"], json.loads(one["schema"])) for one in facets]


def _proofs(given: Settings) -> Proofs:
    """Read the database, which is set.mm's propositional part where nothing else is said."""
    path = str(given.get("path", SET_MM))
    until = str(given.get("to", "wal" if path == str(SET_MM) else ""))
    taken = {key: given[key] for key in ("steps", "premises", "shown") if key in given}
    name = "&".join(f"{key}={value}" for key, value in sorted(given.items()))
    since = str(given.get("from", ""))
    return Proofs(f"proof?{name}".rstrip("?"), book(path, until), since=since, **taken)


def _from_file(path: Path) -> Environment:
    """Run a user's file, and return its `environment`."""
    if not path.is_file():
        raise UnknownEnvironment(
            f"There is no file {path}. Give the path of an environment's file."
        )
    # Named after its place: two files of one name are two modules, and dataclasses in them find theirs.
    module_name = f"nightschool_environment_{digest(str(path.resolve()))[:12]}"
    spec = importlib.util.spec_from_file_location(module_name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise EnvironmentBroken(
            f"{path} cannot be run: {type(error).__name__}: {error}. Correct it; docs/practice.md has an example."
        ) from error
    found = getattr(module, "environment", None)
    missing = [part for part in PROTOCOL if not hasattr(found, part)]
    if found is None or missing:
        raise EnvironmentBroken(
            f"{path} holds no environment: expected a variable `environment` with {', '.join(PROTOCOL)}; missing are "
            f"{', '.join(missing)}. See docs/practice.md."
        )
    return Guarded(found)
