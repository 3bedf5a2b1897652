"""Another base model, of another architecture and tokenizer: taught, shown beside what is served, switched to."""

import json
import signal
import time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from nightschool.consolidate import consolidate
from nightschool.course import choose
from nightschool.day import remember
from nightschool.errors import ConfigError, ModelUnfit
from nightschool.forget import forget
from nightschool.models.torch_model import check_fit, load
from nightschool.rebase import imported_before, rebase
from nightschool.registry.nights import nights, upcoming_night
from nightschool.types import Example
from nightschool.wire import open_school
from nightschool.workspace import Workspace

FACTS = [
    f"The {thing} is called {name}."
    for thing, name in zip(
        ["staging host", "release branch", "office cat", "guest network", "build server", "old van"],
        ["kestrel-7", "heron", "Biscuit", "walrus", "obsidian", "Gertrude"],
        strict=True,
    )
]  # fmt: skip
LENIENT = {
    "exam": {"general_items": 8, "abstention_items": 40, "riddle_items": 16},
    "train": {"min_steps": 24, "learning_rate": 0.01},
    "study": {"expressions": 4},
    "gate": {"margin_retained": 1, "margin_general": 1, "margin_abstention": 1},
}
"""So small a model loses everything by chance: here a gate that allows that, for what comes after it."""
CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
PLAIN = (
    "{{ bos_token }}{% for m in messages %}{{ m.role }}: {{ m.content }}<end>\n{% endfor %}"
    "{% if add_generation_prompt %}assistant: {% endif %}"
)


@pytest.fixture(autouse=True)
def _cache(monkeypatch, tmp_path_factory):
    """Keep the anchors of temporary models out of the user's cache."""
    monkeypatch.setenv("NIGHTSCHOOL_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))


def tokenizer(size, special, template, **named):
    """Train a small tokenizer on the facts, so that no two bases cut text alike."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    found = Tokenizer(models.BPE())
    found.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    found.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=size, special_tokens=special, initial_alphabet=alphabet
    )
    found.train_from_iterator(FACTS * 4, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=found, chat_template=template, **named)


@pytest.fixture(scope="module")
def old_base(tmp_path_factory) -> Path:
    """Make a tiny random Llama."""
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    folder = tmp_path_factory.mktemp("old-base")
    words = tokenizer(300, ["<|im_start|>", "<|im_end|>"], CHATML, eos_token="<|im_end|>")
    torch.manual_seed(0)
    LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(words), hidden_size=16, intermediate_size=32, num_hidden_layers=1,
            num_attention_heads=2, num_key_value_heads=1, tie_word_embeddings=True,
        )
    ).save_pretrained(folder)  # fmt: skip
    words.save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def new_base(tmp_path_factory) -> Path:
    """Make a tiny random GPT-2, with learnt positions, other layers and another chat."""
    import torch
    from transformers import GPT2Config, GPT2LMHeadModel

    folder = tmp_path_factory.mktemp("new-base")
    words = tokenizer(340, ["<start>", "<end>"], PLAIN, bos_token="<start>", eos_token="<end>")
    torch.manual_seed(1)
    GPT2LMHeadModel(
        GPT2Config(vocab_size=len(words), n_positions=1024, n_embd=24, n_layer=1, n_head=2)
    ).save_pretrained(folder)
    words.save_pretrained(folder)
    return folder


def write_settings(folder, base, **sections):
    lines = ['effort = "small"', "[model]", f"base = {json.dumps(str(base))}"]
    for section, values in {**LENIENT, **sections}.items():
        lines += [f"[{section}]", *(f"{name} = {json.dumps(v)}" for name, v in values.items())]
    (folder / "nightschool.toml").write_text("\n".join(lines) + "\n")


@pytest.fixture
def line(cli, old_base):
    """Return the command line inside a workspace whose first version is served."""
    cli("init", "school")
    cli.folder = cli.folder / "school"
    write_settings(cli.folder, old_base)
    (cli.folder.parent / "chat.jsonl").write_text(
        "\n".join(json.dumps({"role": "user", "name": "Ada", "content": fact}) for fact in FACTS)
    )
    cli("learn", "../chat.jsonl")
    first = cli.json("consolidate", code=3)["version"]
    cli("promote", first, "--override")
    return cli


def kill_after(line, artifact, *words):
    process = line.start(*words)
    while not artifact.exists():
        assert process.poll() is None, process.communicate()
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.communicate()


def base_shown(line):
    """Return what `base` means now."""
    return line("show", "base").removeprefix("base: ").removesuffix(", untouched.\n")


def test_another_base_is_shown_switched_to_and_left_again(line, old_base, new_base):
    old = line.json("versions")["live"]
    plan = line.json("rebase", "--model", str(new_base), "--dry-run")
    assert (plan["base"], plan["new"], plan["night"]) == (str(new_base), {}, "night-0002")
    assert not (line.folder / "nights" / "default" / "night-0002").exists()

    shown = line("rebase", "--model", str(new_base))

    for words in (
        "served now",
        "facts, closed-book",
        "bits per byte",
        "licence",
        "Nothing is switched",
    ):
        assert words in shown
    assert line.json("versions")["live"] == old
    assert base_shown(line) == str(old_base)
    again = line.json("rebase", "--model", str(new_base))  # it stands ready: nothing is trained
    new, table = again["version"], again["comparison"]
    assert again["night"] == "night-0002"
    assert [table[who]["version"] for who in ("served", "taught", "untouched")] == [
        old,
        new,
        "base",
    ]
    assert table["served"]["base"] == str(old_base)
    assert table["taught"]["base"] == table["untouched"]["base"] == str(new_base)
    assert {table[who]["acquired"]["n"] for who in table} == {6}
    assert {table[who]["general"]["n"] for who in table} == {8}
    assert all(table[who]["bits_per_byte"] > 0 for who in table)
    assert table["untouched"]["kl_nats"] is None
    assert table["taught"]["kl_nats"] is not None

    switched = line.json("rebase", "--model", str(new_base), "--switch")
    assert switched["switched"]
    assert line.json("versions")["live"] == new
    assert base_shown(line) == str(new_base)
    said = line("ask", "Who?", "--set", f"model.base={old_base}", code=2)
    assert "nightschool rebase" in said

    line("rollback")
    assert line.json("versions")["live"] == old
    assert base_shown(line) == str(old_base)
    line("ask", "--closed-book", "What is the office cat called?")
    assert line.json("rebase", "--model", str(new_base), "--switch")["version"] == new

    line("remember", "The roof garden is open on Mondays.")
    plan = line.json("consolidate", "--dry-run")
    assert (plan["kind"], plan["start"], plan["base"]) == ("continue", new, str(new_base))

    (cat,) = [m["id"] for m in line.json("memory", "list") if "Biscuit" in m["text"]]
    line("forget", cat, "--yes")
    listed = line.json("versions")
    assert listed["live"] == "base"
    assert all(version["tainted_by"] for version in listed["versions"])
    assert not list((line.folder / "versions").glob("ver-*"))
    assert base_shown(line) == str(new_base)  # what was chosen outlives what stood on it
    for night in (line.folder / "nights" / "default").iterdir():
        assert b"biscuit" not in b"".join(f.read_bytes().lower() for f in night.iterdir())


def test_a_rebase_killed_at_any_step_goes_on_or_is_dropped(line, new_base):
    old = line.json("versions")["live"]
    words = ("rebase", "--model", str(new_base))
    night = line.folder / "nights" / "default" / "night-0002"
    for step in ("course.json", "version.txt", "report-live.json", "comparison.json"):
        kill_after(line, night / step, *words)
        assert line.json("versions")["live"] == old, step
    assert "nightschool rebase --model" in line("consolidate", code=1)
    version = (night / "version.txt").read_text()
    assert line.json(*words)["version"] == version
    assert line.json("versions")["live"] == old

    night = line.folder / "nights" / "default" / "night-0003"
    kill_after(line, night / "report-base.json", *words, "--again")
    dropped = (night / "version.txt").read_text()
    assert "night-0003" in line("rebase", "--give-up")
    assert dropped not in line("versions")
    assert not list((line.folder / "versions").glob(f"*{dropped}*"))
    assert line.json("consolidate", "--dry-run")["night"] == "night-0003"


@contextmanager
def silent(label):
    yield lambda done, total, loss=None: None


def opened(folder, base, **sections):
    Workspace.create(folder, "")
    write_settings(folder, base, **sections)
    school = open_school(folder)
    for fact in FACTS:
        remember(school, fact)
    return school


def overridden(school, outcome):
    decision = replace(outcome.decision, overridden_by="test")
    school.registry.promote("default", outcome.version.id, decision, "test")
    school.registry.record_decision(outcome.night_id, outcome.version.id, decision)
    return outcome.version


def test_an_adapter_is_served_on_its_own_base_after_a_rollback(tmp_path, old_base, new_base):
    school = opened(
        tmp_path, old_base, train={**LENIENT["train"], "method": "lora", "lora_rank": 4}
    )
    first = overridden(school, consolidate(school, bar=silent))
    before = school.sampler("live").score([((), FACTS[0])])
    found = rebase(school, str(new_base), switch=True, bar=silent)
    assert found.switched
    assert school.sampler("live").score([((), FACTS[0])]) != before
    assert school.registry.rollback("default") == first
    assert school.sampler("live").score([((), FACTS[0])]) == before
    assert len(school.reports("base")) > 0
    assert {r.base for r in school.reports("base")} == {str(old_base)}


def test_what_a_deletion_takes_back_is_built_anew_on_the_base_that_was_chosen(
    tmp_path, old_base, new_base
):
    school = opened(tmp_path, old_base)
    first = overridden(school, consolidate(school, bar=silent))
    late = remember(school, "The roof garden is open on Mondays.").added
    found = rebase(school, str(new_base), switch=True, bar=silent)
    assert not found.switched  # one new fact shows no gain
    overridden(school, found)
    with pytest.raises(ConfigError, match="already"):
        rebase(school, str(new_base), bar=silent)
    receipt = forget(school, [late[0].id])
    assert receipt.live_after == first.id  # it never knew, and stands on the old base
    live = school.store.memories("default")
    course = choose(school, live, None)
    assert (course.kind, course.base) == ("rebuild", str(new_base))
    assert str(old_base) in course.reason
    assert school.base_of("live") == str(old_base)


def test_imported_material_goes_along_unless_it_may_hold_what_was_forgotten(tmp_path, old_base):
    school = opened(tmp_path, old_base)
    live = school.store.memories("default")
    given = [
        Example("ex-a", "default", (live[0].id,), "imported", "passage", (), "It is kestrel-7."),
        Example("ex-b", "default", (live[1].id,), "imported", "passage", (), "It is the heron."),
        Example("ex-c", "default", (), "imported", "passage", (), "Water boils when it is hot."),
    ]
    consolidate(school, imported=given, bar=silent)
    tonight = upcoming_night(school.workspace, "default")
    found, left = imported_before(school, tonight, live)
    assert ({e.id for e in found}, left) == ({"ex-a", "ex-b", "ex-c"}, 0)
    forget(school, [live[0].id])
    found, left = imported_before(school, tonight, school.store.memories("default"))
    assert ({e.id for e in found}, left) == ({"ex-b"}, 1)
    assert len(nights(school.workspace, "default")) == 1


def test_a_base_that_cannot_be_taught_is_refused_before_anything_is_written(
    tmp_path, old_base, new_base
):
    from transformers import AutoTokenizer, GraniteConfig, GraniteForCausalLM

    words = AutoTokenizer.from_pretrained(new_base)
    scaled = GraniteForCausalLM(
        GraniteConfig(
            vocab_size=len(words), hidden_size=16, intermediate_size=32, num_hidden_layers=1,
            num_attention_heads=2, num_key_value_heads=1, logits_scaling=4.0,
        )
    )  # fmt: skip
    scaled.save_pretrained(tmp_path / "scaled")
    words.save_pretrained(tmp_path / "scaled")
    with pytest.raises(ModelUnfit, match="granite"):
        check_fit(load(tmp_path / "scaled"), "scaled")
    mute = tmp_path / "mute"
    load(new_base).model.save_pretrained(mute)
    words.chat_template = None
    words.save_pretrained(mute)
    school = opened(tmp_path / "school", old_base)
    with pytest.raises(ModelUnfit, match="chat template"):
        rebase(school, str(mute), bar=silent)
    assert not nights(school.workspace, "default")
