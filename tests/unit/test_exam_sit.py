"""A sitting asks everything once for each mode and grades it the same way each time."""

from dataclasses import replace

import pytest

from nightschool.config import ExamConfig
from nightschool.exam.sit import sit
from nightschool.types import Bank, BankKind, Item, Memory, SourceKind, Verdict
from nightschool.verify.judge import grade

FACT = Memory("m1", "default", "The host is kestrel-7.", "said", SourceKind.STATEMENT, "s", "e", "")
ACQUIRED = Bank(
    "b1",
    "default",
    BankKind.ACQUIRED,
    "n1",
    (
        Item("i1", "What is the host?", ("kestrel-7",), ("m1",), context=FACT.text),
        Item("i2", "What is the port?", ("8080",), ("m2",)),
    ),
    "",
)
NEVER = Bank("b2", "default", BankKind.ABSTENTION, "n1", (Item("i3", "The colour?", ()),), "")
CHOICE = Bank(
    "b3",
    "default",
    BankKind.GENERAL,
    "",
    (
        Item("g1", "Symbol of gold?", ("Au",), choices=("Ag", "Au")),
        Item("g2", "Symbol of iron?", ("Fe",), choices=("Fe", "a long wrong answer")),
    ),
    "",
)


class Reader:
    """Answers from the prompt when the answer stands in it, else does not know."""

    def __init__(self):
        self.calls = 0

    def generate(self, prompts, *, max_tokens, temperature=0.0, seed=0, progress=None):
        self.calls += 1
        if progress:
            progress(len(prompts), len(prompts))
        texts = [" ".join(message.content for message in prompt) for prompt in prompts]
        return ["It is kestrel-7." if "kestrel-7" in text else "I don't know." for text in texts]

    def score(self, pairs, *, progress=None):
        return [[-0.5 if t == "Au" else -1.0] * len(t.split()) for _, t in pairs]


def examine(sampler, banks=(ACQUIRED, NEVER, CHOICE), **options):
    settings = {"config": ExamConfig(), "grade": grade} | options
    return sit(sampler, banks, version_id="v", night="n1", tenant="default", **settings)


def verdicts(report):
    return {(r.item_id, r.mode): r.score.verdict for r in report.results}


def test_all_modes_side_by_side():
    sampler, seen = Reader(), []
    report = examine(
        sampler,
        modes=("closed", "open", "retrieval"),
        recall=lambda question: [FACT] if "host" in question else [],
        progress=lambda done, total: seen.append((done, total)),
    )
    right = {key for key, verdict in verdicts(report).items() if verdict is Verdict.CORRECT}
    assert right == {
        ("i1", "open"),
        ("i1", "retrieval"),
        ("i3", "closed"),
        ("i3", "retrieval"),
        ("g1", "choice"),
        ("g2", "choice"),
    }
    assert ("i2", "open") not in verdicts(report)
    assert sampler.calls == 3
    assert seen == sorted(seen)
    assert seen[-1] == (9, 9)
    confident = {r.item_id: r.confidence for r in report.results if r.mode == "closed"}
    assert confident["i1"] == -1.0


def test_the_same_sitting_gives_the_same_results():
    assert examine(Reader()).results == examine(Reader()).results


def test_only_the_prefix_of_the_general_bank_is_sat():
    report = examine(Reader(), [CHOICE], config=ExamConfig(general_items=1))
    assert [r.item_id for r in report.results] == ["g1"]


def test_a_model_without_likelihoods_is_unscored():
    class Mute(Reader):
        def score(self, pairs, *, progress=None):
            return [[] for _ in pairs]

    report = examine(Mute(), [replace(CHOICE, items=CHOICE.items[:1])])
    assert report.results[0].score.verdict is Verdict.UNSCORED


def test_wrong_use_is_said():
    with pytest.raises(ValueError, match="retrieval"):
        examine(Reader(), modes=("retrieval",))
    with pytest.raises(ValueError, match="unknown"):
        examine(Reader(), modes=("telepathy",))
    assert examine(Reader(), []).results == ()


def test_calls_may_be_longer_than_other_answers():
    lengths = {}

    class Caller:
        def generate(self, prompts, *, max_tokens, **more):
            for (message,) in prompts:
                lengths[message.content] = max_tokens
            return ["x"] * len(prompts)

        def score(self, pairs, **more):
            return [[-1.0] for _ in pairs]

    call = Item("c", "Ring!", ('{"name": "ring", "arguments": {}}',), ("m3",), schema="{}")
    bank = replace(ACQUIRED, items=(call, *ACQUIRED.items))
    report = examine(Caller(), [bank], config=ExamConfig(answer_tokens=9, call_tokens=70))
    assert lengths == {"Ring!": 70, "What is the host?": 9, "What is the port?": 9}
    assert {r.item_id for r in report.results} == {"c", "i1", "i2"}
