"""All settings of a workspace, and where they come from."""

from __future__ import annotations

import difflib
import json
import os
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from nightschool.config.days import ModelConfig, RecallConfig, ServeConfig, WriteConfig
from nightschool.config.frozen import Frozen
from nightschool.config.nights import (
    ExamConfig,
    GateConfig,
    NightConfig,
    StudyConfig,
    TrainConfig,
)
from nightschool.config.practice import PracticeConfig, RolloutsConfig
from nightschool.errors import ConfigError
from nightschool.types import Effort

ENV_PREFIX = "NIGHTSCHOOL_"


class Settings(Frozen):
    """All settings of a workspace."""

    effort: Effort = "medium"
    """The one dial; scales epochs and expressions."""
    tenant: str = Field("default", pattern=r"^\w[\w.@-]{0,63}$")
    """Whose memories and versions the commands mean; it names folders."""
    model: ModelConfig = ModelConfig()
    recall: RecallConfig = RecallConfig()
    write: WriteConfig = WriteConfig()
    study: StudyConfig = StudyConfig()
    night: NightConfig = NightConfig()
    train: TrainConfig = TrainConfig()
    practice: PracticeConfig = PracticeConfig()
    rollouts: RolloutsConfig = RolloutsConfig()
    exam: ExamConfig = ExamConfig()
    gate: GateConfig = GateConfig()
    serve: ServeConfig = ServeConfig()

    def with_effort(self, effort: Effort) -> Settings:
        """Return these settings turned to another effort.

        Medium is what the settings say; small halves the epochs and expressions, large adds half.
        """
        factor = {"small": 0.5, "medium": 1.0, "large": 1.5}[effort]
        epochs = max(1, round(self.train.epochs * factor))
        expressions = max(1, round(self.study.expressions * factor))
        return self.model_copy(
            update={
                "effort": effort,
                "train": self.train.model_copy(update={"epochs": epochs}),
                "study": self.study.model_copy(update={"expressions": expressions}),
            }
        )


def load_settings(
    toml: Path | None = None,
    overrides: Sequence[str] = (),
    environ: Mapping[str, str] | None = None,
) -> Settings:
    """Resolve the settings: file < environment < overrides.

    Args:
        toml: A `nightschool.toml`; None or a missing file means defaults.
        overrides: `section.name=value` strings; values are read as JSON, else as text.
        environ: The environment; None means this process's.

    Raises:
        ConfigError: The file is not TOML.
        ConfigError: A name is unknown or a value out of range.
        ConfigError: An override has no `=`.
    """
    tree: dict[str, Any] = {}
    if toml is not None and toml.exists():
        try:
            tree = tomllib.loads(toml.read_text("utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ConfigError(f"{toml} is not valid TOML: {error}. Correct that line.") from error
    around = os.environ if environ is None else environ
    for name, value in sorted(around.items()):
        if _sets(name):
            _put(tree, name.removeprefix(ENV_PREFIX).lower().split("__"), value)
    for override in overrides:
        path, equals, value = override.partition("=")
        if not equals:
            raise ConfigError(f"--set {override}: expected NAME=VALUE, such as train.epochs=4.")
        _put(tree, path.strip().split("."), value)
    try:
        return Settings.model_validate(tree)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        raise ConfigError(_wrong(name, first, _origin(name, toml, around, overrides))) from error


def _sets(name: str) -> bool:
    """Tell whether a variable of the environment is a setting: of a section, or one that is in none, such as `effort`."""
    if not name.startswith(ENV_PREFIX):
        return False
    rest = name.removeprefix(ENV_PREFIX).lower()
    field = Settings.model_fields.get(rest)
    return "__" in rest or (field is not None and not _inside(field.annotation))


def _origin(
    name: str, toml: Path | None, around: Mapping[str, str], overrides: Sequence[str]
) -> str:
    """Say where a setting, or the list that it is a part of, was given."""
    given = {f"--set {text}": text for text in (o.partition("=")[0].strip() for o in overrides)}
    ours = [v for v in around if _sets(v)]
    given |= {v: v.removeprefix(ENV_PREFIX).lower().replace("__", ".") for v in ours}
    found = [origin for origin, path in given.items() if f"{name}.".startswith(f"{path}.")]
    return found[0] if found else str(toml or "the settings")


def _wrong(name: str, first: Mapping[str, Any], origin: str) -> str:
    """Say what is wrong with a setting, and what would be right."""
    if first["type"] == "extra_forbidden":
        known = [
            name
            for section, field in Settings.model_fields.items()
            for name in (section, *(f"{section}.{inner}" for inner in _inside(field.annotation)))
        ]
        near = difflib.get_close_matches(name, known, 1)
        meant = f"Did you mean {near[0]}?" if near else "`nightschool config` lists all of them."
        return f"{origin}: there is no setting {name}. {meant}"
    shape = ', such as ["rules"]' if first["type"] in ("tuple_type", "list_type") else ""
    said = "Input should be a JSON list" if shape else first["msg"]
    return (
        f"{origin}: setting {name} is {first.get('input')!r}: {said}{shape}. "
        "See `nightschool config` for all settings and their defaults."
    )


def _inside(section: Any) -> tuple[str, ...]:
    """Return the names of a section's settings; none of a setting that stands by itself."""
    return tuple(getattr(section, "model_fields", ()))


def _put(tree: dict[str, Any], path: Sequence[str], text: str) -> None:
    try:
        value = json.loads(text)
    except json.JSONDecodeError:
        value = text
    for part in path[:-1]:
        tree = tree.setdefault(part, {})
        if not isinstance(tree, dict):
            raise ConfigError(f"{'.'.join(path)}: {part} is a value, not a section.")
    tree[path[-1]] = value
