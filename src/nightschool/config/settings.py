"""All settings of a workspace, and where they come from."""

from __future__ import annotations

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
    for name, value in sorted((os.environ if environ is None else environ).items()):
        if name.startswith(ENV_PREFIX) and "__" in name:
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
        raise ConfigError(
            f"Setting {name} is {first.get('input')!r}: {first['msg']}. "
            "See `nightschool config` for all settings and their defaults."
        ) from error


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
