"""A conversation becomes memories, and loses nothing when its extractor fails."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from nightschool.curate import conflicts
from nightschool.day import end_chat, learn, read_again, remember
from nightschool.errors import ConfigError, ExtractorFailed, SourceMalformed
from nightschool.sources import conversation, read
from nightschool.trust import waits
from nightschool.types import Trust
from nightschool.wire import open_school
from nightschool.workspace import Workspace

HOST = "The staging host is kestrel-7."


@pytest.fixture
def school(tmp_path):
    Workspace.create(tmp_path / "school", "")
    return open_school(tmp_path / "school")


@pytest.fixture
def broken(tmp_path):
    """Return a school whose endpoint is down, the server's replies, and how to open it again."""
    replies = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200 if replies else 400)
            self.end_headers()
            content = replies[0] if replies else ""
            body = {"choices": [{"message": {"content": content}}]}
            self.wfile.write(json.dumps(body).encode())

        def log_message(self, *args):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    Workspace.create(tmp_path / "school", "")
    url = f"http://127.0.0.1:{server.server_port}/v1"
    school = open_school(
        tmp_path / "school", ("write.extractor=endpoint", f"write.endpoint_url={url}")
    )
    yield school, replies
    server.shutdown()
    server.server_close()


def live(school):
    return [m.text for m in school.store.memories("default")]


def test_a_failed_reading_keeps_the_talk_and_can_be_repeated(broken):
    school, replies = broken
    with pytest.raises(ExtractorFailed, match=r"learn ep-\w{10}") as caught:
        end_chat(school, [("user", HOST), ("assistant", "Noted.")], "talk")
    episode_id = str(caught.value).split("learn ")[1].split("`")[0]
    assert school.store.episode(episode_id).turns[0].text == HOST
    assert live(school) == []
    with pytest.raises(ExtractorFailed):
        read_again(school, episode_id)
    replies.append(json.dumps({"statements": [{"turn": 1, "statement": HOST}]}))
    learnt = learn(school, [read_again(school, episode_id)])
    assert [m.text for m in learnt.added] == live(school) == [HOST]
    assert learnt.added[0].episode_id == episode_id
    with pytest.raises(SourceMalformed, match="read already"):
        read_again(school, episode_id)


def test_a_file_is_not_stored_before_all_of_it_is_read(broken, tmp_path):
    school, replies = broken
    path = tmp_path / "chat.jsonl"
    path.write_text(json.dumps({"role": "user", "content": HOST}))
    with pytest.raises(ExtractorFailed):
        read(str(path), "default", None, school.extractor())
    replies.append(json.dumps({"statements": [{"turn": 1, "statement": HOST}]}))
    learn(school, read(str(path), "default", None, school.extractor()).readings)
    assert live(school) == [HOST]


def test_the_endpoint_needs_a_url(tmp_path):
    Workspace.create(tmp_path / "school", "")
    with pytest.raises(ConfigError, match=r"write.endpoint_url"):
        open_school(tmp_path / "school", ("write.extractor=endpoint",)).extractor()


def test_a_talk_is_kept_where_who_reads_is_not_set_up(tmp_path):
    Workspace.create(tmp_path / "school", "")
    school = open_school(tmp_path / "school", ("write.extractor=endpoint", "model.base=nobody"))
    with pytest.raises(ExtractorFailed, match="endpoint_url") as caught:
        end_chat(school, [("user", HOST), ("assistant", "Noted.")], "talk")
    episode_id = str(caught.value).split("learn ")[-1].split("`")[0]
    later = open_school(tmp_path / "school")
    learn(later, [read_again(later, episode_id)])
    assert live(later) == [HOST]


def test_the_rules_read_until_a_version_is_served_that_has_practised_notes(tmp_path):
    Workspace.create(tmp_path / "school", "")
    school = open_school(tmp_path / "school", ("write.extractor=live", "model.base=nobody"))
    end_chat(school, [("user", HOST), ("assistant", "Noted.")], "talk")
    assert live(school) == [HOST]


def test_what_was_recalled_is_not_stored_again_and_only_its_id_is_kept(school):
    known = remember(school, HOST).added
    said = [("user", "What is the staging host?"), ("assistant", HOST), ("user", HOST)]
    learnt = end_chat(school, said, "talk", recalled=known)
    assert learnt.added == ()
    assert learnt.dropped == {"echo": 1}
    assert live(school) == [HOST]


def test_a_denial_of_the_assistants_invention_leaves_the_true_value(school):
    remember(school, HOST)
    said = [("assistant", "The staging host is osprey-2."), ("user", "No, the staging host is not osprey-2.")]  # fmt: skip
    end_chat(school, said, "talk")
    assert live(school) == [HOST]


def test_a_quoted_old_value_does_not_come_back(school):
    old = remember(school, HOST).added
    end_chat(school, [("user", "The staging host is now merlin-2.")], "one")
    end_chat(school, [("user", f"You said that {HOST.lower()}")], "two", recalled=old)
    assert live(school) == ["The staging host is now merlin-2."]


def test_earlier_turns_of_a_chat_tell_what_it_is(school):
    before = [("user", "We bought a kiln called Etna."), ("assistant", "Nice.")]
    learnt = end_chat(school, [("user", "It eats 9 kilos of wood.")], "talk", before=before)
    assert [m.text for m in learnt.added] == ["Etna eats 9 kilos of wood."]


def test_conversations_from_files_are_held_to_the_same(school):
    known = remember(school, HOST).added
    message = {"role": "user", "content": HOST, "recalled": [known[0].id, "mem-0000000000"]}
    assert learn(school, [conversation([message], "default", "talk")]).dropped == {"echo": 1}


def test_what_contradicts_in_other_words_is_shown_and_a_correction_settles_it(school):
    end_chat(school, [("user", "Ada Berg is in charge of the clinic.")], "one")
    end_chat(school, [("user", "Bo Lund runs the clinic.")], "two")
    (group,) = conflicts(school)
    assert [m.text for m in group] == [
        "Ada Berg is in charge of the clinic.",
        "Bo Lund runs the clinic.",
    ]
    end_chat(school, [("user", "Dora Lyng manages the clinic now.")], "three")
    assert live(school) == ["Dora Lyng manages the clinic now."]
    assert conflicts(school) == []


def test_different_things_said_of_one_place_are_no_conflict(school):
    end_chat(school, [("user", "Ada Berg runs the clinic. Bo Lund cleans the clinic.")], "one")
    assert len(live(school)) == 2
    assert conflicts(school) == []


def test_things_that_differ_by_their_number_are_no_conflict(school):
    end_chat(school, [("user", "Room 12 is called Ada. Room 13 is called Bob.")], "one")
    end_chat(school, [("user", "Build agent 5 has 16 GB. Build agent 6 has 32 GB.")], "two")
    assert len(live(school)) == 4
    assert conflicts(school) == []


def test_a_users_talk_that_is_read_again_stays_the_users(broken):
    school, replies = broken
    with pytest.raises(ExtractorFailed):
        end_chat(
            school, [("user", HOST)], "talk", trust=Trust.USER, episode_id="ep-0123456789abcdef"
        )
    replies.append(json.dumps({"statements": [{"turn": 1, "statement": HOST}]}))
    (memory,) = learn(school, [read_again(school, "ep-0123456789abcdef")]).added
    assert memory.trust is Trust.USER
    assert waits(memory)
