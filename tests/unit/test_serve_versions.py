"""Versions over HTTP: what the gate said, the exam, the matrix, promotion against its word, rollback, a comparison."""

from contextlib import contextmanager

from nightschool.codec import to_json
from nightschool.registry.nights import open_night
from nightschool.types import Bank, BankKind, Item, Report, Result, Score, Verdict

RIGHT, WRONG = Score(Verdict.CORRECT, 1.0), Score(Verdict.WRONG, 0.0)


def bank(night, kind, count):
    items = tuple(
        Item(f"{kind.value}-{night}-{n}", "?", ("a",), group="told") for n in range(count)
    )
    return Bank(f"bank-{kind.value}-{night}", "default", kind, night, items, "")


def report(school, who, night, right):
    """Save a report; `right` says of each bank how many of its items were answered right."""
    results = tuple(
        Result(i.id, b.id, "closed", "a", RIGHT if n < count else WRONG, None, None, None, None)
        for b, count in right
        for n, i in enumerate(b.items)
    )
    saved = Report(f"rep-{who}-{night}", "default", who, night, results, base="b")
    school.exams.save_report(saved)
    return saved


def two_nights(served):
    """Live two nights: the first night's facts went from 3 of 4 to 2 of 4 right."""
    first, second = (bank(f"night-000{n}", BankKind.ACQUIRED, 4) for n in (1, 2))
    refuse = bank("night-0001", BankKind.ABSTENTION, 2)
    with served.house.school("default") as school:
        for one in (first, second, refuse):
            school.exams.save_bank(one)
        report(school.on("b"), "base", "night-0001", [(first, 1)])
        report(school.on("b"), "base", "night-0002", [(second, 0)])
        for name, right in (
            ("ver-1", [(first, 3), (second, 1), (refuse, 1)]), ("ver-2", [(first, 2), (second, 4)]),
        ):  # fmt: skip
            night = open_night(school.workspace, "default")
            served.version(name, night=night.id)
            saved = report(school, name, night.id, right)
            night.artifact("version.txt", lambda name=name: name)
            night.artifact("report-candidate.json", lambda saved=saved: to_json(saved))
            night.finish("promoted")
            school.registry.promote("default", name, school.registry.decision(name), "gate")
    served.house.refresh("default")


def test_versions_come_oldest_first_with_the_gates_word_and_their_scores(served):
    two_nights(served)
    answer = served.client.get("/v1/versions").json()
    first, second = answer["data"]
    assert (first["id"], first["aliases"]) == ("ver-1", ["previous"])
    assert (second["id"], set(second["aliases"])) == ("ver-2", {"live", "candidate"})
    assert first["scores"] == {"new": 0.75, "earlier": 0.25, "general": None, "abstention": 0.5}
    assert second["scores"] == {"new": 1.0, "earlier": 0.5, "general": None, "abstention": None}
    assert second["decision"]["checks"][0] == {
        "name": "acquired", "passed": True, "difference": 0.5, "low": 0.3, "margin": None, "n": 20,
        "reason": "learnt",
    }  # fmt: skip
    part = served.client.get("/v1/versions", params={"limit": 1}).json()
    assert ([one["id"] for one in part["data"]], part["next"]) == (["ver-1"], "ver-1")
    rest = served.client.get("/v1/versions", params={"after": "ver-1"}).json()
    assert ([one["id"] for one in rest["data"]], rest["next"]) == (["ver-2"], None)


def test_a_version_is_shown_with_the_tables_of_its_exam(served):
    two_nights(served)
    found = served.client.get("/v1/versions/live").json()
    exam, kinds = found["tables"]
    assert exam["columns"] == ["questions", "asked", "right", "low", "high", "base"]
    rows = {row[0]: row for row in exam["rows"]}
    assert (rows["new"][1], rows["new"][2], rows["new"][5]) == (4, 1.0, 0.0)
    assert (rows["earlier"][1], rows["earlier"][2], rows["earlier"][5]) == (4, 0.5, 0.25)
    assert rows["earlier"][3] < 0.5 < rows["earlier"][4]
    assert [row[:3] for row in kinds["rows"]] == [["told", 8, 0.75]]
    assert served.client.get("/v1/versions/ver-0").status_code == 404


def test_the_matrix_is_that_of_the_exams(served):
    empty = served.client.get("/v1/matrix").json()
    assert (empty["nights"], empty["rows"], empty["acc"]) == ([], [], None)
    two_nights(served)
    assert served.client.get("/v1/matrix").json() == {
        "nights": ["night-0001", "night-0002"],
        "rows": [[0.75, 0.25], [0.5, 1.0]],
        "base": [0.25, 0.0],
        "acc": 0.75,
        "bwt": -0.25,
        "fwt": 0.25,
        "forgetting": 0.25,
    }


def test_the_matrix_leaves_out_what_is_forgotten(served):
    (memory,) = served.tell("The staging host is kestrel-7.")
    two_nights(served)
    kept = bank("night-0001", BankKind.ACQUIRED, 4)
    about = Item(kept.items[0].id, "?", ("a",), (memory.id,), group="told")
    with served.house.school("default") as school:
        school.exams.save_bank(
            Bank(kept.id, "default", kept.kind, kept.night, (about, *kept.items[1:]), "")
        )
        assert served.client.get("/v1/matrix").json()["rows"][0][0] == 0.75
    served.client.post(f"/v1/memories/{memory.id}/retire")
    assert served.client.get("/v1/matrix").json()["rows"][0][0] == 2 / 3


def test_what_the_gate_refused_is_served_only_against_its_word_by_name(served):
    served.version("ver-good")
    served.version("ver-bad", night="night-0002", passed=False)
    client = served.client
    assert client.post("/v1/versions/ver-good/promote").json() == {
        "live": "ver-good", "previous": "base",
    }  # fmt: skip
    refused = client.post("/v1/versions/ver-bad/promote", json={"override": False})
    assert refused.status_code == 409
    assert refused.json()["error"]["code"] == "gate_refused"
    assert "too little" in refused.json()["error"]["message"]
    assert client.get("/v1/status").json()["live"] == "ver-good"
    moved = client.post("/v1/versions/ver-bad/promote", json={"override": True}).json()
    assert moved == {"live": "ver-bad", "previous": "ver-good"}
    shown = client.get("/v1/versions/ver-bad").json()
    assert shown["decision"]["overridden_by"] == "owner"
    assert client.post("/v1/rollback").json() == {"live": "ver-good", "previous": "ver-bad"}
    asked = {"model": "live", "messages": [{"role": "user", "content": "Who are you?"}]}
    answer = client.post("/v1/chat/completions", json=asked).json()
    assert answer["nightschool"]["version"] == "ver-good"


def test_what_fails_or_changes_nothing_stops_nobodys_night(served):
    stopped = []

    @contextmanager
    def alone():
        stopped.append(True)
        yield

    served.app.state.alone = alone
    client = served.client
    served.version("ver-bad", night="night-0002", passed=False)
    served.version("ver-gone", ["mem-1"], night="night-0003")
    with served.house.school("default") as school:
        school.registry.taint(["mem-1"], ["gone"])
    for path, body, status in (
        ("/v1/versions/ver-nope/promote", {}, 404),
        ("/v1/versions/ver-bad/promote", {}, 409),
        ("/v1/versions/ver-gone/promote", {"override": True}, 410),
        ("/v1/rollback", None, 200),
        ("/v1/forget", {"memories": ["mem-nope"]}, 404),
    ):
        assert client.post(path, json=body).status_code == status
    assert stopped == []
    served.version("ver-good")
    for _ in range(2):  # the second time it is live already
        assert client.post("/v1/versions/ver-good/promote").json()["live"] == "ver-good"
    assert stopped == [True]
    assert client.post("/v1/rollback").json() == {"live": "base", "previous": "ver-good"}
    assert stopped == [True] * 2


def test_only_an_admin_moves_what_is_served(served):
    served.version("ver-1", tenant="ada")
    talker = served.as_("ada", "chat", "memory")
    assert talker.get("/v1/versions").status_code == 200
    assert talker.post("/v1/versions/ver-1/promote").status_code == 403
    assert talker.post("/v1/rollback").status_code == 403
    admin = served.as_("ada")
    assert admin.post("/v1/versions/ver-1/promote", json={"overide": True}).status_code == 400
    assert admin.post("/v1/versions/ver-1/promote").json()["live"] == "ver-1"


def test_two_models_are_compared_and_nothing_is_remembered(served):
    served.tell("The staging host is kestrel-7.")
    served.version("ver-1")
    body = {"prompt": "What is the staging host?", "models": ["base", "ver-1:closed-book"]}
    answer = served.client.post("/v1/compare", json=body).json()
    base, own = answer["answers"]
    assert (base["version"], own["version"]) == ("base", "ver-1")
    assert len(base["recalled"]) == 1
    assert own["recalled"] == []
    assert "base" in base["text"]
    assert "ver-1" in own["text"]
    served.house.recorder.wait()
    with served.house.school("default") as school:
        said = school.store.connection.execute("SELECT count(*) FROM episodes").fetchone()[0]
    assert said == 1  # the statement
    unknown = served.client.post("/v1/compare", json={**body, "models": ["base", "ver-0"]})
    assert unknown.status_code == 404
    assert served.client.post("/v1/compare", json={**body, "models": ["base"]}).status_code == 400
