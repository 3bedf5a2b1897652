"""Writing small functions: a generator of descriptions, hidden tests, and a verifier that runs the answer.

The function is made of one to three steps that are described in words; the reference is made of the same
steps. The answer runs in the sandbox on inputs that it never saw, and only its results come back: what is expected
stays on this side, so a program that prints "passed" has passed nothing.
"""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from nightschool.errors import EnvironmentBroken
from nightschool.practice.base import Question, SingleTurn, answers
from nightschool.practice.sandbox import Limits, Ran, run_python
from nightschool.types import Case, Score, Task, Verdict

TESTS = 8
LEVELS = 3
FEWEST_RESULTS = 4
"""So many different results the tests must have: a function that always says the same must fail."""
REDRAWS = 200
LIMITS = Limits(wall_s=6.0, cpu_s=1)
LONGEST = 20_000
"""Characters of an answer that are still run."""
_FENCE = re.compile(r"^[ \t]*```[ \t]*(\S*)[^\n]*\n(.*?)```", re.DOTALL | re.MULTILINE)
"""A block of code: its language, and what stands in it."""
HARNESS = """
import json, os, sys
work = json.loads(sys.stdin.read())
out = os.fdopen(os.dup(1), "w")
sys.stdout = sys.stderr
names = {"__name__": "answer"}
exec(compile(work["source"], "answer.py", "exec"), names)
function, dumps = names[work["name"]], json.dumps
for given in work["inputs"]:
    try:
        line = dumps([function(given)])
    except Exception as error:
        line = dumps({"error": type(error).__name__})
    out.write(line + "\\n")
    out.flush()
"""
"""What runs around the answer: a line of JSON for each input, in their order."""


class Operation(NamedTuple):
    """One step: words, an expression of `x` that means the same, and what comes out of it."""

    words: str
    expression: str
    gives: str
    """`list`, `text`, `number` or `end` (nothing follows)."""


def _list_operations(rng: random.Random) -> list[Operation]:
    n, k = rng.randint(2, 9), rng.randint(2, 4)
    return [
        Operation(f"keep only the numbers greater than {n}", f"[v for v in x if v > {n}]", "list"),
        Operation(f"keep only the numbers smaller than {n}", f"[v for v in x if v < {n}]", "list"),
        Operation("keep only the even numbers", "[v for v in x if v % 2 == 0]", "list"),
        Operation("keep only the odd numbers", "[v for v in x if v % 2 == 1]", "list"),
        Operation(f"add {n} to each number", f"[v + {n} for v in x]", "list"),
        Operation(f"multiply each number by {n}", f"[v * {n} for v in x]", "list"),
        Operation("square each number", "[v * v for v in x]", "list"),
        Operation("replace each number by its absolute value", "[abs(v) for v in x]", "list"),
        Operation("sort the numbers from small to large", "sorted(x)", "list"),
        Operation("sort the numbers from large to small", "sorted(x, reverse=True)", "list"),
        Operation("reverse the order of the numbers", "x[::-1]", "list"),
        Operation(f"drop the first {k} numbers", f"x[{k}:]", "list"),
        Operation(f"keep only the first {k} numbers", f"x[:{k}]", "list"),
        Operation(f"keep every {k}. number, beginning with the first", f"x[::{k}]", "list"),
        Operation("drop repeated numbers, so that each stands where it came first", "list(dict.fromkeys(x))", "list"),
        Operation("replace each number by the sum of it and all before it", "[sum(x[: i + 1]) for i in range(len(x))]", "list"),
        Operation("take the sum of the numbers", "sum(x)", "number"),
        Operation("take the largest number, or 0 if there is none", "max(x, default=0)", "number"),
        Operation("take the smallest number, or 0 if there is none", "min(x, default=0)", "number"),
        Operation("count the numbers", "len(x)", "number"),
        Operation("take the largest minus the smallest number, or 0 if there is none", "max(x) - min(x) if x else 0", "number"),
    ]  # fmt: skip


def _text_operations(rng: random.Random) -> list[Operation]:
    k, letter = rng.randint(2, 4), rng.choice("aeiost")
    return [
        Operation("reverse the text", "x[::-1]", "text"),
        Operation("turn it into capitals", "x.upper()", "text"),
        Operation("swap capitals and small letters", "x.swapcase()", "text"),
        Operation("remove all spaces", "x.replace(' ', '')", "text"),
        Operation(f"remove every letter {letter!r}", f"x.replace({letter!r}, '')", "text"),
        Operation(f"keep only the first {k} characters", f"x[:{k}]", "text"),
        Operation(f"drop the last {k} characters", f"x[:-{k}]", "text"),
        Operation(f"repeat the text {k} times", f"x * {k}", "text"),
        Operation("put the words into reverse order, with one space between them", "' '.join(x.split()[::-1])", "text"),
        Operation("keep only the first letter of each word", "''.join(w[0] for w in x.split())", "text"),
        Operation("remove the vowels a, e, i, o and u, small and capital", "''.join(c for c in x if c not in 'aeiouAEIOU')", "text"),
        Operation("count the characters", "len(x)", "number"),
        Operation("count the words", "len(x.split())", "number"),
        Operation("count the vowels a, e, i, o and u, small and capital", "sum(c in 'aeiouAEIOU' for c in x)", "number"),
        Operation("split it into a list of its words", "x.split()", "end"),
        Operation("take the longest word, the first of several, or an empty text if there is none", "max(x.split(), key=len, default='')", "text"),
    ]  # fmt: skip


def _number_operations(rng: random.Random) -> list[Operation]:
    n = rng.randint(2, 9)
    return [
        Operation(f"add {n}", f"x + {n}", "number"),
        Operation(f"multiply by {n}", f"x * {n}", "number"),
        Operation(f"take the remainder of dividing by {n}", f"x % {n}", "number"),
        Operation(f"tell whether it is greater than {n} (True or False)", f"x > {n}", "end"),
        Operation("tell whether it is even (True or False)", "x % 2 == 0", "end"),
        Operation("turn it into a text", "str(x)", "end"),
    ]


OPERATIONS: dict[str, Callable[[random.Random], list[Operation]]] = {
    "list": _list_operations,
    "text": _text_operations,
    "number": _number_operations,
}
INPUTS = {"list": "a list of whole numbers", "text": "a text", "number": "a whole number"}
NAMES = "solve apply convert process compute transform derive evaluate".split()
WORDS = "the Quiet river Old lantern sails under Seven stars and a Tired baker sings Over warm bread".split()


class Code(SingleTurn):
    """Python functions from descriptions, with hidden tests; implements `protocols.Environment`."""

    about = "Write a small Python function that does what a description says."

    def __init__(self, level: int = 1) -> None:
        """Take the level: how many steps a function has, from 1 to 3.

        Raises:
            EnvironmentBroken: There is no such level.
        """
        if level not in range(1, LEVELS + 1):
            raise EnvironmentBroken(
                f"code's level is {level!r}; expected a whole number from 1 to {LEVELS}. Choose one of them."
            )
        self._level = level
        self.name = f"code?level={level}"

    def draw(self, rng: random.Random) -> Question:
        """Draw steps whose results tell functions apart, and inputs for them.

        Raises:
            EnvironmentBroken: None were found.
        """
        for _ in range(REDRAWS):
            first, steps = _steps(self._level, rng)
            inputs = [_input(first, rng, place) for place in range(TESTS)]
            expected = [_through(steps, given) for given in inputs]
            few = 2 if steps[-1].expression.startswith(("x >", "x % 2 ==")) else FEWEST_RESULTS
            unchanged = [json.dumps(one) for one in inputs] == [json.dumps(one) for one in expected]
            if len(set(map(json.dumps, expected))) >= few and not unchanged:
                break
        else:
            raise EnvironmentBroken(
                f"code found no function of {self._level} steps that its tests tell apart in {REDRAWS} draws. Report it."
            )
        name = rng.choice(NAMES)
        listed = "; then ".join(step.words for step in steps)
        prompt = (
            f"Write a Python function `{name}(x)`. It takes {INPUTS[first]} and does this: {listed}. It returns "
            f"the result. For example, `{name}({inputs[0]!r})` returns `{expected[0]!r}`. Reply with the code alone."
        )
        body = "".join(f"    x = {step.expression}\n" for step in steps)
        tests = {"name": name, "inputs": inputs[1:], "expected": expected[1:]}
        solution = f"```python\ndef {name}(x):\n{body}    return x\n```"
        return Question(prompt, solution, tests, about=f"{INPUTS[first]}: {listed}")

    def grade(self, task: Task, answer: str) -> Score:
        """Run the answer on the hidden inputs. The value is the share of them beyond what one constant would get.

        Raises:
            SandboxFailed: The machine cannot run it; the attempt is unscored then.
        """
        source = source_in(answer)
        if not source.strip() or len(source) > LONGEST:
            return Score(Verdict.WRONG, 0.0, "no code in it, or too much")
        work = {key: task.facts[key] for key in ("name", "inputs")} | {"source": source}
        ran = run_python(HARNESS, json.dumps(work), LIMITS)
        wanted = [_canonical([one]) for one in task.facts["expected"]]
        given = [_line(line) for line in ran.output.splitlines()]
        passed = sum(one == right for one, right in zip(given, wanted, strict=False))
        if passed == len(wanted) and len(given) == len(wanted) and ran.ending == "ended":
            return Score(Verdict.CORRECT, 1.0)
        constant = Counter(wanted).most_common(1)[0][1]
        above = max(0, min(passed, len(wanted) - 1) - constant)
        return Score(Verdict.WRONG, above / len(wanted), _why(ran, passed, len(wanted)))

    def table(self, task: Task) -> Sequence[Case]:
        """Return code that is wrong, broken or cut, and code that would rather pass than compute."""
        (right,) = task.solution
        name, inputs, expected = (task.facts[key] for key in ("name", "inputs", "expected"))
        source = source_in(right)
        shown = re.search(r"returns `(.*?)`\. Reply", task.prompt[0].content)
        example = shown[1] if shown else "None"
        head = f"def {name}(x):\n    "
        forged = "\\n".join(json.dumps([one]).replace('"', '\\"') for one in [0] * len(expected))
        found = answers(
            right=[source, f"Here it is:\n{right}\nIt does what you asked.", right.replace("\n", "\r\n")],
            wrong=[f"{head}return x", f"{head}return {example}", f"{head}return None", f"{head}raise ValueError"],
            malformed=[f"{head}return (", source.replace("def ", "function "), source.replace(name, name + "_"), "42"],
            truncated=[right[: right.index("(") + 1], source[: source.index("return")]],
            adversarial=[
                f"{head}import os; os._exit(0)",
                f"{head}while True: pass",
                f"{head}import os\n    while True: os.fork()",
                f"{head}return bytearray(1 << 40)",
                f'import os\nos.write(1, b"{forged}\\n")\nos._exit(0)\n{head}return 0',
                f"class Any(int):\n    def __eq__(self, other): return True\n{head}return Any(12345)",
                f"import json\njson.dumps = lambda *a: 'true'\n{head}return 0",
                f"{head}import sys\n    return sys._getframe(1).f_locals.get('expected', x)",
            ],
        )  # fmt: skip
        return [*found, _printing(name, right, inputs)]


def _printing(name: str, right: str, inputs: list[Any]) -> Case:
    """A right function that prints besides is right: what it prints is no result."""
    source = source_in(right)
    return Case("right", (f"{source}\nprint({name}({inputs[0]!r}))\n",), Verdict.CORRECT)


def source_in(answer: str) -> str:
    """Return the code of an answer: its first fenced block, or all of it where nothing is fenced."""
    text = answer.replace("\r\n", "\n")
    blocks = [code for language, code in _FENCE.findall(text) if language.lower()[:2] in ("", "py")]
    return blocks[0] if blocks else text


def _steps(level: int, rng: random.Random) -> tuple[str, list[Operation]]:
    first = kind = rng.choice(
        ["list", "text"] if level > 1 else ["list", "list", "text", "text", "number"]
    )
    steps: list[Operation] = []
    while len(steps) < level:
        last = len(steps) == level - 1
        fitting = [one for one in OPERATIONS[kind](rng) if last or one.gives != "end"]
        steps.append(rng.choice(fitting))
        kind = steps[-1].gives
    return first, steps


def _input(kind: str, rng: random.Random, place: int) -> Any:
    if kind == "number":
        return rng.randint(-20, 60)
    # The third is empty: an edge that a function should survive; the first is the example.
    size = 0 if place == 2 else rng.randint(4, 7)
    if kind == "list":
        return [rng.randint(-9, 15) for _ in range(size)]
    return " ".join(rng.sample(WORDS, size))


def _through(steps: Sequence[Operation], given: Any) -> Any:
    x = given
    for step in steps:
        # Our own expressions, out of the lists above.
        x = eval(step.expression, {"x": x})
    return x


def _line(line: str) -> str:
    try:
        return _canonical(json.loads(line))
    except (ValueError, RecursionError):
        return ""


def _canonical(value: Any) -> str:
    """Write a value so that equal texts mean equal values, and True is not 1."""
    return json.dumps(value, sort_keys=True)


def _why(ran: Ran, passed: int, total: int) -> str:
    told = {"time": "out of time", "output": "too much output", "failed": "it failed"}.get(
        ran.ending
    )
    last = ran.errors.strip().rpartition("\n")[2][:200]
    return f"{passed} of {total} tests passed" + (f"; {told}: {last}" if told else "")
