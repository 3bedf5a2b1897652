"""The baseline that the benches compare with: plain full text search."""

import importlib

import pytest


@pytest.fixture
def plain(monkeypatch, tmp_path):
    """Open the FTS5 baseline on two tenants' texts."""
    monkeypatch.syspath_prepend("bench")
    peer = importlib.import_module("peers").available()["fts5"](tmp_path)
    peer.add("a.1", [("pet", "Ada adopted a beagle."), ("job", "Ada bakes bread.")])
    peer.add("a.1", [("both", "A beagle eats bread.")])
    peer.add("b", [("other", "Bruno adopted a parrot.")])
    yield peer
    peer.close()


def test_the_baseline_finds_stems_and_ranks_by_how_much_of_the_question_a_text_holds(plain):
    assert plain.search("a.1", "Who is adopting beagles?", 10) == ["pet", "both"]
    assert plain.search("a.1", "Who is adopting beagles?", 1) == ["pet"]


def test_the_baseline_keeps_tenants_apart_and_takes_any_query(plain):
    assert plain.search("b", "adopted", 10) == ["other"]
    assert plain.search("nobody", "adopted", 10) == []
    assert plain.search("b", '" OR * NEAR(', 10) == []
    assert plain.search("b", "?!", 10) == []
