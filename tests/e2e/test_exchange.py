"""Memories from another agent's folder: imported, pending, approved, and out again, at the command line."""


def test_import_waits_is_approved_and_goes_out_again(cli) -> None:
    cli("init", "school")
    notes = cli.folder / "notes"
    notes.mkdir()
    (notes / "MEMORY.md").write_text("- The staging host is kestrel-7.\n- Deploys are on Friday.\n")
    where = ("-w", "school")
    done = cli.json("memory", "import", "notes", *where)
    assert (done["format"], len(done["added"]), done["unchanged"]) == ("claude", 2, 0)
    waiting = cli.json("memory", "pending", *where)
    assert {m["text"] for m in waiting} == {"The staging host is kestrel-7.", "Deploys are on Friday."}  # fmt: skip
    cli("memory", "approve", waiting[0]["id"], *where)
    assert len(cli.json("memory", "pending", *where)) == 1
    said = cli("memory", "export", "--format", "mcp", "out.jsonl", *where)
    assert said == "Exported 2 memories to out.jsonl.\n"
    assert "unchanged: 2" in cli("memory", "import", "out.jsonl", *where)
    (notes / "bad.jsonl").write_text("{")
    assert "bad.jsonl, line 1: not JSON" in cli("memory", "import", "notes/bad.jsonl", *where, code=1)  # fmt: skip
    assert "Nothing was overwritten" in cli("memory", "export", "--format", "claude", "notes", *where, code=2)  # fmt: skip
