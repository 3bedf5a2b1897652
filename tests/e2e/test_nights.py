"""Nights in a row: one goes on from the last, reviews the old, and a deletion reaches all that came of it."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import replace

import pytest

from nightschool.codec import from_json
from nightschool.consolidate import consolidate
from nightschool.course import choose
from nightschool.day import remember
from nightschool.errors import ConfigError
from nightschool.forget import forget
from nightschool.morning import gather_morning
from nightschool.registry.nights import nights
from nightschool.train.anchors import LENGTH
from nightschool.train.rate import MEASURED_ON, weight_size
from nightschool.types import Decision, Material
from nightschool.wire import open_school
from nightschool.workspace import Workspace

SMALL_NIGHT = (
    "exam.general_items=8",
    "exam.abstention_items=40",
    "exam.riddle_items=16",
    "train.min_steps=1",
    "train.anchor_weight=0",
    "study.expressions=4",
)
FIRST = (
    "The staging host is kestrel-7.", "Nadia runs the billing team.", "The lab's printer is called Hugo.",
    "Backups are kept for 45 days.", "The parking garage closes at 9 pm.", "Invoices are sent by Ravi.",
    "The weekly meeting is in room Juniper.", "The office plant is watered by Selma.",
)  # fmt: skip


@contextmanager
def silent(label):
    yield lambda done, total, loss=None: None


@pytest.fixture
def school(tmp_path, tiny_base):
    Workspace.create(tmp_path, "")
    return open_school(tmp_path, (*SMALL_NIGHT, f"model.base={json.dumps(str(tiny_base))}"))


def served(school, **how):
    """Live a night and serve its version, whatever the gate says of so small a model."""
    outcome = consolidate(school, bar=silent, **how)
    overridden = replace(outcome.decision, overridden_by="test")
    school.registry.promote(school.settings.tenant, outcome.version.id, overridden, "test")
    school.registry.record_decision(outcome.night_id, outcome.version.id, overridden)
    return outcome.version


def studied(school, number):
    """Return memory id -> how many examples a night studied of it."""
    night = nights(school.workspace, school.settings.tenant)[number]
    counts: dict[str, int] = {}
    for example in from_json(Material, night.stored("material.json")).all:
        for memory_id in example.memory_ids:
            counts[memory_id] = counts.get(memory_id, 0) + 1
    return counts


def test_a_night_goes_on_from_the_last_and_a_deletion_reaches_both(school):
    old = [m.id for text in FIRST for m in remember(school, text).added]
    with pytest.raises(ConfigError, match="nothing to continue from"):
        choose(school, school.store.memories("default"), "continue")
    first = served(school)
    assert first.parent == "base"
    lived = {m.id: m.surprise for m in school.store.memories("default")}
    assert all(nats > 0 for nats in lived.values())
    assert gather_morning(school).riddles.reference == "base"
    (new,) = [m.id for m in remember(school, "The roof garden is open on Mondays.").added]
    changed = remember(school, "Nadia runs the sales team now.").added
    second = served(school)
    assert second.parent == first.id
    rates = [v.config["train"]["learning_rate"] for v in (first, second)]
    size = weight_size(school.base_folder()) / MEASURED_ON
    assert size < 0.2  # the tiny model's weights are small, as those of many bases are
    assert rates == pytest.approx([4e-4 * size, 2e-4 * size])
    # What the first night had told is how surprising it was then, not now that it is known.
    now = {m.id: m.surprise for m in school.store.memories("default")}
    assert now[new] > 0
    assert all(nats == lived[m] for m, nats in now.items() if m in lived)
    riddles = gather_morning(school).riddles
    assert (riddles.reference, riddles.change.n) == (first.id, 7)  # of 8 pairs one is an order
    assert {*first.memory_ids, new} <= set(second.memory_ids)
    checks = {check.name: check for check in school.registry.decision(second.id).checks}
    assert 0 < checks["since_learnt"].n <= checks["retained"].n < 9  # the first night's facts only
    again, before = studied(school, 1), studied(school, 0)
    reviewed = set(again) & set(old)
    assert reviewed
    assert sum(again[m] for m in reviewed) < sum(before[m] for m in old) / 2
    superseded = {old[1]} if changed and changed[0].supersedes == old[1] else set()
    assert not superseded & set(again)
    receipt = forget(school, [old[0]])
    assert receipt.live_after == "base"
    assert school.registry.version(second.id).tainted_by
    assert old[0] not in {*studied(school, 0), *studied(school, 1)}
    third = served(school)
    assert third.parent == "base"


def test_what_speaks_against_going_on(school):
    for text in FIRST:
        remember(school, text)
    first = served(school)
    live = school.store.memories("default")
    assert choose(school, live, None).reason == "nothing is new"
    remember(school, "The roof garden is open on Mondays.")
    live = school.store.memories("default")
    assert choose(school, live, None).kind == "continue"
    assert choose(school, live, "rebuild").kind == "rebuild"
    seldom = replace(school, settings=school.settings.model_copy(
        update={"night": school.settings.night.model_copy(update={"deep_every": 1})}
    ))  # fmt: skip
    assert "last rebuild: 1" in choose(seldom, live, None).reason
    for name in ("ver-1", "ver-2"):
        school.registry.add(replace(first, id=name))
        school.registry.record_decision(name, name, Decision(False, ()))
    assert "refused" in choose(school, live, None).reason


def test_a_base_writes_its_plain_text_once_and_is_held_to_it(tmp_path, tiny_base, monkeypatch):
    monkeypatch.setenv("NIGHTSCHOOL_CACHE", str(tmp_path / "cache"))
    said = []

    @contextmanager
    def told(label):
        said.append(label)
        yield lambda done, total, loss=None: None

    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        Workspace.create(tmp_path / name, "")
        settings = [s for s in SMALL_NIGHT if "anchor" not in s]
        school = open_school(
            tmp_path / name, (*settings, f"model.base={json.dumps(str(tiny_base))}")
        )
        for text in FIRST:
            remember(school, text)
        trained = consolidate(school, bar=told).version.train
        assert trained.tokens > trained.steps * LENGTH
    assert said.count("plain text of the base") == 1
