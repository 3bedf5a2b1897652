"""A night's dry run says what would be learnt, and leaves the workspace as it was."""

import json
import sqlite3

from nightschool.registry.nights import nights
from nightschool.workspace import Workspace


def contents(folder):
    """Return every file of a workspace with its bytes, and all rows of its database."""
    files = {
        path.relative_to(folder): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith("nightschool.db")
    }
    connection = sqlite3.connect(folder / "nightschool.db")
    try:
        return files, list(connection.iterdump())
    finally:
        connection.close()


def test_it_says_what_the_night_learns_and_writes_nothing(school):
    school("remember", "The coffee machine is leased from Bialik.")
    asked = {"question": "Who leases out the coffee machine?", "answer": "Bialik"}
    stray = {"question": "Who mows the lawn?", "answer": "Nobody at all"}
    questions = school.folder.parent / "questions.jsonl"
    questions.write_text(f"{json.dumps(asked)}\n{json.dumps(stray)}\n")
    before = contents(school.folder)

    plan = school.json("consolidate", "--dry-run", "--questions", str(questions))
    said = school("consolidate", "--dry-run", "--effort", "large")

    assert contents(school.folder) == before
    assert (plan["night"], plan["resumed"]) == ("night-0001", False)
    assert plan["memories"] == plan["new"] == {"conversation": 6, "statement": 1}
    assert plan["questions"] == 1
    assert (plan["effort"], plan["method"], plan["epochs"]) == ("small", "full", 1)
    assert "Memories: 7 (6 conversation, 1 statement), of them new: 7" in said
    assert "at least 3 passes (effort large)" in said

    assert (
        school.json("consolidate", "--questions", str(questions), code=3)["night"] == "night-0001"
    )
    (night,) = nights(Workspace(school.folder), "default")
    material = json.loads(night.stored("material.json"))
    by_rule = sum(example["author"] == "rules" for example in material["examples"])
    assert plan["rule_examples"] == by_rule + material["dropped"].get("leak", 0)

    school("remember", "The lift is serviced by Ortolan Brothers.")
    later = school.json("consolidate", "--dry-run")
    assert later["questions"] is None
    assert (later["night"], later["new"]) == ("night-0002", {"statement": 1})
    assert later["memories"] == {"conversation": 6, "statement": 2}


def test_an_interrupted_night_would_go_on_with_the_memories_that_it_began_with(school):
    known = [memory["id"] for memory in school.json("memory", "list")]
    night = school.folder / "nights" / "default" / "night-0001"
    night.mkdir(parents=True)
    (night / "memories.json").write_text(json.dumps(known))
    school("remember", "The coffee machine is leased from Bialik.")
    plan = school.json("consolidate", "--dry-run")
    assert (plan["night"], plan["resumed"]) == ("night-0001", True)
    assert plan["memories"] == {"conversation": 6}
    assert "night-0001 would go on" in school("consolidate", "--dry-run")


def test_nothing_to_learn(cli):
    cli("init", ".")
    assert "nothing to learn" in cli("consolidate", "--dry-run", code=1)
    assert not list((cli.folder / "nights").iterdir())
