"""Sealed banks ask what stands in the memories, refuse what does not, and follow them."""

from dataclasses import replace

from nightschool.config import ExamConfig
from nightschool.exam.cloze import defaults_of, drafts
from nightschool.exam.general import general_bank, general_prompts, kl_nats, perplexity
from nightschool.exam.questions import Question
from nightschool.exam.seal import (
    consistent,
    coverage,
    fingerprints,
    follow,
    seal_abstention,
    seal_acquired,
    stale_values,
    thinned,
)
from nightschool.language import fingerprint
from nightschool.types import Bank, BankKind, Item, Memory, MemoryStatus, SourceKind
from nightschool.verify.metrics import canonical

CONFIG = ExamConfig()


def memory(number, text, kind=SourceKind.STATEMENT, form="said", facets=None, **more):
    return Memory(
        f"mem-{number}", "default", text, form, kind, "said", "e", "", facets=facets or {}, **more
    )


HOST = memory(1, "The staging host is kestrel-7.")
ANA = memory(2, "Ana was born on 4 May 1991.")
TEA = memory(3, "Bruno prefers green tea to coffee.")
CODE = memory(
    4,
    "`tide.pump.prime(rate, b=3, *, mode='slow')` in module tide.pump: Fill the chamber.",
    SourceKind.CODE,
    "code.function",
    {"name": "tide.pump.prime", "module": "tide.pump", "purpose": "Fill the chamber."},
)
ALL = [HOST, ANA, TEA, CODE]


def test_every_answer_stands_in_its_memory_and_not_in_its_question():
    for one in ALL:
        found = drafts(one, 5)
        assert found, one.text
        for draft in found:
            assert draft.answer in one.text
            assert canonical(draft.answer) not in canonical(draft.question).split()


def test_blanks_are_the_telling_words():
    assert drafts(HOST, 1)[0].question == "Fill in the blank: The staging host is ____."
    assert drafts(HOST, 1)[0].answer == "kestrel-7"
    assert drafts(ANA, 1)[0].answer == "4 May 1991"


def test_code_is_asked_as_its_callers_would():
    questions = {d.question: d.answer for d in drafts(CODE, 9)}
    assert (
        questions["I call `tide.pump.prime` without giving `b`. Which value does it take?"] == "3"
    )
    assert questions['`tide.pump.____` "Fill the chamber": which function name fits?'] == "prime"
    assert "tide.pump" in questions.values()


def test_defaults_from_any_facet():
    expected = {"b": "3"}
    listed = '[{"name": "a", "default": null}, {"name": "b", "default": "3"}]'
    assert defaults_of({"parameters": listed}, "", "f") == expected
    assert defaults_of({"signature": "f(a, b=3) -> int"}, "", "f") == expected
    assert defaults_of({}, "call f(a, b=3) now", "f") == expected
    assert defaults_of({"parameters": "not json"}, "nothing", "f") == {}


def test_users_questions_come_before_rules_and_all_is_named():
    questions = [
        Question("Where do I try things?", ("kestrel-7",), about=HOST.text, stale=("x-1",))
    ]
    bank = seal_acquired("n1", "default", ALL, questions, CONFIG)
    again = seal_acquired("n1", "default", ALL, questions, CONFIG)
    assert bank.items == again.items
    assert [i.author for i in bank.items if i.memory_ids == ("mem-1",)] == ["user"]
    assert bank.items[0].stale == ("x-1",)
    assert {i.author for i in bank.items[1:]} == {"rules"}
    assert coverage(bank, ALL).share == 1.0
    assert all(item.context for item in bank.items)


def test_a_question_with_other_answers_is_another_item():
    def named(*answers, stale=()):
        asked = [Question("Where do I try things?", answers, about=HOST.text, stale=stale)]
        return seal_acquired("n1", "default", [HOST], asked, CONFIG).items[0].id

    assert named("kestrel-7") == named("kestrel-7")
    names = {named("kestrel-7"), named("kestrel"), named("kestrel-7", stale=("x-1",))}
    assert len(names) == 3


def test_a_question_that_is_given_twice_is_asked_once():
    asked = [Question("Where?", (answer,), memory="mem-1") for answer in ("kestrel-7", "kestrel")]
    (item,) = seal_acquired("n1", "default", [HOST], asked, CONFIG).items
    assert item.answers == ("kestrel-7",)


def test_a_memory_without_a_sure_answer_is_not_covered():
    vague = memory(9, "Yes.")
    bank = seal_acquired("n1", "default", [HOST, vague], [], CONFIG)
    found = coverage(bank, [HOST, vague])
    assert (found.covered, found.uncovered) == (1, ("mem-9",))


def test_the_old_value_counts_as_wrong():
    old = replace(HOST, text="The staging host is heron-2.", id="mem-0")
    new = replace(HOST, supersedes="mem-0")
    bank = seal_acquired("n2", "default", [new], [], CONFIG, earlier={"mem-0": old})
    assert bank.items[0].stale == ("heron-2",)
    reworded = replace(old, text="We stage on heron-2 these days.")
    assert stale_values(reworded, new, "kestrel-7") == ("heron-2",)
    assert stale_values(old, old, "heron-2") == ()


def test_items_follow_their_memories():
    bank = seal_acquired("n1", "default", ALL, [], CONFIG)
    gone = replace(ANA, status=MemoryStatus.SUPERSEDED)
    (followed, general) = follow([bank, general_bank(5)], [HOST, gone, TEA])
    assert {i.memory_ids[0] for i in followed.items} == {"mem-1", "mem-3"}
    assert len(general.items) == 5


def test_abstention_asks_what_no_memory_says():
    bank = seal_abstention("n1", "default", ALL, CONFIG)
    assert bank.items == seal_abstention("n1", "default", ALL, CONFIG).items
    assert len(bank.items) == 100
    assert len({item.question for item in bank.items}) == 100
    assert not any(item.answers for item in bank.items)
    assert {item.group for item in bank.items} == {"near-miss", "unknown"}
    taught = memory(7, "The staging port is 8080.")
    known = seal_abstention("n1", "default", ALL, CONFIG, live=[*ALL, taught])
    assert "What is the staging port?" not in {item.question for item in known.items}


def test_what_nothing_answered_is_not_asked_once_a_memory_says_it():
    bank = seal_abstention("n1", "default", ALL, CONFIG)
    near = next(i.question for i in bank.items if i.group == "near-miss" and "'s" in i.question)
    said = near.removeprefix("What is ").removesuffix("?").replace("'", "’")
    (before,) = follow([bank], ALL)
    assert before.items == bank.items
    (after,) = follow([bank], [*ALL, memory(8, f"{said} is 4417.")])
    assert {i.question for i in bank.items} - {i.question for i in after.items} == {near}


def test_an_abstention_bank_is_as_large_as_asked():
    bank = seal_abstention("n1", "default", ALL, ExamConfig(abstention_items=12))
    assert len(bank.items) == 12


def test_fingerprints_hide_and_find_questions():
    bank = seal_acquired("n1", "default", ALL, [], CONFIG)
    prints = fingerprints([bank, bank])
    assert len(prints) == len(bank.items)
    assert fingerprint(bank.items[0].question) in prints


class Parrot:
    """A sampler that knows the answers to some prompts; every token is equally likely."""

    def __init__(self, known="", level=-1.0):
        self.known, self.level = known, level

    def generate(self, prompts, *, max_tokens, temperature=0.0, seed=0, progress=None):
        return [self.known for _ in prompts]

    def score(self, pairs, *, progress=None):
        return [[self.level] * max(1, len(target.split())) for _, target in pairs]


def test_an_exam_keeps_so_many_earlier_abstention_items_and_the_same_ones_again():
    banks = [seal_abstention(f"n{k}", "default", [HOST], CONFIG, live=[HOST]) for k in range(4)]
    acquired = seal_acquired("n0", "default", [HOST, ANA], (), CONFIG)
    kept = thinned([acquired, *banks], "n3", 50, None)
    assert kept[0] == acquired
    assert kept[-1] == banks[-1]
    earlier = {item.id for bank in kept[1:-1] for item in bank.items}
    assert len(earlier) == 50
    before = {i.id for bank in thinned(banks[:-1], "n2", 50, None)[:-1] for i in bank.items}
    assert len(earlier & before) > 20


def test_an_exam_asks_so_many_earlier_facts_and_others_each_night():
    items = tuple(Item(f"item-{k}", f"What is {k}?", (f"{k}",)) for k in range(200))
    earlier = Bank("b1", "default", BankKind.ACQUIRED, "n1", items, "")
    tonight = replace(earlier, id="b2", night="n2", items=items[:30])

    def asked(night):
        first, second = thinned([earlier, tonight], night, 0, 80)
        assert second.items == items[:30] or night != "n2"
        return {item.id for item in first.items}

    assert len(asked("n2")) == 80
    assert asked("n2") == asked("n2") != asked("n5")
    ever = set().union(*(asked(f"n{k}") for k in range(20, 40)))
    assert len(ever) == 200


def test_document_items_that_the_open_book_misses_are_dropped():
    page = memory(5, "The lighthouse was built in 1874.", SourceKind.DOCUMENT, "passage")
    bank = seal_acquired("n1", "default", [HOST, page], [], CONFIG)
    assert consistent(Parrot("It was built in 1874."), bank).dropped == ()
    missed = consistent(Parrot("I cannot say"), bank)
    assert len(missed.dropped) == 1
    assert [i.group for i in missed.bank.items] == ["told"]


def test_the_general_bank_is_fixed_and_sound():
    bank = general_bank(10_000)
    assert 380 <= len(bank.items) <= 450
    assert general_bank(240).items == bank.items[:240]
    assert len({i.id for i in bank.items}) == len({i.question for i in bank.items})
    for item in bank.items:
        assert len(item.choices) == 4
        right = [c for c in item.choices if canonical(c) == canonical(item.answers[0])]
        assert right == list(item.answers), item
    assert len(general_prompts()) == 24


def test_equal_models_have_no_divergence_and_moved_ones_some():
    assert kl_nats(Parrot("a b"), Parrot("a b"), answer_tokens=8) == 0
    assert kl_nats(Parrot("a b"), Parrot("a b", -2.0), answer_tokens=8) > 0
    assert round(perplexity(Parrot("", -1.0)), 3) == 2.718


def test_a_tool_is_examined_by_calls_and_a_users_call_is_graded_as_one():
    schema = (
        '{"type": "object", "properties": {"floor": {"type": "integer"}}, "required": ["floor"]}'
    )
    facets = {"name": "call_lift", "purpose": "Call the lift to a floor.", "schema": schema}
    lift = memory(9, "The tool `call_lift` can be called.", SourceKind.TOOLS, "tool", facets)
    sealed = seal_acquired("n1", "default", [lift], [], CONFIG).items
    assert {(item.group, item.schema) for item in sealed} == {("tools", schema)}
    assert len(sealed) == 3
    call = '{"name": "call_lift", "arguments": {"floor": 7}}'
    asked = [
        Question("The lift to 7!", (call,), memory="mem-9"),
        Question("Which tool calls a lift?", ("call_lift",), memory="mem-9"),
    ]
    items = seal_acquired("n1", "default", [lift], asked, CONFIG).items
    assert [item.schema for item in items] == [schema, ""]
    misses = seal_abstention("n1", "default", [lift], CONFIG).items
    assert any("argument" in i.question and "call_lift" in i.question for i in misses)


def test_a_call_from_a_test_is_asked_for_its_name():
    usage = '[["pump.prime(4, mode=\'fast\')", "tests/test_pump.py"]]'
    tested = replace(CODE, facets={**CODE.facets, "package": "tide", "purpose": "", "usage": usage})
    asked = {d.question: d.answer for d in drafts(tested, 5)}
    assert asked["A test of tide says `____(4, mode='fast')`. Whose name is missing?"] == "prime"


def test_code_of_another_language_is_asked_about_by_its_own_name():
    rust = memory(
        5, "The Rust struct `kv::store::Store` is in src/store.rs. Keeps things.", SourceKind.CODE, "code.class",
        {"name": "kv::store::Store", "short": "Store", "module": "kv::store", "package": "kv", "language": "Rust",
         "kind": "struct", "purpose": "Keeps things."},
    )  # fmt: skip
    asked = {d.question: d.answer for d in drafts(rust, 5)}
    assert asked == {
        '`kv::store::____` "Keeps things": which struct name fits?': "Store",
        "Which module would I open to read the source of `Store`?": "kv::store",
    }


def test_the_changed_value_is_asked_for():
    old = memory(1, "The van is parked in Oslo, in bay 4.")
    new = memory(2, "The van is parked in Oslo, in bay 7.", supersedes="mem-1")
    (item,) = seal_acquired("n1", "default", [new], [], CONFIG, earlier={"mem-1": old}).items
    assert item.answers == ("7",)
    assert item.stale == ("4",)


def test_what_a_memory_tells_in_other_words_is_no_unknown():
    told = [
        "Maria was born on 4 May 1991.",
        "The gateway listens on 8443.",
        "The anvil weighs 40 kilos.",
        "The library opened in 1898.",
        "The billing service belongs to Ana.",
        "Lena's favorite song is Halo.",
    ]
    live = [memory(n, text) for n, text in enumerate(told)]
    told_of = (
        "What is Maria's birthday?",
        "What is the port of the gateway?",
        "What is the weight of the anvil?",
        "What is the opening year of the library?",
        "What is the billing owner?",
        "What is Lena's favourite song?",
    )
    for night in ("n1", "n2", "n3", "n4"):
        asked = {i.question for i in seal_abstention(night, "default", live, CONFIG).items}
        assert asked
        assert not asked & set(told_of)
    bank = Bank(
        "b", "default", BankKind.ABSTENTION, "n0", tuple(Item(q, q, ()) for q in told_of), ""
    )
    assert follow([bank], live)[0].items == ()


def test_a_module_may_be_named_by_its_file():
    code = replace(CODE, facets={**CODE.facets, "file": "tide/pump.py"})
    (asked,) = [d for d in drafts(code, 9) if "Which module" in d.question]
    assert asked.answers == ("tide.pump", "tide/pump.py")
