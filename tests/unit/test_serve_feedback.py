"""Feedback over HTTP: a label on an answer, a correction that waits, and nothing left once it is forgotten."""

import pytest

from nightschool.feedback import labels
from nightschool.types import Verdict

ASKED = "chatcmpl-00000000000000aa"
TALK = [("user", "What is the staging host called?"), ("assistant", "The old one.")]


def give(client, **said):
    return client.post("/v1/feedback", json={"completion": ASKED, **said})


def test_thumbs_and_tests_become_a_label_and_a_test_counts_first(served):
    served.episode(ASKED, TALK)
    for said, label in (
        ({"verdict": "up"}, "correct"),
        ({"verdict": "down"}, "wrong"),
        ({"passed": True}, "correct"),
        ({"verdict": "down"}, "correct"),
    ):
        answer = give(served.client, **said)
        assert answer.status_code == 200, answer.text
        assert answer.json()["label"] == label
    assert answer.json()["episode"] == "ep-00000000000000aa"
    with served.house.school("default") as school:
        score = labels(school)[ASKED]
        assert (score.verdict, score.value, score.reason) == (Verdict.CORRECT, 1.0, "test")


@pytest.mark.parametrize(
    ("correction", "remembered"),
    [
        ("The staging host is called merlin-2.", "The staging host is called merlin-2."),
        ("merlin-2", 'The answer to "What is the staging host called?" is: merlin-2'),
    ],
)
def test_a_correction_becomes_a_statement_that_waits(served, correction, remembered):
    served.episode(ASKED, TALK)
    answer = give(served.client, correction=correction).json()
    assert answer["label"] == "wrong"
    (waiting,) = served.client.get("/v1/memories", params={"status": "waiting"}).json()["data"]
    assert answer["memories"] == [waiting["id"]]
    assert (waiting["text"], waiting["trust"]) == (remembered, "user")
    again = give(served.client, correction=correction).json()
    assert again["memories"] == []


def test_a_key_that_stores_nothing_sends_no_correction(served):
    served.episode(ASKED, TALK, tenant="ada")
    _, token = served.house.keys.create("ada", "", ("chat",), store=False)
    headers = {"Authorization": f"Bearer {token}"}
    body = {"completion": ASKED, "correction": "The project is called Zeppelin."}
    refused = served.client.post("/v1/feedback", json=body, headers=headers)
    assert (refused.status_code, "is kept" in refused.text) == (403, True)
    with served.house.school("ada") as school:
        assert not [m for m in school.store.memories("ada") if "Zeppelin" in m.text]
    body = {"completion": ASKED, "verdict": "down"}
    assert served.client.post("/v1/feedback", json=body, headers=headers).status_code == 200


def test_a_correction_of_a_user_takes_no_place_of_the_owners_word(served):
    served.episode(ASKED, TALK)
    (own,) = served.tell("The staging host is called kestrel-7.")
    give(served.client, correction="The staging host is called merlin-2.")
    live = served.client.get("/v1/memories", params={"status": "live"}).json()["data"]
    assert own.id in [memory["id"] for memory in live]
    assert len(served.client.get("/v1/memories", params={"status": "conflict"}).json()["data"]) == 2


def test_an_answer_of_the_service_can_be_judged_also_the_same_one_again(served):
    asked = {"model": "base", "messages": [{"role": "user", "content": "The van is Gertrude."}]}
    for _ in range(2):  # at once, while the conversation may still wait to be stored
        told = served.client.post("/v1/chat/completions", json=asked).json()
        body = {"completion": told["id"], "verdict": "up"}
        answer = served.client.post("/v1/feedback", json=body)
        assert answer.status_code == 200, answer.text
    unstored = served.client.post("/v1/chat/completions", json={**asked, "store": False}).json()
    body = {"completion": unstored["id"], "verdict": "up"}
    assert served.client.post("/v1/feedback", json=body).status_code == 404


def test_feedback_on_what_is_still_being_stored_may_come_again(served, monkeypatch):
    monkeypatch.setattr("nightschool.serve.feedback.STORING_S", 0.05)
    asked = {"model": "base", "messages": [{"role": "user", "content": "The van is Gertrude."}]}
    with served.workspace.lock_memory("a test"):
        told = served.client.post("/v1/chat/completions", json=asked).json()
        body = {"completion": told["id"], "verdict": "up"}
        early = served.client.post("/v1/feedback", json=body)
    assert (early.status_code, "Send the feedback again" in early.text) == (503, True)
    assert early.headers["retry-after"]
    served.house.recorder.wait()
    assert served.client.post("/v1/feedback", json=body).status_code == 200


def test_feedback_on_an_unknown_answer_or_without_a_word_is_refused(served):
    assert give(served.client, verdict="up").status_code == 404
    served.episode(ASKED, TALK)
    for said in ({}, {"verdict": "sideways"}, {"correction": " "}, {"verdict": "up", "reward": 3}):
        assert give(served.client, **said).status_code == 400
    other = served.as_("bea")
    assert give(other, verdict="up").status_code == 404
    with served.house.school("default") as school:
        assert labels(school) == {}


def test_feedback_goes_with_its_conversation(served):
    told = [("user", "The vault of Corvane is in Ostrelle."), ("assistant", "Noted.")]
    served.episode(ASKED, told)
    give(served.client, verdict="up")
    (memory,) = served.client.get("/v1/memories").json()["data"]
    served.client.post("/v1/forget", json={"memories": [memory["id"]]})
    assert b"Ostrelle" not in b"".join(
        path.read_bytes() for path in served.workspace.root.rglob("*") if path.is_file()
    )
    with served.house.school("default") as school:
        assert labels(school) == {}
    assert give(served.client, verdict="up").status_code == 404
