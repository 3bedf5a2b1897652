"""mem0's methods on our memory: its names and shapes, our rules of trust, tenants and deletion."""

import gc
from pathlib import Path

import pytest

from nightschool.curate import review
from nightschool.errors import (
    ConfigError,
    NotEntitled,
    SourceMalformed,
    UnknownMemory,
    WorkspaceMissing,
)
from nightschool.registry.versions import Registry
from nightschool.serve.mem0 import Memory
from nightschool.trust import trainable
from nightschool.wire import open_school
from nightschool.workspace import Workspace

TALK = [
    {"role": "user", "content": "The staging host is kestrel-7."},
    {"role": "assistant", "content": "Noted. The office cat is called Biscuit."},
]


@pytest.fixture
def folder(tmp_path):
    Workspace.create(tmp_path, "")
    return tmp_path


@pytest.fixture
def memory(folder):
    return Memory(folder)


def texts(answer):
    return [one["memory"] for one in answer["results"]]


def test_what_a_user_says_is_kept_and_never_the_assistants_words(memory):
    (made,) = memory.add(TALK, user_id="ada")["results"]
    assert made["event"] == "ADD"
    assert made["memory"] == "The staging host is kestrel-7."
    (found,) = memory.search("Which staging host?", filters={"user_id": "ada"})["results"]
    assert found["score"] > 0
    assert {k: found[k] for k in ("id", "memory", "user_id")} == {
        "id": made["id"],
        "memory": made["memory"],
        "user_id": "ada",
    }
    assert found["created_at"] == found["updated_at"]
    assert found["metadata"]["caution"] == "(unconfirmed, user)"
    assert found == {**memory.get(made["id"], user_id="ada"), "score": found["score"]}
    assert memory.search("Biscuit", user_id="ada") == {"results": []}


def test_the_same_again_adds_nothing_and_an_earlier_value_counts_again(memory):
    def say(place):
        return memory.add(f"The staging host is {place}.", user_id="ada")["results"]

    (first,) = say("kestrel-7")
    assert say("kestrel-7") == []
    (second,) = say("merlin-2")
    assert second["supersedes"] == first["id"]
    assert len(say("kestrel-7")) == 1
    assert texts(memory.get_all(user_id="ada")) == ["The staging host is kestrel-7."]


def test_word_for_word(memory, folder):
    said = [{"role": "user", "name": "Ada", "content": "  Blue   is nice, I'd say "}]
    assert texts(memory.add(said, user_id="ada", infer=False)) == ["Blue is nice, I'd say"]
    with pytest.raises(SourceMalformed, match="assistant"):
        memory.add(TALK, user_id="ada", infer=False)
    assert len(memory.get_all(user_id="ada")["results"]) == 1


def test_a_conversation_that_states_nothing_leaves_nothing(memory, folder):
    assert memory.add("What is the time, heliotrope?", user_id="ada") == {"results": []}
    assert not any(b"heliotrope" in path.read_bytes() for path in folder.glob("nightschool.db*"))


def test_no_call_crosses(memory):
    (made,) = memory.add(TALK, user_id="ada")["results"]
    for call in (memory.get, memory.delete, memory.history):
        with pytest.raises(UnknownMemory, match="bob"):
            call(made["id"], user_id="bob")
    with pytest.raises(UnknownMemory, match="bob"):
        memory.update(made["id"], "The staging host is merlin-2.", user_id="bob")
    assert memory.get_all(user_id="bob") == memory.search("staging", user_id="bob")
    assert memory.delete_all(user_id="bob")["receipt"] is None
    assert texts(memory.get_all(user_id="ada")) == ["The staging host is kestrel-7."]


def test_an_update_is_a_new_record_with_a_history(memory, folder):
    (made,) = memory.add(TALK, user_id="ada")["results"]
    done = memory.update(made["id"], "The staging host is merlin-2.", user_id="ada")
    assert done["message"] == "Memory updated successfully!"
    new = memory.get(done["id"], user_id="ada")
    assert (new["memory"], new["metadata"]["trust"]) == ("The staging host is merlin-2.", "user")
    assert texts(memory.get_all(user_id="ada")) == ["The staging host is merlin-2."]
    assert [
        (row["event"], row["old_memory"], row["new_memory"])
        for row in memory.history(done["id"], user_id="ada")
        if row["event"] in ("ADD", "UPDATE")
    ] == [
        ("ADD", None, "The staging host is kestrel-7."),
        ("UPDATE", "The staging host is kestrel-7.", "The staging host is merlin-2."),
    ]
    with pytest.raises(UnknownMemory, match="superseded"):
        memory.get(made["id"], user_id="ada")
    with pytest.raises(UnknownMemory, match="superseded"):
        memory.update(made["id"], "It is heron.", user_id="ada")
    assert (
        memory.update(done["id"], "The staging host is merlin-2.", user_id="ada")["id"]
        == (done["id"])
    )
    with pytest.raises(SourceMalformed, match="empty"):
        memory.update(done["id"], "  ", user_id="ada")


def test_who_is_less_trusted_changes_nothing_of_the_owners(memory, folder):
    owner = Memory.of_owner(folder, user_id="ada")
    (own,) = owner.add("The staging host is kestrel-7.")["results"]
    assert trainable(open_school(folder, tenant="ada").memory(own["id"]))
    with pytest.raises(NotEntitled, match="more trusted"):
        memory.update(own["id"], "The staging host is evil-1.", user_id="ada")
    with pytest.raises(NotEntitled, match="more trusted"):
        memory.delete(own["id"], user_id="ada")
    (other,) = memory.add("The staging host is evil-1.", user_id="ada")["results"]
    with pytest.raises(NotEntitled, match=own["id"]):
        memory.delete_all("ada")
    with pytest.raises(NotEntitled, match="says that already"):
        memory.update(other["id"], "The staging host is kestrel-7.", user_id="ada")
    review(open_school(folder, tenant="ada"), [other["id"]], approve=True)
    with pytest.raises(NotEntitled, match=other["id"]):
        memory.delete(other["id"], user_id="ada")
    done = owner.update(other["id"], "The staging host is merlin-2.")
    assert trainable(open_school(folder, tenant="ada").memory(done["id"]))
    owner.delete_all()
    assert owner.get_all() == {"results": []}


def test_a_tier_below_the_users_is_below_the_users(folder):
    (made,) = Memory(folder, user_id="ada").add(TALK)["results"]
    web = Memory(folder, user_id="ada", trust="web")
    with pytest.raises(NotEntitled):
        web.update(made["id"], "The staging host is evil-1.")
    (low,) = web.add("The staging host is evil-1.")["results"]
    assert low["supersedes"] is None
    with pytest.raises(ConfigError, match="owner"):
        Memory(folder, trust="owner")


def test_deleting_leaves_no_byte(memory, folder):
    (first,) = memory.add("The staging host is kestrel-7.", user_id="ada")["results"]
    (second,) = memory.add("The staging host is merlin-2.", user_id="ada")["results"]
    memory.add("The office cat is called Biscuit.", user_id="ada")
    memory.add("The office cat is called Gertrude.", user_id="bob")
    before = memory.get_all(user_id="bob")
    done = memory.delete(second["id"], user_id="ada")
    assert len(done["receipt"]["tombstones"]) == 2
    with pytest.raises(UnknownMemory):
        memory.history(first["id"], user_id="ada")
    assert memory.delete_all("ada")["message"] == "Memories deleted successfully!"
    everything = b"".join(p.read_bytes() for p in folder.rglob("*") if p.is_file())
    assert not [w for w in (b"kestrel-7", b"merlin-2", b"Biscuit") if w in everything]
    assert memory.get_all(user_id="bob") == before


def test_a_secret_is_masked(memory):
    (made,) = memory.add("The staging password is hunter2!x.", user_id="ada")["results"]
    assert "hunter2" not in str(
        [made, memory.get_all(user_id="ada"), memory.history(made["id"], user_id="ada")]
    )
    assert "[secret]" in made["memory"]


def test_a_line_edited_in_the_files_is_found(memory, folder):
    memory.add(TALK, user_id="ada")
    (path,) = [p for p in (folder / "memories/ada").glob("*.md") if "kestrel" in p.read_text()]
    path.write_text(path.read_text().replace("kestrel-7", "merlin-2"))
    assert texts(memory.get_all(user_id="ada")) == ["The staging host is merlin-2."]


def test_an_assistant_that_only_calls_a_tool_says_nothing(memory):
    call = {"role": "assistant", "content": None, "tool_calls": []}
    assert len(memory.add([*TALK, call], user_id="ada")["results"]) == 1
    assert memory.add([call], user_id="ada") == {"results": []}


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="counts open files by /proc")
def test_no_call_leaves_a_file_open(memory):
    memory.add(TALK, user_id="ada")
    gc.collect()
    gc.disable()
    try:
        before = len(list(Path("/proc/self/fd").iterdir()))
        for _ in range(5):
            memory.get_all(user_id="ada")
            memory.search("host", user_id="ada")
        assert len(list(Path("/proc/self/fd").iterdir())) == before
    finally:
        gc.enable()


def test_a_killed_deletion_is_finished_before_a_search(memory, folder, killed_at):
    (made,) = memory.add(TALK, user_id="ada")["results"]
    with killed_at(Registry, "erase_weights"):
        memory.delete(made["id"], user_id="ada")
    assert memory.search("staging host", user_id="ada") == {"results": []}
    with pytest.raises(UnknownMemory):  # not only retired
        memory.history(made["id"], user_id="ada")


def test_nothing_passed_is_ignored(memory, folder):
    with pytest.raises(ConfigError, match="metadata"):
        memory.add(TALK, user_id="ada", metadata={"topic": "hosts"})
    with pytest.raises(ConfigError, match="agent_id"):
        memory.search("host", filters={"user_id": "ada", "agent_id": "x"})
    with pytest.raises(ConfigError, match="one user"):
        memory.search("host")
    with pytest.raises(ConfigError, match="one user"):
        memory.get_all(user_id="ada", filters={"user_id": "bob"})
    with pytest.raises(ConfigError, match="one user"):
        Memory(folder, user_id="ada").get_all(user_id="bob")
    with pytest.raises(ConfigError, match="they are one"):
        memory.search("host", user_id="ada", top_k=3, limit=3)
    for number in (0, True, "3"):
        with pytest.raises(ConfigError, match="whole number"):
            memory.get_all(user_id="ada", top_k=number)
    with pytest.raises(ConfigError, match="tenant"):
        memory.get_all(user_id="../bob")
    for wrong in ([], ["The host is x."], [{"role": "user", "content": None}], [{"role": "robot"}]):
        with pytest.raises(SourceMalformed):
            memory.add(wrong, user_id="ada")
    with pytest.raises(TypeError, match="run_id"):
        memory.add(TALK, user_id="ada", run_id="r")
    assert memory.get_all(user_id="ada") == {"results": []}


def test_a_search_returns_no_more_than_asked(memory):
    for name in ("heron", "walrus", "obsidian"):
        memory.add(f"The host of {name} is in rack {len(name)}.", user_id="ada")
    assert len(memory.search("host", user_id="ada", limit=2)["results"]) == 2
    assert len(memory.get_all(user_id="ada", top_k=1)["results"]) == 1


def test_where_there_is_no_workspace(tmp_path):
    with pytest.raises(WorkspaceMissing):
        Memory(tmp_path / "nowhere")
