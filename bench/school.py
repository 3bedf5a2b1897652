"""A package and ten tools, learnt from their definitions and asked in other people's words, closed-book.

`python bench/school.py --json bench/results/school.json --n-functions 160 --epochs 3 --seeds 1`

The package is griffe, pinned: 370 public functions, classes and methods, each of one name. It and the tools
of `bench/data/school/` are read, studied and trained as a night does, with the product's own authors and general
replay. Asked are signatures (parameters, a default, the type returned) and locations (a function's file,
a method's class) in wordings that stand in `wordings.json`, and 100 requests for tool calls, written by hand with
values of their own. Nothing under `bench/data/school/` is for tuning study material: tune on `told_facts.py`. Study
questions that come near one of the bench's are left out, as on any night.

`tool_calls_valid`: the answer is a call of one of the tools that its schema allows. `tool_calls_correct`: it is the
right tool with the right values. `near_misses_refused`: questions about functions, parameters and tools that do not
exist, and tasks that no tool does. `base_*` is the untouched base on the same questions, `base_open_*` the base
with the right tool's definition before the request. Intervals: bootstrap over functions or tools. A run that is
stopped goes on where it was (`--work`); `--regrade` grades stored wrong answers again, after a verifier was mended.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from nightschool.bases import pull_model
from nightschool.config import Settings, load_settings
from nightschool.exam.stats import cluster_of, rate
from nightschool.language import fingerprint
from nightschool.memory.fake import FakeStore
from nightschool.models.torch_model import load, render
from nightschool.models.torch_sampler import TorchSampler
from nightschool.sources import read
from nightschool.study.general import general_examples
from nightschool.study.mixture import compose
from nightschool.study.rules import RuleAuthor
from nightschool.train.torch_trainer import TorchTrainer
from nightschool.types import Item, Memory, Message, Verdict, digest
from nightschool.verify.judge import grade
from nightschool.verify.tool_call import is_valid
from record import Record, base_name

DATA = Path(__file__).parent / "data" / "school"
PACKAGE, DISTRIBUTION, PINNED = "griffe", "griffelib", "2.4.1"
WORDS, CALL = 64, 160
"""Longest answers, in tokens."""
SHOWN = (
    "Answer with one call of the tool as JSON, for instance "
    '{"name": "ring_bell", "arguments": {"times": 2}}.'
)
"""How the base is told, with a call of another tool as its example."""
LONGEST_LIST, LONGEST_VALUE, LONGEST_TYPE = 100, 30, 40
"""Characters of an answer that is asked for: parameters, a default, a type."""
PROSE = frozenset(
    """a an and are as in is it its of only or parameter parameters argument arguments function class method the
    takes accepts these following self""".split()
)
"""Words around a list of parameters that are none."""
FEWEST = 8
"""Functions or tools below which a bootstrap over them tells nothing, and no interval is given."""
FIGURES = ("signatures", "locations", "tool_calls_valid", "tool_calls_correct", "near_misses_refused")  # fmt: skip


def main() -> None:
    """Examine the base, and for each seed train and examine; state the figures of what was run."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n-functions", type=int, default=160)
    parser.add_argument("--n-tools", type=int, default=10)
    parser.add_argument("--epochs", type=int, default=3)
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--set", action="append", default=[], dest="settings")
    parser.add_argument("--work", type=Path, default=Path("out/school"))
    parser.add_argument(
        "--regrade", action="store_true", help="grade what was answered wrong once more first"
    )
    parser.add_argument("--json", type=Path, default=Path("bench/results/school.json"))
    given = parser.parse_args()
    if version(DISTRIBUTION) != PINNED:
        raise SystemExit(
            f"{DISTRIBUTION} is {version(DISTRIBUTION)}, and the bench is about {PINNED}. "
            f"Run pip install {DISTRIBUTION}=={PINNED}."
        )
    functions = chosen_functions(given.n_functions)
    tools = memories_of(str(DATA / "tools.json"))[: given.n_tools]
    items = [*questions(functions), *requests(tools), *near_misses(functions)]
    record = Record(given.json, "school")
    record.body["seeds"] = list(range(given.seeds))
    if given.regrade:
        regrade(record, items)
    size = {"functions": len(functions), "tools": len(tools)}
    plain = record.measure({"run": "base", **size}, lambda: examined_base(items, tools))
    state(record, "base_", [plain], items, FIGURES)
    state(record, "base_open_", [plain], items, ("tool_calls_valid", "tool_calls_correct"))
    found = []
    for seed in range(given.seeds):
        settings = load_settings(
            overrides=(f"train.epochs={given.epochs}", *given.settings, f"train.seed={seed}")
        )
        key = {"run": "taught", **size, "epochs": settings.train.epochs, "settings": given.settings, "seed": seed}  # fmt: skip
        work = given.work / digest(json.dumps(key))[:12]
        found.append(
            record.measure(key, lambda s=settings, w=work: taught(items, functions, tools, s, w))
        )
        state(record, "", found, items, FIGURES)
        record.save()
    print(json.dumps(record.body["figures"], indent=1))


# -- what is taught and asked -------------------------------------------------------------


def memories_of(source: str) -> list[Memory]:
    """Read a source; memories are named after what they hold, so that a stopped training is found again."""
    store = FakeStore()
    for reading in read(source, "bench").readings:
        store.absorb(reading)
    return [replace(m, id=f"mem-{m.facets['name']}") for m in store.memories("bench")]


def chosen_functions(count: int) -> list[Memory]:
    """Choose functions, classes and methods in turns, in an order by hash: documented, with parameters, of one name."""
    every = [m for m in memories_of(f"pkg:{PACKAGE}") if m.form in ("code.function", "code.class")]
    names = Counter(m.facets["short"] for m in every)
    kinds: dict[tuple[str, bool], list[Memory]] = defaultdict(list)
    for memory in sorted(every, key=lambda m: digest(m.facets["name"])):
        f = memory.facets
        if f["purpose"] and names[f["short"]] == 1 and 0 < len(", ".join(parameters(memory))) <= LONGEST_LIST:  # fmt: skip
            kinds[memory.form, bool(f["owner"])].append(memory)
    turns = [row[k] for k in range(len(every)) for row in kinds.values() if k < len(row)]
    return turns[:count]


def parameters(memory: Memory) -> list[str]:
    """List a callable's own parameters."""
    return [p["name"] for p in json.loads(memory.facets["parameters"]) if not p["of"]]


def questions(functions: Sequence[Memory]) -> Iterator[Item]:
    """Ask for each function's signature and place, each in one wording, drawn by hash."""
    wordings = json.loads((DATA / "wordings.json").read_text("utf-8"))

    def item(memory: Memory, section: str, answers: Sequence[str], parameter: str = "") -> Item:
        f = memory.facets
        rows = wordings[section]
        row = rows[int(digest(f["name"], section), 16) % len(rows)]
        question = row.format(name=f["name"], short=f["short"], parameter=parameter)
        group = "locations" if section in ("file", "owner") else "signatures"
        return Item(f"{section}:{f['name']}", question, tuple(answers), (memory.id,), group=group)

    for memory in functions:
        f = memory.facets
        yield item(memory, "parameters", [", ".join(parameters(memory))])
        rows = [p for p in json.loads(f["parameters"]) if not p["of"] and p["default"] is not None]
        short = [p for p in rows if len(p["default"]) <= LONGEST_VALUE and "variadic" not in p["kind"]]  # fmt: skip
        if short:
            one = short[int(digest(f["name"], "which"), 16) % len(short)]
            yield item(memory, "default", [one["default"]], one["name"])
        if f["returns"] not in ("", "None") and len(f["returns"]) <= LONGEST_TYPE:
            yield item(memory, "returns", [f["returns"]])
        if f["owner"]:
            yield item(memory, "owner", [f["owner"]])
        else:
            dotted = f["file"].removesuffix("/__init__.py").removesuffix(".py").replace("/", ".")
            yield item(memory, "file", [f["file"], dotted])


def requests(tools: Sequence[Memory]) -> Iterator[Item]:
    """Read the handwritten requests for these tools."""
    known = {m.facets["name"]: m for m in tools}
    for number, line in enumerate((DATA / "requests.jsonl").read_text("utf-8").splitlines()):
        row = json.loads(line)
        memory = known.get(row["tool"])
        if memory:
            call = json.dumps({"name": row["tool"], "arguments": row["arguments"]})
            yield Item(
                f"call:{number}", row["request"], (call,), (memory.id,), context=memory.text,
                group="tool_calls", schema=memory.facets["schema"],
            )  # fmt: skip


def near_misses(functions: Sequence[Memory]) -> Iterator[Item]:
    """Read the questions that nothing answers; each is a cluster of its own."""
    known = {m.facets["short"] for m in functions}
    for number, line in enumerate((DATA / "near_misses.jsonl").read_text("utf-8").splitlines()):
        row = json.loads(line)
        named = re.search(rf"`{PACKAGE}\.(\w+)`|`def (\w+)`|call `(\w+)`", row["question"])
        if named and "preset" not in row["question"] and (set(filter(None, named.groups())) & known):  # fmt: skip
            raise SystemExit(f"near_misses.jsonl, line {number + 1}: that function exists.")
        yield Item(f"miss:{number}", row["question"], (), group=f"near_misses_{row['about']}")


# -- runs ---------------------------------------------------------------------------------


def taught(
    items: Sequence[Item],
    functions: Sequence[Memory],
    tools: Sequence[Memory],
    settings: Settings,
    work: Path,
) -> dict[str, Any]:
    """Study the functions and tools from the base, and answer everything closed-book."""
    base, study = pull_model(base_name()), settings.study
    memories = [*functions, *tools]
    sealed = [fingerprint(item.question) for item in items]
    author = RuleAuthor(study, settings.train.seed)
    material = compose(memories, [author], (), sealed, study)
    count = round(len(memories) * study.expressions * study.general_share)
    general = general_examples(TorchSampler(base), count, "bench", settings.train.seed)
    examples = [*material.examples, *general]
    result = TorchTrainer(load, render).train(base, examples, settings.train, work / "weights")
    row = examined(TorchSampler(work / "weights", base), items, tools)
    shutil.rmtree(work)  # the row is what is kept
    return {
        **row, "examples": len(examples), "dropped": material.dropped,
        "families": dict(Counter(e.family for e in examples)), "tokens": result.tokens,
        "steps": result.steps, "seconds": result.seconds, "last_loss": result.last_loss,
        "peak_gb": result.peak_bytes / 1e9,
    }  # fmt: skip


def examined_base(items: Sequence[Item], tools: Sequence[Memory]) -> dict[str, Any]:
    """Examine the base closed-book, and with the tool's definition before each request."""
    sampler = TorchSampler(pull_model(base_name()))
    calls = [item for item in items if item.schema]

    def shown(item: Item) -> tuple[Message, ...]:
        text = f"{SHOWN}\n\n{item.context}\n\nRequest: {item.question}"
        return (Message("user", text),)

    opened = examined(sampler, calls, tools, shown)["answers"]
    return {**examined(sampler, items, tools), "opened": opened}


def examined(
    sampler: TorchSampler,
    items: Sequence[Item],
    tools: Sequence[Memory],
    prompt: Callable[[Item], tuple[Message, ...]] | None = None,
) -> dict[str, Any]:
    """Answer and grade: item id -> (right, for calls whether valid, the answer where it is wrong)."""
    schemas = {m.facets["name"]: json.loads(m.facets["schema"]) for m in tools}
    answers: dict[str, Any] = {}
    for call in (False, True):
        asked = [item for item in items if bool(item.schema) is call]
        prompts = [prompt(i) if prompt else (Message("user", i.question),) for i in asked]
        said = sampler.generate(prompts, max_tokens=CALL if call else WORDS) if asked else []
        for item, answer in zip(asked, said, strict=True):
            good = right(item, answer)
            valid = is_valid(answer, schemas) if call else None
            answers[item.id] = [good, valid, "" if good else answer]
    return {"answers": answers}


def regrade(record: Record, items: Sequence[Item]) -> None:
    """Grade the stored answers that were wrong by the verifiers as they are now, and tell of how many verdicts changed."""
    known = {item.id: item for item in items}
    for row in record.body["rows"]:
        changed = 0
        for name, answer in (
            pair for part in ("answers", "opened") for pair in row.get(part, {}).items()
        ):
            if answer[2] and right(known[name], answer[2]):
                answer[0], answer[2] = True, ""
                changed += 1
        row["regraded"] = row.get("regraded", 0) + changed


def right(item: Item, answer: str) -> bool:
    """Grade by the product's verifier; a list or a type with more in it than the right one is wrong."""
    section = item.id.partition(":")[0]
    if section == "parameters":
        named = set(re.findall(r"[A-Za-z_]\w*", re.sub(r"=\s*[^,]+|`[\w.]+\.\w+`", "", answer)))
        return named - PROSE == set(re.findall(r"\w+", item.answers[0])) - PROSE
    if section == "returns" and any(answer.count(m) != item.answers[0].count(m) for m in "|["):
        return False
    return grade(item, answer).score.verdict is Verdict.CORRECT


def state(
    record: Record, prefix: str, rows: Sequence[Any], items: Sequence[Item], figures: Sequence[str]
) -> None:
    """State figures over the runs: each item's mean, then a bootstrap over functions or tools, where it has enough of them."""
    source = "opened" if prefix == "base_open_" else "answers"
    for name in figures:
        group = re.sub(r"_(valid|correct|refused)$", "", name)
        own = [item for item in items if item.group.startswith(group)]
        place = 1 if name.endswith("valid") else 0
        values = {i.id: sum(row[source][i.id][place] for row in rows) / len(rows) for i in own}
        found = rate(values, own)
        enough = len({cluster_of(item) for item in own}) >= FEWEST
        low, high = (found.low, found.high) if enough else (None, None)
        record.figure(prefix + name, found.value, n=found.n, unit="rate", low=low, high=high)


if __name__ == "__main__":
    main()
