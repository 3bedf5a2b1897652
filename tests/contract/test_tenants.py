"""No call crosses from one tenant to another, whatever they do in whichever order; on every store.

One store is shared by all tenants; beside it each tenant has a lone store that lives only that tenant's
operations. What a tenant sees must be the same in both, ids aside.
"""

import shutil
import tempfile
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from nightschool.errors import UnknownMemory
from nightschool.memory.fake import FakeStore
from nightschool.memory.notes import read_note
from nightschool.memory.store import SqliteStore
from nightschool.sources import conversation, said
from nightschool.sources.documents import read_document
from nightschool.types import VIEWS, MemoryStatus, Trust
from nightschool.workspace import Workspace

TENANTS = ("ada", "bob", "eve")
THINGS = ("staging host", "office cat", "door code")
NAMES = ("kestrel", "merlin", "heron")
WIDE = 1000
"""More than a run can store: ranking may know the whole collection, what is found may not."""

tenants = st.sampled_from(TENANTS)
facts = st.builds("The {} is called {}.".format, st.sampled_from(THINGS), st.sampled_from(NAMES))
tiers = st.sampled_from(list(Trust))
places = st.integers(0, 20)


def owned(fact, tenant):
    """Let a tenant say a fact in words that name it: the same subject, and a trace to look for."""
    return fact.replace(".", f" of {tenant}.")


class Tenants(RuleBasedStateMachine):
    """Several tenants live in one store, and each alone in another."""

    def __init__(self, make):
        super().__init__()
        self.folder = Path(tempfile.mkdtemp())
        self.shared = make(self.folder / "shared")
        self.lone = {tenant: make(self.folder / tenant) for tenant in TENANTS}
        self.episodes = {tenant: [] for tenant in TENANTS}

    def teardown(self):
        shutil.rmtree(self.folder)

    def both(self, tenant):
        """Return the two stores in which a tenant lives, the shared one first."""
        return self.shared, self.lone[tenant]

    def absorb(self, tenant, reading, trust):
        findings = tuple(replace(finding, trust=trust) for finding in reading.findings)
        reading = replace(reading, findings=findings)
        answers = [store.absorb(reading) for store in self.both(tenant)]
        assert seen(answers[0]) == seen(answers[1])
        assert all(m.tenant == tenant for group in answers[0] for m in group)
        self.episodes[tenant].append(reading.episode.id)

    def change(self, tenant, place, do):
        """Do the same to a tenant's memory in both stores; both do it, or both refuse."""
        outcomes = []
        for store in self.both(tenant):
            records = store.memories(tenant, include_retired=True)
            if not records:
                return
            try:
                outcomes.append(do(store, records[place % len(records)].id))
            except UnknownMemory:
                outcomes.append(None)
        if isinstance(outcomes[0], list):  # tombstones
            assert len(outcomes[0]) == len(outcomes[1])
        else:
            assert seen(outcomes[0]) == seen(outcomes[1])

    @rule(tenant=tenants, fact=facts, trust=tiers, named=st.booleans())
    def remember(self, tenant, fact, trust, named):
        self.absorb(tenant, said(owned(fact, tenant) if named else fact, tenant), trust)

    @rule(tenant=tenants, spoken=st.lists(facts, min_size=1, max_size=3), trust=tiers)
    def talk(self, tenant, spoken, trust):
        messages = [{"role": "user", "content": fact} for fact in spoken]
        self.absorb(tenant, conversation(messages, tenant, "talk"), trust)

    @rule(tenant=tenants, written=st.lists(facts, max_size=3, unique=True), trust=tiers)
    def write_note(self, tenant, written, trust):
        text = "".join(f"- {fact}\n" for fact in written)
        self.absorb(tenant, read_note("/memories/notes.md", text, tenant, trust, "model"), trust)

    @rule(tenant=tenants, fact=facts)
    def learn(self, tenant, fact):
        text = f"# House\n\n{fact}\n\n# Yard\n\nThe gate closes at nine."
        self.absorb(tenant, read_document(text, tenant, "a.md", "House"), Trust.OWNER)

    @rule(tenant=tenants, place=places, fact=facts)
    def edit(self, tenant, place, fact):
        self.change(tenant, place, lambda store, name: store.edit(name, fact, "owner"))

    @rule(tenant=tenants, place=places)
    def approve(self, tenant, place):
        self.change(tenant, place, lambda store, name: store.approve(name, "owner"))

    @rule(tenant=tenants, place=places)
    def retire(self, tenant, place):
        self.change(tenant, place, lambda store, name: store.retire(name, "owner"))

    @rule(tenant=tenants, place=places)
    def forget(self, tenant, place):
        before = self.others(tenant)
        self.change(tenant, place, lambda store, name: store.remove([name]))
        assert self.others(tenant) == before

    @rule(tenant=tenants)
    def forget_all(self, tenant):
        before = self.others(tenant)
        for store in self.both(tenant):
            store.remove([m.id for m in store.memories(tenant, include_retired=True)])
        assert self.shared.memories(tenant, include_retired=True) == []
        assert self.others(tenant) == before
        raw = self.raw()
        assert f"of {tenant}.".encode() not in raw

    @rule(tenant=tenants, words=facts)
    def recall(self, tenant, words):
        found, alone = (
            [m for m, _ in store.recall(tenant, words, WIDE)] for store in self.both(tenant)
        )
        assert all(m.tenant == tenant and m.status is MemoryStatus.LIVE for m in found)
        assert sorted(m.text for m in found) == sorted(m.text for m in alone)

    @invariant()
    def a_tenant_sees_what_it_would_see_alone(self):
        for tenant in TENANTS:
            shared, alone = (view(store, tenant) for store in self.both(tenant))
            assert shared == alone
            shared, alone = (paged(store, tenant) for store in self.both(tenant))
            assert shared == alone
            live = [seen(m) for m in self.shared.memories(tenant)]
            assert sorted(map(str, live)) == sorted(str(m) for *_, page in shared for m in page)
            shared, alone = (listed(store, tenant) for store in self.both(tenant))
            assert shared == alone
            for name in self.episodes[tenant]:
                assert episode(self.shared, name) == episode(self.lone[tenant], name)

    def others(self, tenant):
        """Return all that the other tenants have in the shared store, ids included."""
        rest = [other for other in TENANTS if other != tenant]
        return [
            (
                asdict(m),
                self.shared.history(m.id),
                [x.id for x in self.shared.lineage(m.id)],
                episode(self.shared, m.episode_id),
            )
            for other in rest
            for m in self.shared.memories(other, include_retired=True)
        ]

    def raw(self):
        """Return every byte that the shared store has written."""
        files = [p for p in (self.folder / "shared").rglob("*") if p.is_file()]
        return b"".join(path.read_bytes() for path in files)


def seen(answer):
    """Return what an operation answered, without what is random: ids and times."""
    if answer is None or isinstance(answer, str):
        return answer
    if isinstance(answer, (tuple, list)):
        return [seen(part) for part in answer]
    return (answer.tenant, answer.text, answer.key, answer.status, answer.trust, answer.approved)


def view(store, tenant):
    """Return all of a tenant's memories in order, with what became of each and what each replaced."""
    records = store.memories(tenant, include_retired=True)
    order = {m.id: place for place, m in enumerate(records)}
    return [
        (
            seen(m),
            order.get(m.supersedes),
            [(e["actor"], e["action"], e["text"]) for e in store.history(m.id)],
            [order.get(x.id, x.tenant) for x in store.lineage(m.id)],
        )
        for m in records
    ]


def paged(store, tenant):
    """Return what stands on each of a tenant's pages."""
    return [
        (p.source, p.number, seen(store.page(tenant, p.source, p.number)))
        for p in store.pages(tenant)
    ]


def listed(store, tenant):
    """Return what each view lists and counts."""
    counts = store.counts(tenant)
    return [(view, counts[view], seen(store.browse(tenant, view, limit=WIDE))) for view in VIEWS]


def episode(store, name):
    """Return an episode's text; None where it is gone."""
    try:
        return store.episode(name).text
    except UnknownMemory:
        return None


@pytest.mark.parametrize(
    "make",
    [
        pytest.param(lambda root: SqliteStore(Workspace.create(root, "")), id="sqlite"),
        pytest.param(lambda root: FakeStore(), id="fake"),
    ],
)
def test_a_tenant_lives_as_if_alone(make):
    run_state_machine_as_test(
        lambda: Tenants(make),
        settings=settings(
            max_examples=12,
            stateful_step_count=18,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def test_forgetting_all_leaves_no_text_that_became_no_memory_of_its_own(tmp_path):
    store = SqliteStore(Workspace.create(tmp_path, ""))
    store.absorb(said("The staging host is kestrel-7.", "ada"))
    again = [{"role": "user", "content": "The staging host is kestrel-7."}]
    store.absorb(conversation(again, "ada", "talk"))
    store.remove([m.id for m in store.memories("ada", include_retired=True)])
    assert b"kestrel-7" not in b"".join(p.read_bytes() for p in tmp_path.glob("nightschool.db*"))
