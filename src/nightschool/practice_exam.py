"""The exam of a practice run: what must not be lost, and what the gate says of it."""

from __future__ import annotations

from collections.abc import Sequence

from nightschool.codec import from_json, to_json
from nightschool.exam.gate import decide
from nightschool.exam.general import general_bank, general_prompts
from nightschool.exam.reuse import first_since
from nightschool.exam.seal import follow, seal_abstention, thinned
from nightschool.protocols import Bar
from nightschool.registry.nights import Night, practices
from nightschool.skills import skill_banks, stored_skill
from nightschool.types import Bank, BankKind, Decision, Example, Material, Report, Version
from nightschool.wire import School

PROBE_EXAMPLES = 32
PROBE_NATS = 1e-4
"""The probe: how far a likelihood must have moved (nats a token), or nothing was trained."""
EXAMINED = (BankKind.ACQUIRED, BankKind.ABSTENTION)
"""Banks of nights that a practice run sits, too; riddles are drawn anew by nights alone."""


def others(school: School, run: Night, spec: str) -> list[Bank]:
    """Return what must not be lost: facts, saying "I do not know", general ability, and other skills.

    Facts are sampled as in a night that continues. Where no night has sealed questions that nothing answers, the run
    seals some.
    """
    settings, tenant = school.settings, school.settings.tenant
    live = school.store.memories(tenant)
    banks = [b for b in follow(school.exams.banks(tenant), live) if b.kind in EXAMINED]
    if not any(b.items for b in banks if b.kind is BankKind.ABSTENTION):
        unknown = seal_abstention(run.id, tenant, (), settings.exam, live=live, always=True)
        school.exams.save_bank(unknown)
        banks.append(unknown)
    asked = thinned(banks, run.id, settings.exam.abstention_items, settings.exam.earlier_items)
    return [
        *(bank for bank in asked if bank.items),
        general_bank(settings.exam.general_items, tenant),
        *skill_banks(school, run, without=spec),
    ]


def judge(
    school: School,
    run: Night,
    version: Version,
    report: Report,
    live: Report,
    banks: Sequence[Bank],
    bar: Bar,
) -> Decision:
    """Let the gate decide; refused runs in the same environment since the last that was served share its errors."""
    registry, tenant = school.registry, school.settings.tenant

    def write() -> str:
        with bar("gate"):
            ever = registry.served(tenant)
            served = [v for v in registry.versions(tenant) if v.id in ever]
            first = first_since(school.exams.reports(tenant), served, banks)
            return to_json(
                decide(
                    report, live, first, banks, school.settings.gate, _attempt(school, run),
                    probe(school, run, version), expect_new=False,
                )
            )  # fmt: skip

    decision = from_json(Decision, run.artifact("decision.json", write))
    registry.record_decision(run.id, version.id, decision)
    return decision


def _attempt(school: School, run: Night) -> int:
    """Return which attempt at its skill this run is, from 1."""
    tenant = school.settings.tenant
    served, own = school.registry.served(tenant), stored_skill(run)
    count = 1
    for other in reversed(practices(school.workspace, tenant)):
        skill = stored_skill(other)
        if other.id == run.id or not other.outcome or not skill or not own or skill.environment != own.environment:  # fmt: skip
            continue
        if other.stored("version.txt") in served:
            break
        count += 1
    return count


def probe(school: School, run: Night, version: Version) -> bool:
    """Show that the examined weights are those that practice moved: something is not as likely as before.

    Its own successes; where there are none, answers to general prompts.
    """
    own = [(e.prompt, e.target) for e in successes(run)[:PROBE_EXAMPLES]]
    pairs = own or general_prompts()[:PROBE_EXAMPLES]
    after = school.sampler(version.id).score(pairs)
    before = school.sampler(version.parent).score(pairs)
    moved = [abs(a - b) for x, y in zip(after, before, strict=True) for a, b in zip(x, y, strict=True)]  # fmt: skip
    return max(moved, default=0.0) > PROBE_NATS


def successes(run: Night) -> tuple[Example, ...]:
    """Return the verified successes that a run has kept."""
    return from_json(Material, run.stored("material.json") or "").examples
