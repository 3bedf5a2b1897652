"""The house: aliases move once an engine runs, leases last, tenants are apart, what is forgotten is gone."""

import threading

import pytest

from nightschool.day import aid_for, remember
from nightschool.errors import (
    LeaseCut,
    ModelCorrupt,
    ServiceBusy,
    TaintedVersion,
    UnknownVersion,
)
from nightschool.forget import forget, unfinished
from nightschool.hosting import House, wanted
from nightschool.models.fake_engine import FakeEngine
from nightschool.registry.versions import Registry
from nightschool.types import Decision, Version, now
from nightschool.wire import open_school
from nightschool.workspace import Workspace


def test_a_models_name_says_who_answers_and_how():
    assert wanted("live") == ("live", False, False)
    assert wanted("ver-1:closed-book") == ("ver-1", True, False)
    assert wanted("base:memory") == ("base", False, True)
    with pytest.raises(UnknownVersion, match="after the colon"):
        wanted("live:loud")


def test_before_any_night_the_base_answers(hosted):
    house = hosted().house
    with house.lease("default", "live") as lease:
        assert lease.version_id == "base"
        assert lease.fields == {"model": "base"}
    with pytest.raises(UnknownVersion):
        house.lease("default", "ver-none")


def test_a_request_stays_on_the_version_it_began_with(hosted):
    own = hosted()
    own.version("ver-1")
    own.version("ver-2")
    old = own.house.lease("default", "live")
    assert old.version_id == "ver-2"
    own.version("ver-3")
    assert own.house.lease("default", "live").version_id == "ver-2"  # not told yet
    own.house.refresh("default")
    assert own.house.lease("default", "live").version_id == "ver-3"
    assert own.house.lease("default", "previous").version_id == "ver-2"
    assert old.engine.alive()
    old.check()


def test_the_new_versions_engine_runs_before_a_request_gets_it(hosted):
    own = hosted()
    own.version("ver-1")
    own.house.lease("default", "live").close()
    own.version("ver-2")
    own.broken.add("ver-2")
    with pytest.raises(ModelCorrupt):
        own.house.refresh("default")
    assert own.house.aliases("default")["live"] == "ver-1"
    own.house.look()  # the same again changes nothing and is not tried again
    assert own.house.lease("default", "live").version_id == "ver-1"


def test_a_version_whose_engine_was_mended_is_followed_when_it_is_promoted_again(hosted):
    own = hosted()
    own.version("ver-1")
    own.house.lease("default", "live").close()
    own.version("ver-2")
    own.broken.add("ver-2")
    with pytest.raises(ModelCorrupt):
        own.house.refresh("default")
    own.broken.clear()
    own.house.fleet._failed.clear()  # the pause before another try is over
    other = open_school(own.workspace.root)
    decision = Decision(True, ())
    for _ in range(2):  # names that were never served before, and those that are served already
        other.registry.rollback("default")
        own.house.look()
        assert own.house.aliases("default")["live"] == "ver-1"
        other.registry.promote("default", "ver-2", decision, "cli")
        own.house.look()
        assert own.house.aliases("default")["live"] == "ver-2"


def test_an_engine_that_no_alias_needs_stops_with_its_last_lease(hosted):
    own = hosted()
    own.version("ver-1")
    lease = own.house.lease("default", "live")
    for name in ("ver-2", "ver-3"):
        own.version(name)
        own.house.refresh("default")
    assert ["ver-1"] in own.running()
    lease.close()
    lease.close()
    assert sorted(own.running()) == [["ver-2"], ["ver-3"]]
    assert own.house.fleet.leases() == 0


def test_a_promotion_by_another_process_is_followed(hosted):
    own = hosted()
    own.version("ver-1")
    own.house.lease("default", "live").close()
    own.version("ver-2")
    own.house.look()
    assert own.house.aliases("default") == {"live": "ver-2", "previous": "ver-1"}
    other = open_school(own.workspace.root)
    other.registry.rollback("default")
    own.house.look()
    assert own.house.lease("default", "live").version_id == "ver-1"


def test_what_is_forgotten_answers_nobody_any_more(hosted):
    own = hosted()
    own.version("ver-1")
    own.version("ver-2")
    lease = own.house.lease("default", "live")
    with own.house.school("default") as school:
        school.registry.taint(["mem-ver-2"], ["gone"])
        school.registry.rollback("default")
    own.house.evict(["ver-2"])
    with pytest.raises(LeaseCut):
        lease.check()
    assert not lease.engine.alive()
    with pytest.raises(TaintedVersion):
        own.house.lease("default", "ver-2")
    assert own.house.lease("default", "live").version_id == "ver-1"


def test_a_deletion_by_another_process_is_seen(hosted):
    own = hosted()
    own.version("ver-1")
    lease = own.house.lease("default", "live")
    other = open_school(own.workspace.root)
    other.registry.taint(["mem-ver-1"], ["gone"])
    other.registry.rollback("default", keep_base=True)
    own.house.look()
    assert lease.cut
    assert own.house.lease("default", "live").version_id == "base"


def test_a_deletion_by_another_process_is_seen_where_no_engine_runs(hosted):
    own = hosted("[serve]\nengines = 1\n")
    for name in ("ver-1", "ver-2"):
        own.version(name, serve=False)
        own.house.lease("default", name).close()
    assert own.running() == [["ver-2"]]
    open_school(own.workspace.root).registry.taint(["mem-ver-1"], ["gone"])
    own.house.look()
    with pytest.raises(TaintedVersion):
        own.house.lease("default", "ver-1")
    own.house.lease("default", "ver-2").close()


def asked(house):
    with house.school("default") as school:
        return aid_for(school, "What is the staging host called?", "base").question


@pytest.fixture
def half_forgotten(hosted, killed_at):
    """Return a house in whose workspace a deletion was killed."""
    own = hosted()
    with own.house.school("default") as school:
        remember(school, "The staging host is kestrel-7.")
    school = open_school(own.workspace.root)
    with killed_at(Registry, "erase_weights"):
        forget(school, [memory.id for memory in school.store.memories("default")])
    assert unfinished(school)
    return own


def test_a_killed_deletion_is_finished_before_a_request_recalls(half_forgotten):
    assert "kestrel-7" not in asked(half_forgotten.house)


def test_a_killed_deletion_is_finished_once_the_workspace_is_free(half_forgotten, caplog):
    own = half_forgotten
    with own.workspace.lock("a night"):
        house = House(own.workspace, lambda school, versions: FakeEngine())
        for _ in range(3):
            house.look()
    assert caplog.text.count("in use by") == 1
    house.look()
    assert not unfinished(open_school(own.workspace.root))
    assert "kestrel-7" not in asked(house)
    house.close()


def test_what_people_edit_is_recalled_while_the_server_runs(hosted):
    own = hosted()
    with own.house.school("default") as school:
        remember(school, "The staging host is kestrel-7.")
    (path,) = own.workspace.memories.rglob("said*.md")
    path.write_text(path.read_text().replace("kestrel-7", "merlin-2"))
    own.house.look()
    assert "merlin-2" in asked(own.house)
    with own.workspace.lock_memory("a test"):
        own.house.look()  # nothing was edited: nothing is waited for


def test_a_file_that_is_no_text_is_named_and_stops_nobody(hosted, caplog):
    own = hosted()
    with own.house.school("default") as school:
        remember(school, "The staging host is kestrel-7.")
    own.house.close()
    (path,) = own.workspace.memories.rglob("said*.md")
    text = path.read_text()
    path.write_bytes(text.encode().replace(b"kestrel", b"kestr\xe9l"))
    house = House(own.workspace, lambda school, versions: FakeEngine())
    house.look()
    assert caplog.text.count(path.name) == 1
    assert "kestrel-7" in asked(house)
    path.write_text(text.replace("kestrel-7", "merlin-2"))
    house.look()
    assert "merlin-2" in asked(house)
    house.close()


def test_adapters_share_their_bases_engine_and_leave_it_when_forgotten(hosted):
    own = hosted()
    own.version("ver-a", "ada", "lora")
    own.version("ver-b", "bob", "lora")
    ada = own.house.lease("ada", "live")
    bob = own.house.lease("bob", "live")
    assert bob.engine.versions == ["base", "ver-a", "ver-b"]
    assert ada.engine.alive()  # until its lease ends
    assert "cache_salt" in own.house.lease("ada", "live").fields
    own.house.evict(["ver-a"])
    assert ada.cut
    assert not bob.cut
    assert bob.engine.alive()
    again = own.house.lease("bob", "live")
    assert again.engine.versions == ["base", "ver-b"]
    assert again.version_id == "ver-b"


def test_a_tenant_does_not_reach_anothers_versions(hosted):
    own = hosted()
    own.version("ver-a", "ada")
    own.house.lease("ada", "ver-a").close()
    for name in ("ver-a", "ver-a:closed-book"):
        with pytest.raises(UnknownVersion):
            own.house.lease("bob", name)
    assert own.house.lease("bob", "live").version_id == "base"


def test_engines_are_bounded_and_idle_ones_make_room(hosted):
    own = hosted("[serve]\nengines = 1\n")
    for name in ("ver-1", "ver-2", "ver-3"):
        own.version(name)
        own.house.lease("default", name).close()
    assert own.running() == [["ver-3"]]
    busy = [own.house.lease("default", "ver-1"), own.house.lease("default", "ver-2")]
    with pytest.raises(ServiceBusy, match=r"serve\.engines"):
        own.house.lease("default", "ver-3")
    busy[0].close()
    assert own.house.lease("default", "ver-3").version_id == "ver-3"


def test_an_engine_that_died_is_replaced(hosted):
    own = hosted()
    first = own.house.lease("default", "base")
    first.engine.close()
    second = own.house.lease("default", "base")
    assert second.engine is not first.engine
    first.close()
    assert second.engine.alive()


def test_embeddings_stay_on_their_base_when_its_engine_dies(tmp_path):
    bases = []

    def embedder(school, versions):
        bases.append(school.base)
        return FakeEngine()

    workspace = Workspace.create(tmp_path / "school", "")
    house = House(workspace, lambda school, versions: FakeEngine(), embedders=embedder)
    made = Version(
        "ver-1", "default", "night-1", "full", "another-base", "base", (), (), "", 0, {}, now()
    )
    with house.school("default") as school:
        school.registry.add(made)
    old = house.lease_embeddings("default", "ver-1")
    old.engine.close()
    old.close()
    new = house.renew(old)
    assert new.engine.alive()
    assert bases == ["another-base"] * 2
    new.close()
    house.close()


def test_many_threads_get_schools_and_leases(hosted):
    own = hosted()
    failures = []

    def work(number):
        try:
            tenant = f"tenant-{number % 3}"
            with own.house.lease(tenant, "live") as lease, own.house.school(tenant) as school:
                assert school.settings.tenant == tenant == lease.tenant
                school.store.memories(tenant)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(24)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert len(own.engines) == 1
