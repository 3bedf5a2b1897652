"""Status and figures over HTTP; and that no route of the app lets one tenant see or touch another's."""

import re
from contextlib import closing
from datetime import UTC, datetime

from nightschool.codec import to_json
from nightschool.registry.jobs import Job, JobState
from nightschool.trust import Trust

ASKED = "chatcmpl-00000000000000bb"


def test_the_status_counts_and_names_what_is_served(served):
    served.tell("The staging host is kestrel-7.", "The release branch is heron.")
    served.tell("The staging host is merlin-2.", speaker="bo", trust=Trust.USER)
    served.version("ver-1")
    served.client.post("/v1/versions/ver-1/promote")
    found = served.client.get("/v1/status").json()
    assert (found["live"], found["previous"], found["versions"]) == ("ver-1", "base", 1)
    assert found["memories"] == {
        "live": 3, "waiting": 1, "conflicts": 2, "undecided": 2, "superseded": 0, "retired": 0,
    }  # fmt: skip
    assert found["night"] is None
    assert found["quotas"]["disk_bytes"] > 0


def test_the_status_tells_todays_nights_and_the_bounds(served):
    records = served.app.state.nights.records
    for name, day in (("job-1", datetime(2026, 1, 2, tzinfo=UTC)), ("job-2", datetime.now(UTC))):
        began = day.isoformat()
        records.save(Job(name, "default", JobState.DONE, began, "call", started=began, ended=began))
    quotas = served.client.get("/v1/status").json()["quotas"]
    assert (quotas["nights"], quotas["nights_most"]) == (1, 24)
    assert "disk_bytes_most" not in quotas


def test_the_figures_have_names_and_counts_and_no_text(served):
    served.tell("The vault of Corvane is in Ostrelle.")
    served.version("ver-1")
    client = served.client
    client.post("/v1/versions/ver-1/promote")
    client.get("/v1/memories", params={"query": "Corvane"})
    client.get("/v1/memories/mem-0")
    client.get("/nowhere/Corvane")
    asked = {"model": "live", "stream": True, "messages": [{"role": "user", "content": "Corvane?"}]}
    assert client.post("/v1/chat/completions", json=asked).status_code == 200
    whole = client.post("/v1/chat/completions", json={**asked, "stream": False}).json()["usage"]
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    text = answer.text
    for line in (
        r'nightschool_requests_total\{code="404",method="GET",route="/v1/memories/\{memory_id\}"\} 1\.0',
        r'nightschool_requests_total\{[^}]*code="404"[^}]*route="none"[^}]*\} 1\.0',
        r'nightschool_first_token_seconds_count\{route="/v1/chat/completions"\} 1\.0',
        r'nightschool_request_seconds_count\{route="/v1/memories"\} 1\.0',
        r'nightschool_memories\{status="live"\} 1\.0',
        r'nightschool_versions\{state="kept"\} 1\.0',
        r'nightschool_nights\{outcome="promoted"\} 0\.0',
        r'nightschool_disk_bytes\{what="database"\} [1-9]',
        r"nightschool_engines \d",
        rf'nightschool_tokens_total\{{kind="completion"\}} {whole["completion_tokens"]}\.0',
    ):
        assert re.search(line, text), f"{line} in\n{text}"
    assert not [word for word in ("Corvane", "Ostrelle", "vault", "mem-", "ver-") if word in text]


def test_figures_are_the_callers_own_and_an_admins(served):
    ada, bea = served.as_("ada"), served.as_("bea")
    for _ in range(3):
        bea.get("/v1/memories")
    served.client.get("/v1/memories")  # nobody's: no key
    text = ada.get("/metrics").text
    own = "".join(line for line in text.splitlines() if "unknown" not in line)
    assert 'route="/v1/memories"' not in own
    assert re.search(r'caller="unknown".*code="401"', text)
    assert 'code="200",method="GET",route="/v1/memories"} 3.0' in bea.get("/metrics").text
    assert served.as_("ada", "chat", "memory").get("/metrics").status_code == 403
    assert served.client.get("/metrics").status_code == 401


BODIES = {
    "/v1/memories": {"text": "The code of the barn is 9."},
    "/v1/memories/{memory_id}": {"text": "The code of the barn is 9."},
    "/v1/forget": None,
    "/v1/feedback": {"completion": ASKED, "verdict": "up"},
    "/v1/compare": None,
    "/v1/chat/completions": None,
    "/v1/completions": None,
    "/v1/embeddings": {"input": "x"},
    "/v1/keys": {"name": "own"},
}


def everything(served, tenant):
    """Return all that the database has of a tenant, and its files."""
    with served.house.school(tenant) as school:
        tables = ("memories", "episodes", "versions", "aliases", "completions", "feedback", "keys")
        found = [
            [tuple(row) for row in school.store.connection.execute(
                f"SELECT * FROM {table} WHERE tenant = ?", (tenant,))]
            for table in tables
        ]  # fmt: skip
        found += [to_json(m) for m in school.store.memories(tenant, include_retired=True)]
    files = {
        p: p.read_bytes() for p in served.workspace.root.glob(f"*/{tenant}/**/*") if p.is_file()
    }
    return found, files


def test_no_route_crosses_from_one_tenant_to_another(served):
    (theirs,) = served.tell("The vault of Corvane is in Ostrelle.", tenant="bea")
    served.version("ver-bea", [theirs.id], tenant="bea")
    served.episode(ASKED, [("user", "The gate of Corvane is red."), ("assistant", "Yes.")], "bea")
    bea, ada = served.as_("bea"), served.as_("ada")
    assert bea.post("/v1/versions/ver-bea/promote").status_code == 200
    key = bea.post("/v1/keys", json={"name": "theirs"}).json()["id"]
    before = everything(served, "bea")
    known = {"memory_id": theirs.id, "version_id": "ver-bea", "key_id": key}
    talk = {"model": "ver-bea", "messages": [{"role": "user", "content": "Corvane?"}]}
    bodies = BODIES | {
        "/v1/forget": {"memories": [theirs.id]},
        "/v1/compare": {"prompt": "x", "models": ["base", "ver-bea"]},
        "/v1/chat/completions": talk,
        "/v1/completions": {"model": "ver-bea", "prompt": "x"},
    }
    tried = 0
    for path, operations in served.app.openapi()["paths"].items():
        names = re.findall(r"\{(\w+)\}", path)
        where = path
        for name in names:
            where = where.replace(f"{{{name}}}", known.get(name, "job-of-nobody"))
        for method in operations:
            if path == "/healthz":
                continue
            answer = ada.request(method, where, json=bodies.get(path) if method != "get" else None)
            told = f"{method} {path}: {answer.status_code} {answer.text[:300]}"
            assert answer.status_code < 500, told
            if names or path in (
                "/v1/feedback",
                "/v1/compare",
                "/v1/forget",
                "/v1/chat/completions",
                "/v1/completions",
            ):
                assert answer.status_code == 404, told
            for word in ("Corvane", "Ostrelle", theirs.id[4:], key[4:]):
                # What was asked for is named in the refusal and in the asker's own log.
                echoed = answer.status_code == 404 and word in where + str(bodies.get(path))
                assert word not in answer.text or echoed or path == "/v1/audit", told
            tried += 1
    assert tried >= 20
    assert ada.get("/v1/memories", params={"after": theirs.id}).status_code == 404
    assert (
        ada.get("/v1/memories", params={"source": "said", "query": "Corvane"}).json()["data"] == []
    )
    assert ada.post("/v1/forget", json={"source": "said", "dry_run": True}).json()["memories"] != [
        theirs.id
    ]
    served.house.recorder.wait()
    assert everything(served, "bea") == before


def test_what_only_reads_writes_nothing(served):
    (memory,) = served.tell("The staging host is kestrel-7.")
    served.version("ver-1")
    served.client.get("/v1/status")
    with closing(served.workspace.connect()) as watch:
        before = watch.execute("PRAGMA data_version").fetchone()[0]
        known = {"memory_id": memory.id, "version_id": "ver-1"}
        for path, operations in served.app.openapi()["paths"].items():
            where = path
            for name in re.findall(r"\{(\w+)\}", path):
                where = where.replace(f"{{{name}}}", known.get(name, "x"))
            if "get" in operations:
                assert served.client.get(where).status_code in (200, 404), where
        assert watch.execute("PRAGMA data_version").fetchone()[0] == before


def test_the_schema_tells_every_refusal_in_one_shape(served):
    schema = served.app.openapi()
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            assert "422" not in operation["responses"], (method, path)
            for parameter in operation.get("parameters", ()):
                kinds = [parameter["schema"], *parameter["schema"].get("anyOf", ())]
                bounded = [k for k in kinds if {"pattern", "enum", "maximum", "maxLength"} & {*k}]
                own = not path.startswith(("/v1/keys", "/v1/audit", "/v1/nights", "/v1/models"))
                assert bounded or parameter["in"] == "header" or not own, (path, parameter)
