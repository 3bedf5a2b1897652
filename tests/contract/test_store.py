"""What every memory store promises; each implementation is run through the same suite."""

from dataclasses import replace

import pytest

from nightschool.errors import UnknownMemory
from nightschool.memory.fake import FakeStore
from nightschool.memory.rules import PAGE
from nightschool.memory.store import SqliteStore
from nightschool.sources import conversation, said
from nightschool.sources.documents import read_document
from nightschool.trust import trainable
from nightschool.types import Episode, Finding, MemoryStatus, Reading, SourceKind, Trust
from nightschool.workspace import Workspace


@pytest.fixture(params=["sqlite", "fake"])
def store(request, tmp_path):
    return {
        "sqlite": lambda: SqliteStore(Workspace.create(tmp_path, "")),
        "fake": FakeStore,
    }[request.param]()


def learn(store, text, tenant="t"):
    return store.absorb(said(text, tenant))


def test_the_same_again_changes_nothing(store):
    added, _ = learn(store, "The staging host is kestrel-7.")
    assert learn(store, "The staging host is kestrel-7.") == ([], [])
    assert store.memories("t") == added
    assert store.episode(added[0].episode_id).text == "The staging host is kestrel-7."


def test_a_newer_statement_supersedes_and_both_stay(store):
    (old,), _ = learn(store, "The staging host is kestrel-7.")
    (new,), (retired,) = learn(store, "The staging host is merlin-2.")
    assert (retired.id, new.supersedes) == (old.id, old.id)
    assert store.memories("t") == [new]
    assert store.memory(old.id).status is MemoryStatus.SUPERSEDED
    assert [h["action"] for h in store.history(old.id)] == ["added", "superseded"]


def test_a_changed_document_changes_only_what_changed(store):
    first = "# House\n\nThe key hangs behind the boiler.\n\n# Yard\n\nThe gate closes at nine."
    added, _ = store.absorb(read_document(first, "t", "a.md", "House"))
    new, gone = store.absorb(read_document(first.replace("nine", "ten"), "t", "a.md", "House"))
    assert all("ten" in m.text for m in new)
    assert all("nine" in m.text for m in gone)
    kept = {m.id for m in added} & {m.id for m in store.memories("t")}
    assert len(kept) == len(added) - len(gone)


def test_edit(store):
    (old,), _ = learn(store, "The staging host is kestrel-7.")
    new = store.edit(old.id, "The staging host is merlin-2.", "owner")
    assert (new.text, new.supersedes) == ("The staging host is merlin-2.", old.id)
    with pytest.raises(UnknownMemory, match="superseded"):
        store.edit(old.id, "x", "owner")


def test_bookkeeping_is_written_back(store):
    (memory,), _ = learn(store, "The staging host is kestrel-7.")
    store.studied([memory.id, "mem-gone"], "night-0001")
    store.examined("t", "ver-1", {memory.id}, "night-0001")
    store.examined("t", "ver-2", set(), "night-0002")
    store.used([memory.id])
    store.surprised({memory.id: 2.5})
    now = store.memory(memory.id)
    assert (now.learnt_in, now.graduated, now.uses, now.surprise) == (
        "night-0001",
        ("ver-1",),
        1,
        2.5,
    )


def test_a_memory_that_was_of_use_comes_first_among_equals(store):
    if not isinstance(store, SqliteStore):
        pytest.skip("the fake ranks by shared words alone")
    (first,), _ = learn(store, "The north gate opens with code seven.")
    (second,), _ = learn(store, "The south gate opens with code seven.")
    assert store.recall("t", "gate code", 1)[0][0].id == second.id
    for _ in range(8):
        store.used([first.id])
    assert store.recall("t", "gate code", 1)[0][0].id == first.id


def test_what_people_said_is_found_until_it_is_taken_out(store):
    messages = [
        {"role": "user", "content": "I hiked up Mount Talinda, what a view!"},
        {"role": "assistant", "content": "Mount Talinda is in my words, too."},
        {"role": "user", "content": "The door code of the lab is 4417."},
    ]
    store.absorb(conversation(messages, "default", "a walk", at="2024-05-08T10:00:00"))
    passage, score = store.passages("default", "Mount Talinda", 5)[0]
    assert passage.text.startswith("I hiked")
    assert score > 0
    assert store.passages("other", "Mount Talinda", 5) == []
    (code,) = [m for m in store.memories("default") if "4417" in m.text]
    assert [p for p, _ in store.passages("default", "the lab door code", 5) if "4417" in p.text]
    store.retire(code.id, "owner")
    assert not [p for p, _ in store.passages("default", "the lab door code", 5) if "4417" in p.text]


def tell_many(store, count, tenant="t", kind="door"):
    """Store statements about different things in one reading; return their memories."""
    reading = said("Here is a list.", tenant)
    findings = tuple(
        replace(reading.findings[0], text=f"The code of {kind} {n} is 7{n}.", key=f"{kind}|{n}")
        for n in range(count)
    )
    return store.absorb(replace(reading, findings=findings))[0]


def sizes(store, tenant="t"):
    return [(p.number, len(store.page(tenant, p.source, p.number))) for p in store.pages(tenant)]


def test_a_source_is_divided_into_pages_and_a_correction_stays_in_its_own(store):
    told = tell_many(store, 2 * PAGE + 1)
    assert sizes(store) == [(1, PAGE), (2, PAGE), (3, 1)]
    source = told[0].source
    assert [m for p in store.pages("t") for m in store.page("t", source, p.number)] == told
    edited = store.edit(told[0].id, "The code of door 0 is 9.", "owner")
    assert edited.id in {m.id for m in store.page("t", source, 1)}
    store.retire(told[1].id, "owner")
    assert sizes(store) == [(1, PAGE - 1), (2, PAGE), (3, 1)]
    tell_many(store, 1, kind="gate")  # the first page is full for good
    assert sizes(store) == [(1, PAGE - 1), (2, PAGE), (3, 2)]
    assert store.page("t", source, 4) == []


def listed(store, view, tenant="t", part=3, **named):
    """Return a listing put together from its parts, each asked for after the last one's end."""
    found = store.browse(tenant, view, limit=part, **named)
    while found and (more := store.browse(tenant, view, limit=part, after=found[-1].id, **named)):
        found += more
    return found


def test_a_listing_comes_in_parts_newest_first_by_view(store):
    told = tell_many(store, 7)
    tell_many(store, 2, tenant="other")
    (web,), _ = store.absorb(lower("The office is in Lund.", Trust.WEB))
    (secret,), _ = store.absorb(lower("The api key is sk-12345-abcde.", Trust.WEB))
    edited = store.edit(told[0].id, "The code of door 0 is 9.", "owner")
    retired = store.retire(told[1].id, "owner")
    live = [edited, secret, web, *told[:1:-1]]
    assert listed(store, "live") == live == store.memories("t")[::-1]
    assert listed(store, "waiting") == [web]
    assert [m.id for m in listed(store, "superseded")] == [told[0].id]
    assert listed(store, "retired") == [retired]
    assert listed(store, "all") == store.memories("t", include_retired=True)[::-1]
    assert store.counts("t") == {
        "all": 10, "live": 8, "waiting": 1, "superseded": 1, "retired": 1,
    }  # fmt: skip
    assert store.browse("t", "retired", words=["code", "DOOR"], limit=9) == [retired]
    assert store.browse("t", "all", words=["code", "barn"], limit=9) == []
    # Nobody finds a secret by trying words.
    assert store.browse("t", "live", words=["api"], limit=9) == [secret]
    assert store.browse("t", "live", words=["sk-12345"], limit=9) == []
    assert store.counts("other")["live"] == 2
    assert listed(store, "live", source=told[0].source) == live
    assert listed(store, "live", source="elsewhere") == []
    store.approve(web.id, "owner")
    assert listed(store, "waiting") == []
    # A cursor keeps its place when its memory is taken out; it is nobody's once that is forgotten.
    first = store.browse("t", limit=4)
    store.retire(first[-1].id, "owner")
    assert store.browse("t", limit=9, after=first[-1].id) == live[4:]
    store.remove([first[-1].id])
    for tenant, after in (("t", first[-1].id), ("other", edited.id)):
        with pytest.raises(UnknownMemory):
            store.browse(tenant, limit=9, after=after)


@pytest.mark.parametrize("word", ["ärger", "ÄRGER", "A\u0308rger", "STRASSE"])
def test_a_listing_knows_the_letters_of_every_script(store, word):
    (told,), _ = store.absorb(said("Ärger heißt die Katze in der Straße.", "t"))
    retired = store.retire(told.id, "owner")
    assert store.browse("t", "retired", words=[word], limit=5) == [retired]


def test_what_was_told_since_is_read_on(store):
    told = tell_many(store, 5)
    store.absorb(read_document("# House\n\nThe key hangs behind the boiler.", "t", "a.md", "House"))
    tell_many(store, 1, tenant="other")
    first = store.told("t", 0, 3)
    assert [m for _, m in first] == told[:3]
    store.retire(told[3].id, "owner")
    store.remove([told[4].id])
    (new,) = tell_many(store, 1, kind="gate")
    assert [m for _, m in store.told("t", first[-1][0], 9)] == [new]


def test_the_revision_of_a_page_tells_of_all_that_may_show(store):
    told = tell_many(store, PAGE + 1)
    (web,), _ = store.absorb(lower("The office is in Lund.", Trust.WEB))
    tell_many(store, 1, tenant="other")
    for change, moved in (
        (lambda: store.used([told[0].id]), []),
        (lambda: store.surprised({told[0].id: 1.5}), []),
        (lambda: store.studied([told[0].id], "night-0001"), []),
        (lambda: store.examined("t", "ver-1", {told[0].id}, "night-0001"), []),
        (lambda: tell_many(store, 1, tenant="other", kind="gate"), []),
        (lambda: tell_many(store, 1, kind="gate"), [2]),
        (lambda: store.edit(told[1].id, "The code of door 1 is 9.", "owner"), [1]),
        (lambda: store.approve(web.id, "owner"), [2]),
        (lambda: store.retire(told[2].id, "owner"), [1]),
        (lambda: store.remove([told[3].id]), [1]),
    ):
        before = {p.number: p.revision for p in store.pages("t")}
        change()
        after = {p.number: p.revision for p in store.pages("t")}
        assert [n for n in after if after[n] != before[n]] == moved


def test_a_forgotten_source_has_no_pages(store):
    told = tell_many(store, PAGE + 1)
    learn(store, "The staging host is kestrel-7.", tenant="other")
    store.remove([m.id for m in told[:PAGE]])
    assert sizes(store) == [(2, 1)]
    store.remove([told[-1].id])
    assert store.pages("t") == []
    assert len(store.pages("other")) == 1
    tell_many(store, 1)
    assert sizes(store) == [(1, 1)]


def test_forgetting_takes_what_was_superseded(store):
    (old,), _ = learn(store, "The staging host is kestrel-7.")
    (new,), _ = learn(store, "The staging host is merlin-2.")
    assert len(store.remove([new.id])) == 2
    for gone in (old.id, new.id):
        with pytest.raises(UnknownMemory):
            store.memory(gone)
        assert store.history(gone) == []
    assert store.recall("t", "staging host", 5) == []


def test_an_unknown_id_erases_nothing(store):
    (memory,), _ = learn(store, "The staging host is kestrel-7.")
    with pytest.raises(UnknownMemory, match="mem-0"):
        store.remove([memory.id, "mem-0"])
    assert store.memories("t") == [memory]


def test_recall_finds_other_forms_of_a_word_and_stays_in_its_tenant(store):
    (near,), _ = learn(store, "The backups are stored in Lund.")
    learn(store, "The office cat is called Biscuit.")
    learn(store, "The backup is stored in Oslo.", tenant="other")
    found = store.recall("t", "Where do we store a backup?", 5)
    assert [m.id for m, _ in found] == [near.id]
    assert store.recall("t", "", 5) == []
    assert store.recall("t", '") OR * NEAR(', 5) == []


def test_what_a_person_took_out_is_not_recalled_and_its_source_does_not_bring_it_back(store):
    text = "# House\n\nThe key hangs behind the boiler.\n\n# Yard\n\nThe gate closes at nine."
    added, _ = store.absorb(read_document(text, "t", "a.md", "House"))
    out = [m for m in added if "boiler" in m.text]
    for memory in out:
        assert store.retire(memory.id, "owner").status is MemoryStatus.RETIRED
    store.absorb(read_document(text.replace("nine", "ten"), "t", "a.md", "House"))
    assert not any("boiler" in m.text for m in store.memories("t"))
    assert store.recall("t", "key behind the boiler", 5) == []
    assert [h["action"] for h in store.history(out[0].id)] == ["added", "retired"]
    with pytest.raises(UnknownMemory, match="retired"):
        store.retire(out[0].id, "owner")
    (again,), _ = learn(store, out[-1].text)  # a person may say it once more
    assert again in store.memories("t")


def lower(text, trust, tenant="t"):
    """Return a statement of a lower tier."""
    reading = said(text, tenant, speaker="somebody")
    return replace(reading, findings=tuple(replace(f, trust=trust) for f in reading.findings))


def test_who_is_less_trusted_replaces_nothing_and_waits(store):
    (own,), _ = learn(store, "The staging host is kestrel-7.")
    (other,), superseded = store.absorb(lower("The staging host is evil-1.", Trust.WEB))
    assert superseded == []
    assert trainable(own)
    assert not trainable(other)
    assert {m.id for m in store.memories("t")} == {own.id, other.id}
    assert store.absorb(lower("The staging host is kestrel-7.", Trust.USER)) == ([], [])


def test_the_owners_word_replaces_what_others_said_and_approval_makes_it_the_owners(store):
    (web,), _ = store.absorb(lower("The staging host is heron-4.", Trust.WEB))
    assert trainable(store.approve(web.id, "owner"))
    assert store.history(web.id)[-1]["action"] == "approved"
    assert store.absorb(lower("The staging host is evil-1.", Trust.TOOL))[1] == []
    (own,), gone = learn(store, "The staging host is merlin-2.")
    assert len(gone) == 2
    assert store.memories("t") == [own]
    with pytest.raises(UnknownMemory, match="superseded"):
        store.approve(web.id, "owner")


def test_the_owners_correction_of_what_others_said_is_the_owners(store):
    (web,), _ = store.absorb(lower("The staging host is heron-4.", Trust.WEB))
    assert trainable(store.edit(web.id, "The staging host is heron-5.", "owner"))


def test_the_same_words_count_when_they_are_said_anew_or_by_somebody_more_trusted(store):
    (web,), _ = store.absorb(lower("The staging host is heron-4.", Trust.WEB))
    (own,), gone = learn(store, "The staging host is heron-4.")
    assert [m.id for m in gone] == [web.id]
    assert trainable(own)
    store.retire(own.id, "owner")
    (again,), _ = learn(store, "The staging host is heron-4.")
    assert store.memories("t") == [again]
    assert learn(store, "The staging host is heron-4.") == ([], [])


def test_a_damaged_index_is_built_anew_by_the_next_search(tmp_path):
    store = SqliteStore(Workspace.create(tmp_path, ""))
    learn(store, "The staging host is kestrel-7.")
    store.absorb(
        conversation([{"role": "user", "content": "What a view from Talinda!"}], "t", "a walk")
    )
    for table in ("recall_data", "said_data"):
        store.connection.execute(
            f"UPDATE {table} SET block = randomblob(length(block)) WHERE id > 10"
        )
    again = SqliteStore(Workspace(tmp_path))
    assert [m.text for m, _ in again.recall("t", "staging host", 5)] == [
        "The staging host is kestrel-7."
    ]
    assert [p.text for p, _ in again.passages("t", "Talinda", 5)] == ["What a view from Talinda!"]


def test_a_database_from_before_there_were_pages_is_divided(tmp_path):
    store = SqliteStore(Workspace.create(tmp_path, ""))
    told = tell_many(store, 2 * PAGE)
    learn(store, "The staging host is kestrel-7.", tenant="other")
    store.retire(told[0].id, "owner")
    before_pages(store)
    again = SqliteStore(Workspace(tmp_path))
    assert sizes(again) == [(1, PAGE), (2, PAGE - 1)]
    assert again.page("t", "said", 1) == again.memories("t")[:PAGE]
    assert sizes(again, "other") == [(1, 1)]
    tell_many(again, 2, kind="gate")
    assert sizes(again) == [(1, PAGE), (2, PAGE), (3, 1)]


def test_what_waits_is_known_of_memories_from_before_that_was_written_down(tmp_path):
    store = SqliteStore(Workspace.create(tmp_path, ""))
    learn(store, "The staging host is kestrel-7.")
    (web,), _ = store.absorb(lower("The office is in Lund.", Trust.WEB))
    before_pages(store)
    assert SqliteStore(Workspace(tmp_path)).browse("t", "waiting", limit=9) == [web]


def before_pages(store):
    """Put a store's tables back to what they were before there were pages."""
    for statement in (
        "DROP TRIGGER page_of_added", "DROP TRIGGER page_of_changed", "DROP TRIGGER page_of_erased",
        "DROP TABLE pages", "DROP INDEX memories_by_page", "ALTER TABLE memories DROP COLUMN page",
        "DROP TRIGGER answers_of_erased", "DROP TABLE completions", "DROP TABLE feedback",
        "DROP INDEX memories_by_tenant", "DROP INDEX memories_by_status", "DROP INDEX memories_waiting", "DROP INDEX memories_told",
        "ALTER TABLE memories DROP COLUMN waits",
        "UPDATE schema_versions SET version = 4 WHERE room = 'memory'",
    ):  # fmt: skip
        store.connection.execute(statement)


def code(text, source="repo#a.py", because="", moved=(), **findings):
    """A reading of a source of code; each finding is (text, what it replaces)."""
    episode = Episode(
        "ep-" + text, "t", SourceKind.CODE, source, source, text, f"{source} {text}", "2026-01-01"
    )
    rows = tuple(
        Finding(said, "code.function", {}, None, "code", f"code:{key}", replaces=olds)
        for key, (said, olds) in findings.items()
    )
    return Reading(episode, rows, because=because, moved=moved)


def test_what_a_source_lost_is_retired_with_the_reason_that_it_gives(store):
    (old,), _ = store.absorb(code("1", f=("f adds.", ())))
    _, (gone,) = store.absorb(code("2", because="commit 1a2b"))
    assert (gone.id, gone.status, gone.ended_by) == (old.id, MemoryStatus.RETIRED, "commit 1a2b")
    assert store.history(old.id)[-1]["actor"] == "commit 1a2b"
    (new,), _ = store.absorb(code("3", because="commit 3c4d", f=("f adds.", ())))
    assert (new.text, new.ended_by) == ("f adds.", "")


def test_a_finding_takes_the_place_of_a_memory_in_another_source(store):
    (old,), _ = store.absorb(code("1", f=("f adds.", ())))
    (new,), (gone,) = store.absorb(code("2", "repo#b.py", "commit 1a2b", f=("f adds.", (old.id,))))
    assert (new.supersedes, new.source, gone.status) == (
        old.id,
        "repo#b.py",
        MemoryStatus.SUPERSEDED,
    )
    assert store.absorb(code("3", because="commit 1a2b")) == ([], [])
    assert store.memories("t") == [new]


def test_what_another_reading_takes_over_is_not_retired_meanwhile(store):
    (old,), _ = store.absorb(code("1", f=("f adds.", ())))
    assert store.absorb(code("2", because="commit 1a2b", moved=(old.id,))) == ([], [])
    (new,), _ = store.absorb(code("3", "repo#b.py", "commit 1a2b", g=("g adds.", (old.id,))))
    assert store.memories("t") == [new]
    assert store.memory(old.id).key == "code:g"


def test_nobodys_memory_is_replaced_from_another_tenant(store):
    (old,), _ = store.absorb(code("1", f=("f adds.", ())))
    other = code("2", g=("g adds.", (old.id,)))
    store.absorb(replace(other, episode=replace(other.episode, tenant="u")))
    assert store.memory(old.id).status is MemoryStatus.LIVE
