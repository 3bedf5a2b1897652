"""Every setting of Nightschool, one frozen model per concern; the only home of defaults.

Precedence: `nightschool.toml` < environment (`NIGHTSCHOOL_TRAIN__EPOCHS=4`) < `--set
train.epochs=4`. One dial, `effort`, comes before all knobs (`Settings.with_effort`).
"""

from nightschool.config.days import ModelConfig, RecallConfig, ServeConfig, WriteConfig
from nightschool.config.nights import (
    ExamConfig,
    Family,
    GateConfig,
    NightConfig,
    StudyConfig,
    TrainConfig,
)
from nightschool.config.practice import ChooserKind, PracticeConfig, RolloutsConfig
from nightschool.config.settings import ENV_PREFIX, Settings, load_settings

__all__ = [
    "ENV_PREFIX",
    "ChooserKind",
    "ExamConfig",
    "Family",
    "GateConfig",
    "ModelConfig",
    "NightConfig",
    "PracticeConfig",
    "RecallConfig",
    "RolloutsConfig",
    "ServeConfig",
    "Settings",
    "StudyConfig",
    "TrainConfig",
    "WriteConfig",
    "load_settings",
]
