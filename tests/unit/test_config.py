"""Settings: which source wins, what is refused, and what the one dial turns."""

import re

import pytest

from nightschool.config import Settings, load_settings
from nightschool.errors import ConfigError


def test_overrides_win_over_the_environment_and_that_over_the_file(tmp_path):
    toml = tmp_path / "nightschool.toml"
    toml.write_text("[train]\nepochs = 2\nseed = 2\nmin_steps = 2\n")
    environ = {"NIGHTSCHOOL_TRAIN__EPOCHS": "3", "NIGHTSCHOOL_TRAIN__SEED": "3", "OTHER__X": "1"}
    found = load_settings(toml, ["train.epochs=4"], environ).train
    assert (found.epochs, found.seed, found.min_steps) == (4, 3, 2)


def test_a_missing_file_means_defaults(tmp_path):
    assert load_settings(tmp_path / "none.toml", environ={}) == Settings()


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("train.epochs=0", "train.epochs is 0"),
        (
            "train.epoch=1",
            r"--set train.epoch: there is no setting train.epoch. Did you mean train.epochs\?",
        ),
        ("rollout=1", "there is no setting rollout"),
        ("study.authors=rules", "study.authors is 'rules': Input should be a JSON list, such as"),
        ("train.epochs", "expected NAME=VALUE"),
        ("effort=huge", "effort is 'huge'"),
        ('study.authors=["nobody"]', "study.authors.0 is 'nobody'"),
    ],
)
def test_a_wrong_setting_is_named(override, said):
    with pytest.raises(ConfigError, match=said):
        load_settings(overrides=[override], environ={})


def test_a_section_below_a_value():
    with pytest.raises(ConfigError, match="effort is a value"):
        load_settings(overrides=["effort=small", "effort.more=1"], environ={})


def test_a_broken_file_is_named(tmp_path):
    toml = tmp_path / "nightschool.toml"
    toml.write_text("[train\n")
    with pytest.raises(ConfigError, match=r"nightschool\.toml is not valid TOML"):
        load_settings(toml, environ={})


def test_the_dial_turns_epochs_and_expressions_and_nothing_else():
    settings = load_settings(overrides=["train.epochs=4", "study.expressions=10"], environ={})
    turned = {effort: settings.with_effort(effort) for effort in ("small", "medium", "large")}
    assert [turned[e].train.epochs for e in turned] == [2, 4, 6]
    assert [turned[e].study.expressions for e in turned] == [5, 10, 15]
    assert turned["medium"] == settings
    assert turned["small"].exam == settings.exam


def test_the_smallest_night_still_trains():
    settings = load_settings(overrides=["train.epochs=1", "study.expressions=1"], environ={})
    small = settings.with_effort("small")
    assert (small.train.epochs, small.study.expressions) == (1, 1)


def test_the_rate_follows_the_method_unless_it_is_given():
    full, lora = (
        load_settings(overrides=[f"train.method={m}"], environ={}) for m in ("full", "lora")
    )
    assert full.train.resolved_rate < lora.train.resolved_rate
    given = load_settings(overrides=["train.learning_rate=0.5"], environ={})
    assert given.train.resolved_rate == 0.5


def test_where_a_wrong_setting_stands_is_told(tmp_path, monkeypatch):
    toml = tmp_path / "nightschool.toml"
    toml.write_text("[train]\nepoch = 3\n")
    monkeypatch.setenv("TRAIN", "somebody else's variable")
    with pytest.raises(ConfigError, match=re.escape(f"{toml}: there is no setting train.epoch")):
        load_settings(toml)
    monkeypatch.setenv("NIGHTSCHOOL_TRAIN__EPOCHS", "none")
    with pytest.raises(ConfigError, match=r"NIGHTSCHOOL_TRAIN__EPOCHS: setting train\.epochs"):
        load_settings()
