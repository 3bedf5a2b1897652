"""Which version is served: promoted by the owner, with or against the gate's word, or taken back."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from nightschool.errors import UnknownVersion
from nightschool.types import Decision, Version
from nightschool.wire import School


class Promotion(NamedTuple):
    """What became of the wish to serve a version."""

    promoted: bool
    """False where the gate had refused and nobody overrode that; then nothing was changed."""
    decision: Decision


def promote(school: School, name: str, actor: str, *, override: bool = False) -> Promotion:
    """Serve a version that the gate passed, or, as its owner, one that it refused.

    Args:
        school: The wired workspace.
        name: A version id or an alias.
        actor: Who wants it.
        override: Serve it against the gate's word.

    Raises:
        UnknownVersion: There is no such version, or it has not been before the gate.
        TaintedVersion: It was trained on something that has been forgotten.
        WorkspaceCorrupt: Its weights are missing.
        WorkspaceLocked: Another process holds the workspace.
    """
    tenant, registry = school.settings.tenant, school.registry
    found = registry.resolve(tenant, name)
    decision = registry.decision(found.id) if found else None
    if found is None or decision is None:
        raise UnknownVersion(f"{name} has not been before the gate. Run `nightschool consolidate`.")
    if not decision.promote and not override:
        return Promotion(False, decision)
    with school.workspace.lock("a promotion"):
        registry.weights(found)  # before the override is written down
        if not decision.promote:
            decision = replace(decision, overridden_by=actor)
            registry.record_decision(found.night, found.id, decision)
        registry.promote(tenant, found.id, decision, actor)
    return Promotion(True, decision)


def refusal(decision: Decision) -> str:
    """Say why the gate refused."""
    return "; ".join(check.reason for check in decision.checks if not check.passed)


def roll_back(school: School, actor: str) -> Version | None:
    """Serve the version before the live one again; return it, or None for the base model.

    Raises:
        WorkspaceLocked: Another process holds the workspace.
    """
    with school.workspace.lock("a rollback"):
        return school.registry.rollback(school.settings.tenant, actor)
