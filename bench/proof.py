"""Theorems solved at k = 8: before a warm-up on human proofs, after it, and after practice by rewards alone.

`python bench/proof.py --warm-minutes 7 --minutes 8 --json bench/results/proof.json`

The theorems are those of set.mm's propositional part whose proof has at most `--steps` steps, in its order: the model
imitates human outlines of the first part, practises on the second without seeing a proof, and is asked theorems spread
over the last fifth, 8 attempts each. Premises in prompts of the last two are found by the statements alone; the warm-up names
the needed ones. Theorems whose prompt is longer than `--characters` are left out of all three. Beside the model stands
8 random outlines of the same premises. Every proof that ours accepts is checked by the reference program too, where `metamath`
is installed. A row for each stage; a stopped run goes on with the next stage. `apt-get install metamath-databases metamath`.
"""

from __future__ import annotations

import argparse
import random
import shutil
import tempfile
import time
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from metamath_peer import reference, written
from nightschool.bases import pull_model
from nightschool.config import PracticeConfig
from nightschool.environments import environment
from nightschool.exam.stats import mcnemar, wilson
from nightschool.models.torch_model import load, render
from nightschool.practice.attempts import attempted
from nightschool.practice.learner import Round, practise
from nightschool.practice.proof import Proofs
from nightschool.train.policy import TorchPolicy
from nightschool.types import DEFAULT_TENANT, SPLITS, Example, Split, Task
from nightschool.verify.metamath.book import SET_MM, ProofBook, before, book
from nightschool.verify.metamath.words import words
from record import Record, base_name

K = 8
UNTIL = "wal"
WARM_SHARE = 0.6
"""Share of the theorems that are not held out whose human proofs are imitated; those that stand first."""
BATCH = 16
"""Examples imitated between two looks at the clock."""
KEYS = ("seed", "steps", "shown", "premises", "held", "characters", "warm_minutes", "minutes")
"""Settings that make rows different."""
STAGES = ("before", "warm", "practised")


def main() -> None:
    """Run the stages that have no row yet, and state the figures."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", type=Path, default=Path("bench/results/proof.json"))
    parser.add_argument("--warm-minutes", type=float, default=7.0)
    parser.add_argument("--minutes", type=float, default=8.0, help="of practice")
    parser.add_argument("--held", type=int, default=40, help="held-out theorems")
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--shown", type=int, default=8, help="premises in a prompt")
    parser.add_argument("--characters", type=int, default=700, help="longest prompt")
    parser.add_argument("--premises", choices=["found", "named"], default="found")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    record = Record(args.json, "proof")
    record.body["seeds"] = [args.seed]
    run = Run(args)
    key = {name: getattr(args, name) for name in KEYS}  # fmt: skip
    random_row = record.measure({"stage": "random", **key}, run.at_random)
    found = [record.measure({"stage": s, **key}, lambda s=s: run.stage(s)) for s in STAGES]
    state(record, random_row, found)
    for name, figure in record.body["figures"].items():
        print(name, figure)


class Run:
    """The theorems, the model, and what it has learnt so far."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.args = args
        self.kept = args.json.with_suffix(".state")
        self.found = self.made(args.premises)
        self.book: ProofBook = book(str(SET_MM), UNTIL)
        train, held = (self.tasks(self.found, split) for split in SPLITS)
        first = int(WARM_SHARE * len(train))
        self.first_place = train[first].facts["place"]
        self.practised = train[first:]
        pace = max(1, len(held) // args.held)
        self.held = held[::pace][: args.held]
        self.config = PracticeConfig(
            tasks=16, group=K, max_tokens=48, learning_rate=2e-4, kl=0.01, seed=args.seed
        )
        self._policy: TorchPolicy | None = None

    def made(self, premises: str) -> Proofs:
        """Make the environment."""
        settings = {"steps": self.args.steps, "shown": self.args.shown, "premises": premises}
        made = environment("proof", settings)
        assert isinstance(made, Proofs)
        return made

    def tasks(self, found: Proofs, split: Split) -> list[Task]:
        """List a split's theorems in order, but for those with long prompts."""
        tasks = [found.task(split, seed) for seed in range(found.size(split))]
        short = [t for t in tasks if len(t.prompt[0].content) <= self.args.characters]
        return sorted(short, key=lambda task: int(task.facts["place"]))

    def stage(self, stage: str) -> dict[str, Any]:
        """Bring the model to a stage, and ask it the held-out theorems."""
        if self._policy is None:
            self._policy = TorchPolicy(load, render, pull_model(base_name()), self.config)
            if stage == "practised" and not self._policy.restore(self.kept):
                self.warm_up(self._policy)
        told: dict[str, Any] = {}
        if stage == "warm":
            told = self.warm_up(self._policy)
            self._policy.keep(self.kept)
        if stage == "practised":
            told = self.practise(self._policy)
        return {**told, **self.asked(self._policy)}

    def warm_up(self, policy: TorchPolicy) -> dict[str, Any]:
        """Imitate human proofs of the first theorems until the time is up."""
        rng = random.Random(self.args.seed)
        named = self.tasks(self.made("named"), "train")
        shown = [task for task in named if task.facts["place"] < self.first_place]
        losses, seen, begun = [], 0, time.monotonic()
        while time.monotonic() - begun < 60 * self.args.warm_minutes:
            batch = rng.sample(shown, min(BATCH, len(shown)))
            examples = [
                Example(task.id, DEFAULT_TENANT, (), "practice", "practice", task.prompt, task.solution[0])
                for task in batch
            ]  # fmt: skip
            losses.append(round(policy.imitate(examples, epochs=1, seed=seen).loss, 4))
            seen += len(batch)
            print(f"warm-up: {seen} examples, loss {losses[-1]:.3f}", flush=True)
        return {"theorems_shown": len(shown), "examples": seen, "losses": losses}

    def practise(self, policy: TorchPolicy) -> dict[str, Any]:
        """Practise by rewards alone until the time is up."""
        begun = time.monotonic()
        rng = random.Random(f"practice {self.args.seed}")
        rounds = practise(
            self.found, policy, self.config, choose=lambda _: rng.sample(self.practised, self.config.tasks),
            until=lambda: time.monotonic() - begun > 60 * self.args.minutes, on_round=told,
        )  # fmt: skip
        return {
            "theorems_practised": len(self.practised),
            "reward": [round(one.mean_reward, 3) for one in rounds],
            "solved_share": [round(one.solved, 3) for one in rounds],
        }

    def asked(self, policy: TorchPolicy) -> dict[str, Any]:
        """Let the model attempt every held-out theorem K times."""
        begun = time.monotonic()
        answers: dict[str, list[str]] = {}
        for at in range(0, len(self.held), 8):
            for group in attempted(self.found, policy, self.config, self.held[at : at + 8], (), 10_000 + at):  # fmt: skip
                answers[group.task.id] = [one.said[0].drawn.text for one in group.attempts]
            print(f"asked {at + 8} of {len(self.held)}", flush=True)
        return {**self.judged(answers), "seconds": round(time.monotonic() - begun, 1)}

    def at_random(self) -> dict[str, Any]:
        """Attempt every held-out theorem with premises of its prompt, put together by chance."""
        rng = random.Random(self.args.seed)
        answers = {}
        for task in self.held:
            own = [f"h{k}" for k in range(1, len(task.facts["given"]) + 1)]
            lines = [line.split(": ")[0] for line in task.prompt[0].content.splitlines()[1:-1]]
            offered = [label for label in lines if label not in (*own, "Distinct")]
            answers[task.id] = [by_chance(rng, own, offered) for _ in range(K)]
        return self.judged(answers)

    def judged(self, answers: dict[str, list[str]]) -> dict[str, Any]:
        """Check all answers, the right ones with the reference program too."""
        rows, proofs = [], {}
        for task in self.held:
            label, tries = task.facts["label"], answers[task.id]
            checked = [(text, self.found.proof(task, text)) for text in tries]
            right = {" ".join(text.split()): proof for text, proof in checked if proof}
            own = self.book.length(label)
            rows.append({
                "label": label, "steps": task.facts["steps"], "suffice": suffice(task), "right": sum(bool(p) for _, p in checked),
                "solutions": {text: len(proof) for text, proof in right.items()}, "database": task.solution[0],
                "database_labels": own, "shorter": [t for t, p in right.items() if len(p) < own],
                "first_answers": tries[:2],
            })  # fmt: skip
            if right:
                proofs[label] = min(right.values(), key=len)
        return {"theorems": rows, "reference": both(proofs)}


def suffice(task: Task) -> bool:
    """Tell whether the prompt offers all that the database's own proof uses."""
    offered = {line.split(": ")[0] for line in task.prompt[0].content.splitlines()}
    return set(task.solution[0].split()) <= offered


def by_chance(rng: random.Random, own: Sequence[str], offered: Sequence[str]) -> str:
    """Write the hypotheses in order, up to two premises somewhere among them, and one at the end."""
    steps = list(own)
    for _ in range(rng.randint(0, 2)):
        steps.insert(rng.randint(0, len(steps)), rng.choice(offered))
    return " ".join([*steps, rng.choice(offered)])


def both(proofs: dict[str, tuple[str, ...]]) -> dict[str, Any]:
    """Let the reference program check proofs in place of the database's own."""
    program = shutil.which("metamath")
    if not program or not proofs:
        return {"installed": bool(program), "passed": None if not program else 0, "failed": []}
    tokens = list(database_words())
    for label, proof in proofs.items():
        at = next(k for k, word in enumerate(tokens) if word == label and tokens[k + 1] == "$p")
        start, end = tokens.index("$=", at), tokens.index("$.", at)
        tokens[start + 1 : end] = proof
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "proved.mm"
        path.write_text(written(tokens), "ascii")
        said = reference(program, path)
    failed = sorted(set(said.failed) & proofs.keys()) if said.read else sorted(proofs)
    return {"installed": True, "passed": len(proofs) - len(failed), "failed": failed}


@cache
def database_words() -> tuple[str, ...]:
    """Read the part of the database that is practised on."""
    return tuple(words(before(SET_MM.read_text("ascii"), UNTIL, SET_MM.name), SET_MM.name))


def told(one: Round) -> None:
    """Print a round."""
    print(f"round {one.number}: reward {one.mean_reward:.3f}, solved {one.solved:.3f}, {one.seconds:.0f} s", flush=True)  # fmt: skip


def state(record: Record, at_random: dict[str, Any], rows: Sequence[dict[str, Any]]) -> None:
    """State the figures of all stages."""
    for row in (*rows[::-1], at_random):
        stage, theorems = row["stage"], row["theorems"]
        rate(record, f"solved_at_{K}_{stage}", theorems)
        for steps in sorted({one["steps"] for one in theorems}):
            rate(record, f"solved_at_{K}_{stage}_steps_{steps}", [one for one in theorems if one["steps"] == steps])  # fmt: skip
        solved = sum(one["right"] > 0 for one in theorems)
        record.figure(f"checked_by_both_{stage}", row["reference"]["passed"], n=solved, unit="theorems")  # fmt: skip
        record.figure(f"shorter_than_database_{stage}", sum(bool(one["shorter"]) for one in theorems), n=solved, unit="theorems")  # fmt: skip
    rate(record, "premises_suffice", at_random["theorems"], "suffice")
    before, warm, last = ([one["right"] > 0 for one in row["theorems"]] for row in rows)
    for name, one, other in (("warm_up", warm, before), ("practice", last, warm)):
        gained = sum(a and not b for a, b in zip(one, other, strict=True))
        lost = sum(b and not a for a, b in zip(one, other, strict=True))
        record.figure(f"{name}_gained", gained, n=len(one), unit="theorems")
        record.figure(f"{name}_lost", lost, n=len(one), unit="theorems")
        record.figure(f"{name}_p", mcnemar(gained, lost), n=gained + lost, unit="p")
    record.save()


def rate(
    record: Record, name: str, theorems: Sequence[dict[str, Any]], what: str = "right"
) -> None:
    """State the share of theorems that at least one attempt solved, or of which something else is true."""
    value = sum(bool(one[what]) for one in theorems) / len(theorems)
    low, high = (round(x, 4) for x in wilson(value, len(theorems)))
    record.figure(name, round(value, 4), low=low, high=high, n=len(theorems), unit="rate")


if __name__ == "__main__":
    main()
