"""The command closure on a tiny random model: a ledger, an account, a picture, and going on."""

import json
import shutil

import pytest

from nightschool.registry.nights import LEDGERS
from nightschool.registry.versions import Registry
from nightschool.types import TrainResult, Version, now
from nightschool.workspace import Workspace

ASKED = ("--env", "fake", "--tasks", "3", "--samples", "2", "--max-tokens", "2")


@pytest.fixture
def practised(school, tiny_base):
    """A version in a workspace that has the weights of its own base."""
    workspace = Workspace(school.folder)
    folder = workspace.versions / "ver-1"
    shutil.copytree(tiny_base, folder)
    (folder / "train.json").write_text("{}")
    train = TrainResult("full", 1, 90, 90, 1.0, 0, 1.0, 1.0)
    Registry(workspace).add(
        Version(
            "ver-1",
            "default",
            "practice-0001",
            "full",
            str(tiny_base),
            "base",
            (),
            (),
            "",
            0,
            {},
            now(),
            train,
        )
    )
    run = workspace.nights / "default" / "practice-0001"
    run.mkdir(parents=True)
    rounds = [{"drawn": 20, "used_groups": 0}, {"drawn": 10, "used_groups": 1}]
    (run / "rounds.json").write_text(json.dumps(rounds))
    (run / "outcome.txt").write_text("promoted")
    return school


def test_a_version_is_compared_with_its_base(practised):
    found = practised.json("closure", "ver-1", *ASKED)
    assert found["tasks"] == len(found["lines"]) == 3
    whole = found["matrices"][-1]
    assert whole["k"] == 2
    assert sum(whole[kind] for kind in ("preserved", "expanded", "shrunk", "neither")) == 3
    assert (
        found["without_learning"]["spent"] == 20 + 10 + 3 * 90
    )  # also what was drawn and taught nothing
    assert found["lines"][0]["base"]["n"] == 2
    reports = practised.folder / "reports" / "default" / LEDGERS / "ver-1"
    assert {path.suffix for path in reports.iterdir()} == {".json", ".png"}
    assert (practised.folder / found["picture"]).read_bytes().startswith(b"\x89PNG")
    assert json.loads((practised.folder / found["written"]).read_text())["tasks"] == 3


def test_the_base_has_nothing_to_be_compared_with(practised):
    assert "`nightschool versions` lists them" in practised("closure", "base", *ASKED, code=1)
