"""Memories over HTTP: listed in parts, decided, corrected and forgotten; a secret is shown nowhere."""

import pytest

from nightschool.memory.erasure import tombstone
from nightschool.sources.documents import read_document
from nightschool.trust import Trust

FACTS = (
    "The staging host is kestrel-7.",
    "The release branch is heron.",
    "The office cat is called Biscuit.",
    "The guest network is walrus.",
    "The build server is obsidian.",
)


def rows(client, **query):
    answer = client.get("/v1/memories", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def ids(found):
    return [one["id"] for one in found]


def test_a_listing_is_read_part_by_part(served):
    told = [m.id for m in served.tell(*FACTS)]
    found, after = [], None
    while True:
        query = {"limit": 2} | ({"after": after} if after else {})
        answer = served.client.get("/v1/memories", params=query).json()
        assert answer["object"] == "list"
        assert len(answer["data"]) <= 2
        found += ids(answer["data"])
        after = answer["next"]
        if after is None:
            break
    assert found == told[::-1]
    assert ids(rows(served.client, query="Which host is staging?"))[0] == told[0]


def test_each_status_lists_its_own(served):
    host, cat = served.tell(FACTS[0], FACTS[2])
    (waiting,) = served.tell("The old van is called Gertrude.", speaker="bo", trust=Trust.USER)
    (other,) = served.tell("The staging host is merlin-2.", speaker="bo", trust=Trust.USER)
    (newer,) = served.tell("The office cat is called Crumb.")
    client = served.client
    assert ids(rows(client, status="live")) == [newer.id, other.id, waiting.id, host.id]
    assert ids(rows(client, status="waiting")) == [other.id, waiting.id]
    assert ids(rows(client, status="superseded")) == [cat.id]
    conflict = rows(client, status="conflict")
    assert {one["id"]: one["conflicts"] for one in conflict} == {
        host.id: [other.id], other.id: [host.id],
    }  # fmt: skip
    assert {one["status"] for one in conflict} == {"conflict"}
    alone = client.get(f"/v1/memories/{host.id}").json()
    assert (alone["status"], alone["conflicts"]) == ("conflict", [other.id])
    assert ids(rows(client, status="conflict", limit=1, after=host.id)) == [other.id]
    assert len(rows(client)) == 5
    assert client.post(f"/v1/memories/{waiting.id}/approve").json()["status"] == "live"
    gone = client.post(f"/v1/memories/{other.id}/retire").json()
    assert (gone["id"], gone["status"]) == (other.id, "retired")
    assert ids(rows(client, status="retired", query="MERLIN-2")) == [other.id]
    assert rows(client, status="conflict") == rows(client, status="waiting") == []


def test_a_conflict_of_many_memories_is_found_bit_by_bit(served, monkeypatch):
    served.tell("The staging host is kestrel-7.")
    served.tell("The staging host is merlin-2.", speaker="bo", trust=Trust.USER)
    watch = served.app.state.contradictions
    with served.house.school("default") as school:
        assert watch.groups(school, seconds=0.0) == []  # no time to read any
        assert len(watch.groups(school)) == 1


def test_a_memory_is_shown_with_where_it_came_from(served):
    text = "# House\n\nThe key hangs behind the boiler.\n\n# Yard\n\nThe gate closes at nine."
    with served.house.school("default") as school:
        added, _ = school.store.absorb(read_document(text, "default", "a.md", "House"))
    key = next(m for m in added if "boiler" in m.text)
    new = served.client.patch(f"/v1/memories/{key.id}", json={"text": "The key hangs by the door."})
    assert new.status_code == 200, new.text
    served.version("ver-1", [new.json()["id"]])
    found = served.client.get(f"/v1/memories/{new.json()['id']}").json()
    assert [(e["action"], e["memory"]) for e in found["history"]] == [
        ("added", key.id), ("superseded", key.id), ("added", found["id"]),
    ]  # fmt: skip
    assert found["supersedes"] == key.id
    assert found["episode"]["source"] == "a.md"
    assert "behind the boiler" in found["episode"]["excerpt"]
    assert (found["versions"], found["trained"]) == ([], ["ver-1"])


def test_a_secret_is_masked_wherever_it_is_shown(served):
    secret = "hunter2!x"
    told = served.tell(f"The admin password is {secret}.", "The staging host is kestrel-7.")
    client, name = served.client, told[0].id
    shown = [
        client.get("/v1/memories"),
        client.get("/v1/memories", params={"query": "admin password"}),
        client.get(f"/v1/memories/{name}"),
        client.post("/v1/memories", json={"text": f"The root password is {secret}."}),
        client.post(f"/v1/memories/{name}/approve"),
        client.patch(f"/v1/memories/{name}", json={"text": f"The admin password is {secret}5."}),
        client.get("/v1/memories", params={"status": "superseded"}),
        client.post("/v1/forget", json={"memories": [name]}),
        client.get("/metrics"),
    ]
    assert [answer.status_code for answer in shown] == [200] * len(shown)
    assert not [answer.text for answer in shown if secret in answer.text]
    assert "[secret]" in shown[0].text


def test_a_masked_text_does_not_take_the_secrets_place(served):
    (memory,) = served.tell("The admin password is hunter2!x.")
    shown = served.client.get(f"/v1/memories/{memory.id}").json()["text"]
    answer = served.client.patch(f"/v1/memories/{memory.id}", json={"text": shown})
    assert answer.status_code == 400
    assert "secret" in answer.json()["error"]["message"]


def test_forgetting_over_http_erases_as_the_command_does(served):
    host, cat = served.tell(FACTS[0], FACTS[2])
    served.version("ver-1", [host.id])
    served.version("ver-2", [cat.id])
    client = served.client
    assert client.post("/v1/versions/ver-2/promote").status_code == 200
    assert client.post("/v1/versions/ver-1/promote").status_code == 200
    dry = client.post("/v1/forget", json={"memories": [host.id], "dry_run": True}).json()
    assert (dry["memories"], dry["tainted"]) == ([host.id], ["ver-1"])
    assert (dry["live_before"], dry["live_after"]) == ("ver-1", "ver-2")
    assert client.get(f"/v1/memories/{host.id}").status_code == 200
    receipt = client.post("/v1/forget", json={"memories": [host.id]}).json()
    assert receipt["tombstones"] == dry["tombstones"] == [tombstone(host.id)]
    assert (receipt["tainted"], receipt["live_after"]) == (["ver-1"], "ver-2")
    assert client.get(f"/v1/memories/{host.id}").status_code == 404
    assert client.get("/v1/status").json()["live"] == "ver-2"
    asked = {"model": "ver-1", "messages": [{"role": "user", "content": "?"}]}
    assert client.post("/v1/chat/completions", json=asked).status_code == 410
    left = b"".join(p.read_bytes() for p in served.workspace.root.rglob("*") if p.is_file())
    assert b"kestrel-7" not in left
    assert b"Biscuit" in left


def test_a_source_is_forgotten_whole_and_one_without_memories_is_no_error(served):
    with served.house.school("default") as school:
        text = "# House\n\nThe key hangs behind the boiler."
        school.store.absorb(read_document(text, "default", "docs/a.md", "House"))
    served.tell(FACTS[0])
    none = served.client.post("/v1/forget", json={"source": "elsewhere"}).json()
    assert none["tombstones"] == []
    done = served.client.post("/v1/forget", json={"source": "docs"}).json()
    assert len(done["tombstones"]) >= 1
    assert [one["text"] for one in rows(served.client)] == [FACTS[0]]


def test_nobody_states_more_than_its_key_stands_for(served):
    admin, user = served.as_("ada"), served.as_("ada", "memory")
    for client, asked, trust in (
        (admin, None, "owner"), (admin, "web", "web"), (user, None, "user"), (user, "owner", "user"),
    ):  # fmt: skip
        text = f"The code of door {len(rows(admin))} is 7."
        answer = client.post("/v1/memories", json={"text": text, "trust": asked})
        assert answer.json()["added"][0]["trust"] == trust
    assert user.post("/v1/forget", json={"source": "x"}).status_code == 403
    assert served.as_("ada", "chat").get("/v1/memories").status_code == 403


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/v1/memories?limit=0", None),
        ("GET", "/v1/memories?limit=100000", None),
        ("GET", "/v1/memories?status=sideways", None),
        ("GET", "/v1/memories?after=1 OR 1=1", None),
        ("GET", "/v1/memories/..%2f..%2fetc", None),
        ("GET", "/v1/memories/mem-0", None),
        ("GET", "/v1/memories?after=mem-0", None),
        ("POST", "/v1/memories", {"text": " "}),
        ("POST", "/v1/memories", {"text": "x", "role": "admin"}),
        ("POST", "/v1/memories", {"text": "x" * 9000}),
        ("POST", "/v1/memories", {"text": "\x00\x07"}),
        ("PATCH", "/v1/memories/mem-0", {"text": "x"}),
        ("POST", "/v1/memories/mem-0/approve", None),
        ("POST", "/v1/forget", {}),
        ("POST", "/v1/forget", {"memories": ["%"]}),
        ("POST", "/v1/forget", {"memories": ["mem-0"]}),
    ],
)
def test_what_does_not_fit_is_refused_in_one_shape_and_changes_nothing(served, method, path, body):
    (memory,) = served.tell(FACTS[0])
    answer = served.client.request(method, path, json=body)
    assert answer.status_code in (400, 404), answer.text
    assert set(answer.json()["error"]) == {"message", "type", "code", "param"}
    assert ids(rows(served.client)) == [memory.id]


def test_half_a_character_is_refused(served):
    sent = b'{"text": "The code is \\ud800."}'
    headers = {"Content-Type": "application/json"}
    assert served.client.post("/v1/memories", content=sent, headers=headers).status_code == 400
