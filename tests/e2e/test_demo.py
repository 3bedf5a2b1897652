"""The demo with a tiny model: killed by day and by night, it is lived to its end all the same."""

import json
import signal
import time
from functools import partial

import pytest

from nightschool import demo
from nightschool.demo import run
from nightschool.runlog import progress_bar
from nightschool.wire import open_school

QUICK = (
    "exam.general_items=8", "exam.abstention_items=40", "exam.riddle_items=16", "train.min_steps=1",
    "train.anchor_weight=0", "study.expressions=2",
)  # fmt: skip
FACTS = (
    {"id": "a", "day": 1, "text": "The staging host is kestrel-7."},
    {"id": "b", "day": 1, "text": "The office cat is called Biscuit."},
    {"id": "c", "day": 1, "text": "The old van is called Gertrude.", "forget_on_day": 2},
    {"id": "d", "day": 1, "text": "Ada Byron owns the billing service."},
    {"id": "e", "day": 2, "text": "The staging host is osprey-2.", "replaces": "a"},
    {"id": "f", "day": 2, "text": "The guest network is called walrus."},
)
QUESTIONS = (
    {"question": "Which host is for staging?", "answer": ["osprey-2"], "about": FACTS[4]["text"], "day": 2, "group": "changed"},
    {"question": "What is the cat of the office called?", "answer": ["Biscuit"], "about": FACTS[1]["text"], "day": 1, "group": "told"},
    {"question": "Which network is for guests?", "answer": ["walrus"], "about": FACTS[5]["text"], "day": 2, "group": "told"},
    {"question": "How is the old van called?", "answer": ["Gertrude"], "about": FACTS[2]["text"], "group": "forgotten"},
)  # fmt: skip


def kill_once(process, reached):
    """Kill a process dead as soon as something is reached, and return what it had said on stderr."""
    while not reached():
        assert process.poll() is None, process.communicate()
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    return process.communicate()[1]


def test_a_demo_that_is_killed_goes_on_where_it_was(cli, tiny_base):
    for name, rows in (("facts", FACTS), ("questions", QUESTIONS)):
        lines = "".join(json.dumps(row) + "\n" for row in rows)
        (cli.folder / f"{name}.jsonl").write_text(lines)
    settings = [w for s in (f'model.base="{tiny_base}"', *QUICK) for w in ("--set", s)]
    words = (
        "demo",
        "--facts",
        "facts.jsonl",
        "--questions",
        "questions.jsonl",
        "--folder",
        "demo",
        "--effort",
        "small",
    )
    folder = cli.folder / "demo"
    nights = folder / "nights" / "default"

    kill_once(cli.start(*words, *settings), (folder / "nightschool.db").exists)
    told = kill_once(cli.start(*words, *settings), (nights / "night-0001" / "version.txt").exists)
    assert (
        "night-0001 begins: rebuild from base, 4 memories, 4 of them new. Training takes about"
        in told
    )
    assert "(effort small)" in told
    version = (nights / "night-0001" / "version.txt").read_text()
    kill_once(cli.start(*words, *settings), (nights / "night-0002" / "banks.json").exists)
    banks = (nights / "night-0002" / "banks.json").read_bytes()
    said = cli(*words, *settings, "--set", "train.seed=9", code=1)
    assert "other facts, questions or settings" in said

    lived = cli.json(*words, *settings)

    assert (nights / "night-0001" / "version.txt").read_text() == version
    assert (nights / "night-0002" / "banks.json").read_bytes() == banks
    assert lived["promoted"] == [False, False]  # the tiny model learns nothing
    figures = lived["figures"]
    counted = {name: figures[name]["n"] for name in ("told_facts_closed_book", "changed_current", "forgotten_over_base")}  # fmt: skip
    assert counted == {"told_facts_closed_book": 2, "changed_current": 1, "forgotten_over_base": 1}
    assert figures["questions_without_memory"]["value"] == 0
    assert figures["minutes"]["value"] is None
    cli.folder = folder
    texts = {m["text"] for m in cli.json("memory", "list")}
    assert texts == {FACTS[k]["text"] for k in (1, 3, 4, 5)}
    cli.folder = folder.parent
    assert cli.json(*words, *settings) == lived  # told again, not lived again


class Stopped(Exception):
    """The night began."""


@pytest.fixture
def efforts(tmp_path, tiny_base, monkeypatch):
    """Live the demo up to its first night, and return the efforts that were announced and that it began with."""
    for name, row in (("facts", FACTS[1]), ("questions", QUESTIONS[1])):
        (tmp_path / f"{name}.jsonl").write_text(json.dumps(row) + "\n")

    def begun(patience, *settings):
        told = []

        def stop(school, **_):
            told.append(school.settings.effort)
            raise Stopped

        monkeypatch.setattr(demo, "PATIENCE", patience)
        monkeypatch.setattr(demo, "consolidate", stop)
        with pytest.raises(Stopped):
            run(
                tmp_path / "demo", tmp_path / "facts.jsonl", tmp_path / "questions.jsonl",
                (f'model.base="{tiny_base}"', *settings), partial(progress_bar, quiet=True), lambda plan: told.append(plan.effort),
            )  # fmt: skip
        return told

    return begun


def test_a_night_that_would_take_too_long_is_small_from_then_on(efforts, tmp_path):
    assert efforts(-1) == ["small", "small"]
    assert open_school(tmp_path / "demo").settings.effort == "small"
    assert efforts(60) == ["small", "small"], "a demo that goes on keeps to it"


def test_a_night_that_is_short_is_of_medium_effort(efforts):
    assert efforts(60) == ["medium", "medium"]


def test_an_effort_that_was_chosen_is_kept(efforts):
    assert efforts(-1, "effort=medium") == ["medium", "medium"]
