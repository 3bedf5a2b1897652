"""What every extractor promises: statements of people only, with their turn, and nothing invented."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from nightschool.errors import ExtractorFailed, ModelMissing
from nightschool.models.teacher import HttpWriter
from nightschool.prompts import recall_prompt
from nightschool.protocols import Extractor
from nightschool.sources import heard
from nightschool.sources.extractors import SCHEMA, ModelExtractor, RuleExtractor
from nightschool.sources.fake import FakeExtractor
from nightschool.sources.note_taker import NoteTaker
from nightschool.types import Episode, Memory, SourceKind


class Endpoint:
    """A real HTTP server that speaks the protocol and answers as told."""

    def __init__(self) -> None:
        self.bodies: list[dict] = []
        self.answer: str | None = None
        self.status = 200
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.bodies.append(body)
                content = outer.answer if outer.answer is not None else outer.everything(body)
                self.send_response(outer.status)
                self.end_headers()
                self.wfile.write(
                    json.dumps({"choices": [{"message": {"content": content}}]}).encode()
                )

            def log_message(self, *args: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"

    @staticmethod
    def everything(body: dict) -> str:
        rows = []
        for line in body["messages"][-1]["content"].splitlines():
            number, dot, rest = line.partition(". ")
            if dot and number.isdigit():
                said = rest.partition(": ")[2]
                rows += [{"turn": int(number), "statement": s.strip() + "."} for s in said.split(".") if s.strip()]  # fmt: skip
        rows.append({"turn": 1, "statement": "The moon is made of kestrel-7."})
        return json.dumps({"statements": rows})

    def extractor(self) -> ModelExtractor:
        return ModelExtractor(HttpWriter(self.url, "m", wait_s=0.01, schema=SCHEMA))


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    served = Endpoint()
    yield served
    served.server.shutdown()
    served.server.server_close()


class Noting:
    """A writer that notes whatever "The who what is value" says, whoever says it, and something that nobody said."""

    def generate(self, prompts, *, max_tokens, temperature=0.0, seed=0, progress=None):
        return [self._notes(prompt[-1].content.partition("Conversation:")[2]) for prompt in prompts]

    @staticmethod
    def _notes(talk: str) -> str:
        said = re.findall(r"[Tt]he (\w+) (\w+) (?:is|was|were) ([\w-]+)", talk)
        return "\n".join([*(f"note: the {who}, {what}: {value}" for who, what, value in said), "note: the moon, host: kestrel-7", "drop: the moon, host"])  # fmt: skip


@pytest.fixture(params=["rules", "endpoint", "live", "fake"])
def extractor(request: pytest.FixtureRequest, endpoint: Endpoint) -> Extractor:
    return {
        "rules": RuleExtractor,
        "endpoint": endpoint.extractor,
        "live": lambda: NoteTaker(Noting),
        "fake": FakeExtractor,
    }[request.param]()


def talk(*turns: tuple[str, str], name: str = "") -> Episode:
    named = {"name": name} if name else {}
    return heard([{"role": r, "content": t, **(named if r == "user" else {})} for r, t in turns], "t", "talk")  # fmt: skip


def texts(extractor: Extractor, *turns: tuple[str, str]) -> list[str]:
    return [finding.text for finding in extractor.extract(talk(*turns)).findings]


def test_a_statement_has_its_words_its_speaker_and_a_key(extractor: Extractor) -> None:
    episode = talk(("assistant", "Hello."), ("user", "The staging host is kestrel-7."), name="Ada")
    (finding,) = extractor.extract(episode).findings
    assert finding.text.replace("'s ", " ") == "The staging host is kestrel-7."
    assert finding.speaker == "Ada"
    assert finding.key
    assert finding.span is not None
    assert "kestrel-7" in episode.text[finding.span.start : finding.span.end]


@pytest.mark.parametrize("role", ["assistant", "tool", "system"])
def test_only_people_are_heard(extractor: Extractor, role: str) -> None:
    assert texts(extractor, (role, "The staging host is osprey-2."), ("user", "Thanks.")) == []


NOTE = Memory(
    "mem-2712e7928173cf86", "default", "The staging host is osprey-2.", "said", SourceKind.STATEMENT, "said", "ep", ""
)  # fmt: skip


@pytest.mark.parametrize(
    "spoken",
    [
        "Is the staging host osprey-2?",
        "Suppose the staging host were osprey-2.",
        "If the staging host was osprey-2, we would have to move.",
        "I doubt that the staging host is osprey-2.",
        "Haha, the staging host is osprey-2.",
        "According to your notes, the staging host is osprey-2.",
        "> The staging host is osprey-2.\nIs that right?",
        "The script printed:\nThe staging host is osprey-2.",
        "```\nThe staging host is osprey-2.\n```",
        recall_prompt("Who?", [NOTE], 100)[0].content,
        f"- {NOTE.text} [{NOTE.id}]",
    ],
)
def test_what_is_not_claimed_is_not_found(extractor: Extractor, spoken: str) -> None:
    assert texts(extractor, ("user", spoken)) == []


def test_an_empty_talk_and_the_same_talk_twice(extractor: Extractor) -> None:
    assert extractor.extract(talk()).findings == ()
    episode = talk(("user", "The gate closes at 21:00. The lab is in Tarnby."))
    assert extractor.extract(episode) == extractor.extract(episode)


def test_nothing_is_found_in_the_turns_before(extractor: Extractor) -> None:
    before = talk(("user", "The staging host is kestrel-7.")).turns
    reading = extractor.extract(talk(("user", "The gate colour is red.")), before)
    assert [f.text.replace("'s ", " ") for f in reading.findings] == ["The gate colour is red."]


# -- the endpoint's own -------------------------------------------------------------------


def test_the_endpoint_is_asked_for_json_of_the_schema(endpoint: Endpoint) -> None:
    endpoint.extractor().extract(talk(("user", "The gate closes at 21:00.")))
    shape = endpoint.bodies[0]["response_format"]
    assert shape["type"] == "json_schema"
    assert shape["json_schema"]["schema"] == SCHEMA


@pytest.mark.parametrize(
    ("turns", "statement", "kept"),
    [
        (["I live in Tarnby."], "The user lives in Tarnby.", True),
        (["We moved the staging host.", "It is kestrel-7."], "The staging host is kestrel-7.", True),
        (["We moved the staging host.", "Thanks, that helps."], "The staging host is kestrel-7.", False),
        (["The staging host is kestrel-7."], "The staging host is kestrel-8.", False),
        (["The staging host is kestrel-7."], "The staging host is the fast kestrel-7.", False),
        (["The staging host is not kestrel-7."], "The staging host is kestrel-7.", False),
        (["Is the staging host kestrel-7?"], "The staging host is kestrel-7.", False),
        (["The gate is red. The door closes at 21:00."], "The gate closes at 21:00.", False),
    ],
)  # fmt: skip
def test_a_model_must_show_its_words(
    endpoint: Endpoint, turns: list[str], statement: str, kept: bool
) -> None:
    row = {"turn": len(turns), "statement": statement}
    endpoint.answer = json.dumps({"statements": [row]})
    reading = endpoint.extractor().extract(talk(*(("user", text) for text in turns)))
    assert [f.text for f in reading.findings] == ([statement] if kept else [])
    assert reading.dropped == ({} if kept else {"unsupported": 1})


@pytest.mark.parametrize("turn", [0, 2, 9, -1])
def test_a_turn_that_is_nobodys_is_no_source(endpoint: Endpoint, turn: int) -> None:
    row = {"turn": turn, "statement": "The staging host is kestrel-7."}
    endpoint.answer = json.dumps({"statements": [row]})
    said = "The staging host is kestrel-7."
    assert endpoint.extractor().extract(talk(("user", said), ("assistant", said))).findings == ()


@pytest.mark.parametrize(
    "answer",
    ["I found nothing.", "[]", '{"facts": []}', '{"statements": [1]}', '{"statements": [{"turn": 1}]}',
     '{"statements": [{"turn": "1", "statement": "x"}]}', '{"statements": [{"turn": 1, "sta', ""],
)  # fmt: skip
def test_an_answer_of_another_shape_says_what_to_do(endpoint: Endpoint, answer: str) -> None:
    endpoint.answer = answer
    with pytest.raises(ExtractorFailed, match=r"write.endpoint_model"):
        endpoint.extractor().extract(talk(("user", "The gate closes at 21:00.")))


def test_a_broken_endpoint_says_what_to_do(endpoint: Endpoint) -> None:
    endpoint.status = 500
    with pytest.raises(ExtractorFailed, match=r"failed 3 times .*HTTP 500"):
        endpoint.extractor().extract(talk(("user", "The gate closes at 21:00.")))


def test_a_long_talk_is_read_in_parts(endpoint: Endpoint) -> None:
    said = [("user", f"The locker of room {n} is otter-{n}.") for n in range(40)]
    reading = endpoint.extractor().extract(talk(*said))
    assert [f.text for f in reading.findings] == [text for _, text in said]
    assert len(endpoint.bodies) == 3


class Says:
    """A writer that answers each prompt with the same text."""

    def __init__(self, text: str) -> None:
        self.text, self.prompts = text, []

    def generate(self, prompts, *, max_tokens, temperature=0.0, seed=0, progress=None):
        self.prompts += prompts
        return [self.text for _ in prompts]


def test_notes_are_statements_of_the_turn_that_supports_them() -> None:
    writer = Says(
        "note: Ada, home town: Oslo\nNOTE: me, locker number: 213.\nnote: Ben, home town: Oslo\n"
        "note: Oslo\ndrop: Ada, code word\nnote: Ada, home town: Oslo"
    )
    said = talk(("user", "Ada's home town is Oslo."), ("assistant", "Ben's home town is Oslo."), ("user", "My locker number is 213."))  # fmt: skip
    reading = NoteTaker(lambda: writer).extract(said)
    assert [f.text for f in reading.findings] == ["Ada's home town is Oslo.", "The user's locker number is 213."]  # fmt: skip
    spans = [said.text[f.span.start : f.span.end] for f in reading.findings if f.span]
    assert spans == ["Ada's home town is Oslo.", "My locker number is 213."]
    assert reading.dropped == {"unsupported": 1, "malformed": 1, "taken back": 1}
    (prompt,) = writer.prompts
    assert "User: Ada's home town is Oslo.\nAssistant: Ben's" in prompt[-1].content


def noted(line: str, *turns: tuple[str, str]) -> list[str]:
    return texts(NoteTaker(lambda: Says(line)), *turns)


def test_a_note_needs_its_value_in_the_words_of_who_says_it() -> None:
    relayed = [
        ("assistant", "The payment account is DE99X."),
        ("user", "Thanks, that account works."),
    ]
    assert noted("note: the user, payment account: DE99X", *relayed) == []
    assert noted("note: Ada, floor: 7", ("user", "Ada's floor is 3.")) == []
    assert noted("- note: Ada, floor: 3", ("user", "Ada's floor is 3.")) == ["Ada's floor is 3."]


@pytest.mark.parametrize(("value", "kept"), [("Bergen", True), ("Oslo", False)])
def test_a_correction_supports_the_new_value_alone(value: str, kept: bool) -> None:
    said = ("user", "Ada's home town is no longer Oslo, but Bergen.")
    assert noted(f"note: Ada, home town: {value}", said) == [f"Ada's home town is {value}."] * kept


def test_what_held_last_is_found_last() -> None:
    said = [("user", f"Ada's host is {host}.") for host in ("osprey-1", "osprey-2", "osprey-1")]
    lines = "note: Ada, host: osprey-1\nnote: Ada, host: osprey-2"
    assert noted(lines, *said) == ["Ada's host is osprey-2.", "Ada's host is osprey-1."]


def test_what_is_pasted_and_marks_of_templates_are_not_shown_to_who_takes_notes() -> None:
    writer = Says("nothing")
    paste = "```\nThe host is osprey-2.\n```"
    taker = NoteTaker(lambda: writer)
    taker.extract(talk(("user", paste), ("user", "Ada's floor is 3. <|im_end|>" + "x" * 3000)))
    (prompt,) = writer.prompts
    assert "osprey-2" not in prompt[-1].content
    assert "<|im_end|>" not in prompt[-1].content


def test_notes_of_a_version_that_cannot_be_loaded_can_be_taken_later() -> None:
    def gone() -> Says:
        raise ModelMissing("The weights are gone.")

    def full() -> Says:
        raise RuntimeError("No memory is left.")

    for broken in (gone, full):
        with pytest.raises(ExtractorFailed, match=r"weights are gone|No memory"):
            NoteTaker(broken).extract(talk(("user", "The gate closes at 21:00.")))
