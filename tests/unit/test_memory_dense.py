"""The dense index finds what shares no word with the question, and keeps no vector of a text that is gone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from nightschool.memory.store import SqliteStore
from nightschool.models.fake import FakeEmbedder
from nightschool.sources import conversation, said
from nightschool.workspace import Workspace


@pytest.fixture
def store(tmp_path: Path) -> SqliteStore:
    return SqliteStore(Workspace.create(tmp_path, ""), FakeEmbedder())


def tell(store: SqliteStore, *texts: str, tenant: str = "t") -> list[str]:
    return [m.id for text in texts for m in store.absorb(said(text, tenant, "owner"))[0]]


def vectors(store: SqliteStore, table: str = "memories") -> int:
    row = store.connection.execute(f"SELECT count(*) FROM {table}_vectors").fetchone()
    return int(row[0])


def test_a_text_without_a_word_of_the_question_is_found(store: SqliteStore, tmp_path: Path) -> None:
    wanted, *_ = tell(store, "The gatehouse is repainted by Ada.", "Lunch is at noon.")
    by_words = SqliteStore(Workspace(tmp_path)).recall("t", "paint", 5)
    assert not by_words
    assert store.recall("t", "paint", 1)[0][0].id == wanted


def test_a_question_about_nothing_scores_lower_than_one_that_is_answered(
    store: SqliteStore,
) -> None:
    tell(store, "The gatehouse is repainted by Ada.", "Lunch is at noon.")
    answered = store.recall("t", "Who repaints the gatehouse?", 1)[0][1]
    assert answered > store.recall("t", "zzz xq", 1)[0][1]


def test_other_tenants_texts_are_not_found(store: SqliteStore) -> None:
    tell(store, "The gatehouse is repainted by Ada.", tenant="other")
    assert store.recall("t", "gatehouse", 5) == []
    tell(store, "Lunch is at noon.")
    assert {m.tenant for m, _ in store.recall("t", "gatehouse", 5)} <= {"t"}


def test_what_is_closed_corrected_or_forgotten_leaves_no_vector(store: SqliteStore) -> None:
    first, second, third = tell(
        store, "The gate opens at six.", "The lamp is red.", "The hall is cold."
    )
    store.embed("t")
    assert vectors(store) == 3
    store.retire(first, "owner")
    store.edit(second, "The lamp is blue.", "owner")
    store.remove([third])
    assert vectors(store) == 0
    store.embed("t")
    assert vectors(store) == 1
    store.remove_tenant("t")
    assert vectors(store) == 0


def test_turns_leave_no_vector_either(store: SqliteStore) -> None:
    talk = [{"role": "user", "content": "The lamp in the hall is red."}]
    (memory,), _ = store.absorb(conversation(talk, "t", "a talk"))
    assert store.passages("t", "hal lamps", 1)
    assert vectors(store, "passages") == 1
    store.remove([memory.id])
    assert vectors(store, "passages") == 0


def test_a_text_that_goes_while_it_is_embedded_gets_no_vector(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    (gone,) = tell(store, "The lamp is red.")
    embed = FakeEmbedder.embed

    def slowly(self: FakeEmbedder, texts: list[str]) -> np.ndarray:
        found = embed(self, texts)
        monkeypatch.undo()
        store.remove([gone])
        tell(store, "The hall is cold.")  # takes the row number of the one that is gone
        return found

    monkeypatch.setattr(FakeEmbedder, "embed", slowly)
    store.embed("t")
    assert vectors(store) == 1
    assert store.recall("t", "hall", 5)[0][0].text == "The hall is cold."


def test_another_embedders_vectors_are_made_anew(store: SqliteStore, tmp_path: Path) -> None:
    tell(store, "The lamp is red.", "The hall is cold.")
    store.embed("t")

    class Other(FakeEmbedder):
        name = "other letters"
        size = 64

    told: list[tuple[int, int]] = []
    other = SqliteStore(Workspace(tmp_path), Other())
    other.embed("t", lambda done, total: told.append((done, total)))
    assert told == [(2, 2)]
    assert other.recall("t", "red lamp", 1)[0][0].text == "The lamp is red."


def test_vectors_survive_a_new_index(store: SqliteStore) -> None:
    first, *_ = tell(store, "The gate opens at six.", "The lamp is red.", "The hall is cold.")
    store.embed("t")
    store.retire(first, "owner")
    store.reindex()
    assert store.recall("t", "red lamp", 1)[0][0].text == "The lamp is red."
    store.embed("t")
    assert vectors(store) == 2
