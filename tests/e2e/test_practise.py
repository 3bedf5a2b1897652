"""Practice by the real command line on a tiny random model: killed, taken up, refused, and told of by the report."""

from __future__ import annotations

import time

from rollout_server import KEY, RolloutServer

SMALL = (
    "practice.tasks=2",
    "practice.group=2",
    "practice.max_tokens=4",
    "practice.held_out=8",
)


def test_a_killed_run_goes_on_and_what_gained_nothing_is_refused(school):
    settings = [word for setting in SMALL for word in ("--set", setting)]
    words = ("practise", "fake", "--budget", "2s", *settings)
    process = school.start(*words)
    until = time.monotonic() + 300
    while not list((school.folder / "versions").glob("*.practice/state.json")):
        assert time.monotonic() < until
        assert process.poll() is None, process.communicate()
        time.sleep(0.02)
    process.kill()
    process.communicate()
    assert "practises fake" in school("practise", "calls", "--budget", "1s", code=1)
    done = school.json(*words, code=3)
    assert done["run"] == "practice-0001"
    assert done["rounds"] >= 2
    assert (done["before"], done["after"], done["promoted"]) == (0.0, 0.0, False)
    assert "not significant" in {name: reason for name, _, reason in done["checks"]}["practised"]
    listed = school.json("versions")
    assert listed["live"] == "base"
    (version,) = listed["versions"]
    assert (version["id"], version["night"]) == (done["version"], "practice-0001")
    assert school.json("report")["practice"][0]["environment"] == "fake"
    assert "Write it as 90s" in school("practise", "fake", "--budget", "soon", code=2)


def test_attempts_are_drawn_by_an_engine_elsewhere_and_the_run_survives_its_end(school, tiny_base):
    server = RolloutServer(tiny_base)
    school.env["NIGHTSCHOOL_ROLLOUTS_KEY"] = KEY
    settings = [word for setting in SMALL for word in ("--set", setting)]
    words = ("practise", "fake", "--budget", "1s", *settings)
    there = ("--set", f"rollouts.url={server.url}")
    server.busy = 3
    assert "failed 3 times" in school(*words, *there, code=1)
    server.seen.clear()
    done = school.json(*words, *there, code=3)
    asked = [body for path, body in server.seen if path == "/v1/completions"]
    assert done["run"] == "practice-0001"
    assert sum(body["n"] for body in asked) >= 4 * done["rounds"] > 0
    assert not server.engines, "the last adapter is taken out again"
    server.close()
    assert not list((school.folder / "versions").glob("*.practice"))
