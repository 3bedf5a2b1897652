"""The registry: what is served, what was before, and what may never be served again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from nightschool.errors import TaintedVersion, UnknownVersion, WorkspaceCorrupt, WorkspaceError
from nightschool.registry.nights import IMPORTED
from nightschool.registry.versions import Registry
from nightschool.types import Check, Decision, Version
from nightschool.workspace import Workspace, file_atomic

YES = Decision(True, (Check("acquired", True, 0.5, 0.3, None, 20, "learnt"),))
NO = Decision(False, (Check("retained", False, -0.3, -0.4, 0.1, 20, "forgot"),))


def version(name: str, parent: str = "base", memories: tuple[str, ...] = ("m1",)) -> Version:
    return Version(name, "t", f"night-{name}", "full", "small", parent, memories, (), "", 0, {}, "")


def add(registry: Registry, *versions: Version) -> Registry:
    """Register versions whose weights are there."""
    for one in versions:
        folder = registry.workspace.versions / one.id
        folder.mkdir(parents=True)
        (folder / "train.json").write_text("{}", "utf-8")
        registry.add(one)
    return registry


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    workspace = Workspace.create(tmp_path, "")
    return add(Registry(workspace), version("v1"), version("v2"), version("v3"))


def test_a_version_without_its_weights_is_not_promoted(registry: Registry) -> None:
    (registry.workspace.versions / "v1" / "train.json").unlink()
    with pytest.raises(WorkspaceCorrupt, match="v1"):
        registry.promote("t", "v1", YES, "gate")
    assert registry.alias("t", "live") == "base"


def test_before_any_promotion_the_base_is_served(registry: Registry) -> None:
    assert registry.alias("t", "live") == "base"
    assert registry.resolve("t", "live") is None
    assert registry.alias("t", "candidate") == "v3"


def test_promotion_and_rollback_are_each_others_inverse(registry: Registry) -> None:
    registry.promote("t", "v1", YES, "gate")
    registry.promote("t", "v2", YES, "gate")
    assert (registry.alias("t", "live"), registry.alias("t", "previous")) == ("v2", "v1")
    back = registry.rollback("t")
    assert back is not None
    assert back.id == "v1"
    assert registry.alias("t", "live") == "v1"
    assert registry.served("t") == {"v1", "v2"}


def test_what_was_taken_back_to_the_base_stays_taken_back(registry: Registry) -> None:
    registry.promote("t", "v1", YES, "gate")
    assert registry.rollback("t") is None
    registry.promote("t", "v2", YES, "gate")
    assert registry.alias("t", "previous") == "base"
    assert registry.rollback("t") is None
    assert registry.alias("t", "live") == "base"


def served_after(registry: Registry, rollbacks: int) -> list[str]:
    found = [registry.rollback("t") for _ in range(rollbacks)]
    return [version.id if version else "base" for version in found]


def test_each_rollback_goes_one_version_further_back(registry: Registry) -> None:
    for name in ("v1", "v2", "v3"):
        registry.promote("t", name, YES, "gate")
    assert served_after(registry, 4) == ["v2", "v1", "base", "base"]


def test_a_version_that_is_promoted_again_counts_again(registry: Registry) -> None:
    for name in ("v1", "v2"):
        registry.promote("t", name, YES, "gate")
    assert served_after(registry, 2) == ["v1", "base"]
    registry.promote("t", "v2", YES, "owner")
    registry.promote("t", "v3", YES, "gate")
    registry.promote("t", "v2", YES, "owner")
    assert served_after(registry, 3) == ["v3", "v2", "base"]


def test_a_deletion_does_not_serve_what_the_owner_took_back(tmp_path: Path) -> None:
    registry = add(
        Registry(Workspace.create(tmp_path, "")), version("v1"), version("v2", memories=("m2",))
    )
    for name in ("v1", "v2"):
        registry.promote("t", name, YES, "gate")
    assert served_after(registry, 1) == ["v1"]
    registry.taint(["m1"], ["gone-1"])
    assert registry.fallback("t", {"v1"}) == "base"
    assert registry.rollback("t", "forget", keep_base=True) is None


def test_the_log_of_an_earlier_program_is_read_as_it_was_meant(registry: Registry) -> None:
    for name in ("v1", "v2", "v3"):
        registry.promote("t", name, YES, "gate")
    assert served_after(registry, 1) == ["v2"]
    registry.connection.execute("UPDATE promotions SET taken_back = NULL")
    assert served_after(registry, 2) == ["v1", "base"]
    registry.connection.execute("UPDATE promotions SET taken_back = NULL")
    registry.promote("t", "v3", YES, "gate")
    assert served_after(registry, 1) == ["base"]


def test_the_same_version_again_changes_nothing(registry: Registry) -> None:
    registry.add(version("v1"))
    assert [v.id for v in registry.versions("t")] == ["v1", "v2", "v3"]


def test_an_unknown_version_is_named(registry: Registry) -> None:
    with pytest.raises(UnknownVersion, match="v9"):
        registry.resolve("t", "v9")
    with pytest.raises(UnknownVersion, match="v9"):
        registry.promote("t", "v9", YES, "gate")


def test_another_tenants_versions_do_not_exist(registry: Registry) -> None:
    assert registry.versions("other") == []
    with pytest.raises(UnknownVersion):
        registry.resolve("other", "v1")


def test_what_was_trained_on_a_forgotten_memory_is_never_served_again(tmp_path: Path) -> None:
    registry = add(
        Registry(Workspace.create(tmp_path, "")),
        version("v1", memories=("m1", "m2")),
        version("v2", parent="v1", memories=("m2",)),
        version("v3", memories=("m3",)),
    )
    marked = registry.taint(["m1"], ["gone-1"])
    assert {v.id for v in marked} == {"v1", "v2"}  # v2 was trained from v1
    assert registry.version("v1").tainted_by == ("gone-1",)
    with pytest.raises(TaintedVersion, match="v2"):
        registry.promote("t", "v2", YES, "owner")
    registry.promote("t", "v3", YES, "gate")


def test_refusals_since_the_last_promotion_are_counted(registry: Registry) -> None:
    for name in ("v1", "v2"):
        registry.record_decision(f"night-{name}", name, NO)
    assert registry.attempts("t", "small") == 2
    registry.record_decision("night-v3", "v3", YES)
    registry.promote("t", "v3", YES, "gate")
    assert registry.attempts("t", "small") == 0
    assert registry.decision("v1") == NO


def test_what_the_gate_is_about_to_speak_of_is_left_out_of_the_count(registry: Registry) -> None:
    registry.record_decision("night-v1", "v1", NO)
    for decision in (NO, YES):  # that on v2 is taken back
        registry.record_decision("night-v2", "v2", decision)
        assert registry.attempts("t", "small", besides="v2") == 1


def test_what_base_means_follows_what_is_served_and_not_what_is_forgotten(
    registry: Registry,
) -> None:
    other = replace(version("v4", memories=("m4",)), base="large")
    add(registry, other)
    assert registry.base("t") is None
    registry.promote("t", "v1", YES, "gate")
    assert registry.base("t") == "small"
    registry.promote("t", "v4", YES, "owner")
    assert registry.base("t") == "large"
    registry.rollback("t")
    assert (registry.alias("t", "live"), registry.base("t")) == ("v1", "small")
    registry.promote("t", "v4", YES, "owner")
    registry.taint(["m4"], ["gone-4"])
    registry.rollback("t", "forget", keep_base=True)
    assert (registry.alias("t", "live"), registry.base("t")) == ("v1", "large")
    registry.taint(["m1"], ["gone-1"])
    registry.rollback("t")
    assert (registry.alias("t", "live"), registry.base("t")) == ("base", None)


def test_of_an_older_program_the_served_version_tells_the_base(registry: Registry) -> None:
    registry.promote("t", "v1", YES, "gate")
    registry.connection.execute("DELETE FROM aliases WHERE name = 'base'")
    assert registry.base("t") == "small"


def test_refusals_on_another_base_are_not_counted(registry: Registry) -> None:
    add(registry, replace(version("v4"), base="large"))
    registry.record_decision("night-v4", "v4", NO)
    assert (registry.attempts("t", "small"), registry.attempts("t", "large")) == (0, 1)


def test_refused_imports_are_no_refused_nights(registry: Registry) -> None:
    registry.record_decision("night-v3", "v3", NO)
    for name in ("v4", "v5"):
        add(registry, replace(version(name), kind="lora", night=IMPORTED))
        registry.record_decision(IMPORTED, name, NO if name == "v4" else YES)
    assert registry.attempts("t", "small") == 1


def test_a_withdrawn_version_is_unknown(registry: Registry) -> None:
    registry.withdraw("v3")
    assert [v.id for v in registry.versions("t")] == ["v1", "v2"]
    assert registry.alias("t", "candidate") == "base"
    registry.withdraw("v3")


def test_a_file_that_is_being_written_does_not_outlive_its_deleted_version(
    registry: Registry,
) -> None:
    folder = registry.workspace.versions / "v1"

    def write() -> None:
        with file_atomic(folder / "f16.gguf") as temporary:
            temporary.write_bytes(b"weights")
            registry.erase_weights(["v1"])

    with pytest.raises(WorkspaceError, match=r"f16\.gguf"):
        write()
    assert {path.name for path in registry.workspace.versions.iterdir()} == {"v2", "v3"}
