"""The plan of a long life and the figures made of its rows; the nights themselves are the product's."""

import importlib
import json

import pytest


@pytest.fixture
def bench(monkeypatch):
    monkeypatch.syspath_prepend("bench")
    return importlib.import_module


def planned(bench, **changes):
    module = bench("life")
    fields = {
        "nights": 4, "facts_a_night": 3, "changes": 1, "deletions": 1, "delete_at": (4,),
        "delete_recent_at": (), "seed": 0, **changes,
    }  # fmt: skip
    return module.life(module.Plan(**fields))


def test_a_life_follows_from_its_seed_and_touches_a_fact_once(bench):
    life = planned(bench)
    assert life.days == planned(bench).days
    assert life.days != planned(bench, seed=1).days
    assert [len(day.told) for day in life.days] == [3, 3, 3, 3]
    assert [len(day.corrected) for day in life.days] == [0, 0, 1, 1]
    assert [len(day.forgotten) for day in life.days] == [0, 0, 0, 1]
    assert not life.corrected_on.keys() & life.forgotten_on.keys()
    for number, night in {**life.corrected_on, **life.forgotten_on}.items():
        assert life.told_on[number] < night


def test_recent_deletions_leave_older_days_alone(bench):
    life = planned(bench, nights=12, delete_at=(), delete_recent_at=(8, 12), deletions=2)
    assert sorted(life.forgotten_on.values()) == [8, 8, 12, 12]
    assert all(life.told_on[n] >= day - 3 for n, day in life.forgotten_on.items())


def test_a_corrected_fact_says_its_new_value_from_that_night_on(bench):
    life = planned(bench)
    number, night = next(iter(life.corrected_on.items()))
    fact = life.facts[number]
    assert life.text(number, night - 1) == fact.text
    assert fact.value not in life.text(number, night)
    assert fact.changed_value in life.text(number, night)
    assert life.said_on(number, night) == night


def test_more_than_was_told_cannot_be_forgotten(bench):
    with pytest.raises(ValueError, match="On day 2, 9 facts are to be forgotten, and 3 can be"):
        planned(bench, delete_at=(2,), deletions=9)


def row(life, night, marks, whole=True, **changes):
    return {
        "way": "continue", "night": night, "whole": whole, "asked": marks, "promoted": True, "kind": "continue",
        "tokens": 100 * night, "night_seconds": 20.0, "train_seconds": 10.0, "exam_seconds": 5, "study_seconds": 1, "missing": 0,
        "memories": 6, "questions_in_material": 0, "general": "11", "general_base": "10", "abstention": "10",
        "abstention_base": "00", "perplexity": 60.0, "perplexity_base": 30.0, **changes,
    }  # fmt: skip


def test_figures_tell_what_was_kept_of_what_was_learnt(bench, tmp_path):
    life = planned(bench, nights=2, delete_at=(2,), changes=0)
    (gone,) = life.forgotten_on
    one, two = (n for n in range(3) if n != gone)
    nights = [
        row(life, 1, {str(one): "11", str(two): "10", str(gone): "11"}),
        row(life, 2, {str(one): "10", str(two): "01", str(gone): "00", "3": "11", "4": "00", "5": "00"}),
    ]  # fmt: skip
    base = {"way": "base", "night": 0, "asked": {str(gone): "10"}}
    record = bench("record").Record(tmp_path / "out.json", "thirty_nights")
    bench("life_figures").state(record, life, [base, *nights])
    value = {name: figure["value"] for name, figure in record.body["figures"].items()}
    assert value["learnt_right_after"] == pytest.approx(7 / 12)
    # Of three answers that were right right after and are still true, one is.
    assert value["retained_continue"] == pytest.approx(1 / 3)
    assert value["known_night2"] == pytest.approx(4 / 10)
    assert value["deleted_before_over_base"] == 0.5
    assert value["deleted_over_base"] == -0.5
    assert value["cost_night2_over_night1"] == 2
    assert value["general_delta"] == 0.5
    assert value["perplexity_ratio"] == 2
    assert json.dumps(record.body["figures"])
