"""A practice run: from held-out tasks to the gate, killed and taken up again, and what later nights make of it."""

import json
import re
from contextlib import contextmanager
from dataclasses import replace
from importlib.resources import files

import pytest
import torch
from safetensors.torch import save_file

from nightschool.codec import from_json, to_json
from nightschool.day import reader, remember
from nightschool.environments import environment
from nightschool.errors import ConfigError, EnvironmentBroken, NightUnfinished
from nightschool.forget import forget
from nightschool.practise import give_up, practise
from nightschool.promotion import roll_back
from nightschool.protocols import Policy
from nightschool.registry.nights import LEDGERS, OWN_WORDS, open_night, practices
from nightschool.rounds import State
from nightschool.skills import (
    SOLUTION,
    attempt,
    lasting_name,
    practised_in,
    quoted,
    seal_skill,
    skill_banks,
    skill_material,
)
from nightschool.sources.extractors import RULES
from nightschool.sources.note_taker import NoteTaker
from nightschool.train.rate import MEASURED_ON
from nightschool.types import Drawn, Material, TrainResult, Update, Verdict
from nightschool.wire import School, open_school
from nightschool.workspace import Workspace

START = {"fake": 0.2, "turns": 0.2}
SETTINGS = (
    "practice.tasks=4",
    "practice.group=8",
    "practice.held_out=40",
    "practice.earlier=40",
    "exam.abstention_items=40",
)


@contextmanager
def silent(label):
    yield lambda done, total, loss=None: None


class Talent:
    """Answers the fake environments right for a share of the numbers; implements `protocols.Sampler`."""

    def __init__(self, shares, wordy=False):
        self.shares, self.wordy = dict(shares), wordy

    def say(self, prompt, chance=None):
        text = prompt[-1].content
        if text.startswith("Say `ask`"):
            return "ask"
        found = re.search(r"(\d+)", text)
        if found is None or not text.startswith(("Say ", "The number is")):
            return "I do not know."
        skill = "turns" if text.startswith("The number") else "fake"
        drawn = (int(found[1]) * 7919 % 100) / 100 if chance is None else chance
        return f" {found[1]}" * (drawn < self.shares[skill]) + "." * (not drawn < self.shares[skill])  # fmt: skip

    def generate(self, prompts, *, max_tokens, temperature=0.0, seed=0, progress=None):
        return [self.say(prompt) for prompt in prompts]

    def score(self, pairs, *, progress=None):
        return [[-1.0 - self.shares["fake"] / 10] * max(2, len(t.split())) for _, t in pairs]


class Practising(Talent):
    """Gets better at what its credits say was right; implements `protocols.Policy`."""

    kept: Policy | None = None

    def __init__(self, shares, step=0.2, harm=0.0, dies_at=None, wordy=False):
        super().__init__(shares, wordy)
        self.step, self.harm, self.dies_at, self.steps = step, harm, dies_at, 0

    def draw(self, prompts, *, max_tokens, temperature, seed):
        texts = [self.say(prompt, (k % 5) / 5) for k, prompt in enumerate(prompts)]
        return [Drawn((1,), (2, 3), (-1.0, -1.0), True, text if self.wordy else text.strip()) for text in texts]  # fmt: skip

    def update(self, credits, over=None):
        if self.steps == self.dies_at:
            raise KeyboardInterrupt
        right = [c.drawn.text for c in credits if c.advantage > 0]
        skill = "turns" if any(c.drawn.text == "ask" for c in credits) else "fake"
        other = {"turns": "fake", "fake": "turns"}[skill]
        if right:
            self.shares[skill] = min(1.0, self.shares[skill] + self.step)
            self.shares[other] = max(0.0, self.shares[other] - self.harm)
        self.steps += 1
        return Update(0.1, None, 0.0, 1.0, len(credits), 0.0)

    def imitate(self, examples, *, epochs, seed):
        assert all(e.target in e.prompt[-1].content for e in examples)
        self.shares["fake"] = min(1.0, self.shares["fake"] + len(examples) / 100)
        return Update(0.1, None, 0.0, 1.0, len(examples), 0.0)

    def save(self, out):
        out.mkdir()
        (out / "shares.json").write_text(json.dumps(self.shares))
        result = TrainResult("full", self.steps, 9, 9, 1.0, 1000, 0.2, 0.1)
        from nightschool.codec import to_json

        (out / "train.json").write_text(to_json(result))
        return result

    def keep(self, folder):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "state.json").write_text(json.dumps([self.shares, self.steps]))

    def restore(self, folder):
        self.shares, self.steps = json.loads((folder / "state.json").read_text())
        return True


class Pretending(School):
    """A school whose models are talents."""

    def base_folder(self):
        return self.workspace.root / "base"

    def sampler(self, name):
        version = self.registry.resolve(self.settings.tenant, name)
        if version is None:
            return Talent(START)
        folder = self.registry.weights(version)
        return Talent(json.loads((folder / "shares.json").read_text()))


@pytest.fixture
def school(tmp_path):
    Workspace.create(tmp_path, "")
    plain = open_school(tmp_path, SETTINGS)
    base = tmp_path / "base"
    base.mkdir()
    save_file({"layer.weight": torch.full((2, 2), MEASURED_ON / 2)}, base / "model.safetensors")
    return Pretending(plain.workspace, plain.settings, plain.store, plain.registry, plain.exams)


def run(school, name="fake", seconds=1e-9, **how):
    """Practise with a policy that goes on from what is served; the budget of one round unless told."""

    def policy(start, config):
        shares = START if start.name == "base" else json.loads((start / "shares.json").read_text())
        return Practising(shares, **how)

    return practise(school, name, budget_seconds=seconds, policy=policy, bar=silent)


def test_a_gain_is_promoted_and_stands_as_a_version(school):
    done = run(school, step=0.6)
    assert done.decision.promote, done.decision.checks
    assert done.version.config["practice"]["learning_rate"] == pytest.approx(
        1e-4
    )  # half of SmolLM2's, as its weights
    assert done.summary.after > done.summary.before + 0.3
    assert done.summary.gained - done.summary.lost > 10
    assert done.summary.p < 1e-3
    live = school.registry.resolve("default", "live")
    assert (live.id, live.parent, live.kind) == (done.version.id, "base", "full")
    assert live.config["practice"]["environment"] == "fake"
    assert practised_in(school, live) == ["practice-0001"]
    assert not list(school.workspace.versions.glob("*.practice"))
    roll_back(school, "owner")
    assert school.registry.alias("default", "live") == "base"


def test_who_has_practised_notes_reads_conversations_while_it_is_served(school):
    write = school.settings.write.model_copy(update={"extractor": "live"})
    settings = school.settings.model_copy(update={"write": write})
    school = Pretending(school.workspace, settings, school.store, school.registry, school.exams)
    assert reader(school) is RULES
    assert run(school, step=0.6).decision.promote
    assert reader(school) is RULES  # it has practised something else
    skill = school.workspace.nights / "default" / "practice-0001" / "skill.json"
    kept = json.loads(skill.read_text())
    skill.write_text(json.dumps({**kept, "environment": "fake + memory?level=1&talks=2"}))
    assert isinstance(reader(school), NoteTaker)
    roll_back(school, "owner")
    assert reader(school) is RULES


def test_a_warm_up_imitates_solutions_once_before_the_first_round(school):
    warm = school.settings.practice.model_copy(update={"warm_up": 30})
    settings = school.settings.model_copy(update={"practice": warm})
    school = Pretending(school.workspace, settings, school.store, school.registry, school.exams)
    with pytest.raises(KeyboardInterrupt):
        run(school, step=0.0, seconds=1e9, dies_at=2)
    kept = next(school.workspace.versions.glob("*.practice"))
    state = json.loads((kept / "state.json").read_text())
    state["rounds"][0]["seconds"] = 1e9
    (kept / "state.json").write_text(json.dumps(state))
    done = run(school, step=0.0)
    version = school.registry.resolve("default", done.version.id)
    shares = json.loads((school.registry.weights(version) / "shares.json").read_text())
    assert shares["fake"] == pytest.approx(
        0.5
    )  # 0.2 and 30 examples; not imitated again when taken up
    assert version.config["practice"]["warm_up"] == 30


def test_nothing_gained_is_refused_and_the_next_attempt_needs_more(school):
    first = run(school, step=0.0)
    assert not first.decision.promote
    failed = {check.name: check.reason for check in first.decision.checks if not check.passed}
    assert "not significant gain on held-out tasks" in failed["practised"]
    assert school.registry.alias("default", "live") == "base"
    assert practices(school.workspace, "default")[0].outcome == "refused"
    assert run(school, step=0.0).decision.attempt == 2
    assert run(school, "fake?turns=2", step=0.0).decision.attempt == 1
    assert school.registry.attempts("default", school.base) == 0  # no night was refused


def test_a_gain_that_costs_another_skill_is_refused(school):
    assert run(school, step=0.8).decision.promote
    done = run(school, "fake?turns=2", step=0.8, harm=0.9)
    failed = {check.name for check in done.decision.checks if not check.passed}
    assert failed == {"skills", "since_practised"}
    assert {check.name for check in done.decision.checks if check.passed} >= {"practised"}


def test_killed_in_a_round_it_goes_on_there(school):
    with pytest.raises(KeyboardInterrupt):
        run(school, step=0.1, seconds=1e9, dies_at=3)
    (half,) = practices(school.workspace, "default")
    assert half.outcome is None
    with pytest.raises(NightUnfinished, match="practises fake"):
        run(school, "fake?turns=2")
    kept = next(school.workspace.versions.glob("*.practice"))
    assert [p.name for p in kept.iterdir() if p.is_dir()] == ["3"]
    state = json.loads((kept / "state.json").read_text())
    state["rounds"][0]["seconds"] = 1e9  # the budget is spent but for the round that was lost
    (kept / "state.json").write_text(json.dumps(state))
    done = run(school, step=0.1)
    assert done.summary.run == half.id
    assert done.summary.rounds == 3
    assert done.version.train.steps == 3
    assert [r["round"] for r in json.loads(half.stored("rounds.json"))] == [0, 1, 2]


@pytest.mark.parametrize(
    "step",
    [
        "plan",
        "skill",
        "report-before",
        "version",
        "rounds",
        "report-candidate",
        "decision",
        "facts",
    ],
)
def test_killed_after_any_step_it_ends_the_same(school, step, monkeypatch):
    from nightschool.registry.nights import Night

    artifact = Night.artifact

    def dies(self, name, make):
        made = artifact(self, name, make)
        if self.id.startswith("practice") and name.startswith(step) and armed:
            armed.clear()
            raise KeyboardInterrupt
        return made

    armed = [True]
    monkeypatch.setattr(Night, "artifact", dies)
    with pytest.raises(KeyboardInterrupt):
        run(school, step=0.6)
    if step == "facts":  # promoted already: what is served is not to be dropped
        with pytest.raises(NightUnfinished, match="promoted"):
            give_up(school)
    done = run(school, step=0.6)
    assert done.decision.promote
    assert done.summary.rounds == 1
    assert [v.id for v in school.registry.versions("default")] == [done.version.id]
    assert len(practices(school.workspace, "default")) == 1


def test_what_was_interrupted_can_be_given_up_and_a_night_goes_first(school):
    with pytest.raises(KeyboardInterrupt):
        run(school, dies_at=1, seconds=1e9)
    assert give_up(school) == "practice-0001"
    assert give_up(school) is None
    assert not list(school.workspace.versions.iterdir())
    open_night(school.workspace, "default")
    with pytest.raises(NightUnfinished, match="consolidate"):
        run(school)


def test_nothing_is_left_of_a_run_that_cannot_begin(school):
    first = run(school, step=0.6).version
    school.registry.add(replace(first, id="ver-lora", kind="lora"))
    (school.workspace.versions / "ver-lora").mkdir()
    (school.workspace.versions / "ver-lora" / "train.json").write_text("{}")
    school.registry.promote("default", "ver-lora", school.registry.decision(first.id), "test")
    with pytest.raises(ConfigError, match="adapter"):
        run(school)
    assert len(practices(school.workspace, "default")) == 1


def test_successes_are_studied_anew_from_the_base_and_reviewed_in_part(school):
    done = run(school, step=0.6)
    kept = from_json(
        Material, practices(school.workspace, "default")[0].stored("material.json")
    ).examples
    assert 0 < len(kept) == len({e.prompt for e in kept}) == done.summary.successes
    assert all(e.target == re.search(r"\d+", e.prompt[-1].content)[0] for e in kept)
    assert {e.author for e in kept} == {"practice"}
    assert skill_material(school, "base", ()) == list(kept)
    assert len(skill_material(school, done.version.id, ())) == 1
    night = open_night(school.workspace, "default")
    (bank,) = skill_banks(school, night)
    assert len(bank.items) == 40
    school.registry.rollback("default")
    assert skill_material(school, "base", ()) == []
    assert skill_banks(school, night) == []


def test_forgetting_reaches_the_version_and_what_it_said_in_its_own_words(school):
    (memory,) = remember(school, "The vault of Corvane is in Ostrelle.").added
    first = run(school, step=0.6)
    knows = replace(first.version, id="ver-knows", memory_ids=(memory.id,))
    folder = school.workspace.versions
    (folder / first.version.id).rename(folder / "ver-knows")
    school.registry.add(knows)
    school.registry._point("default", "live", knows.id)
    second = run(school, step=0.2, wordy=True)
    assert second.version.memory_ids == (memory.id,)
    run_folder = practices(school.workspace, "default")[1]
    said = from_json(Material, run_folder.stored("material.json"))
    worded = replace(said.examples[0], family=OWN_WORDS, id="practice-0002/own-0")
    assert list(quoted(school, [worded])) == [memory.id]
    assert list(quoted(school, [replace(worded, family=SOLUTION)])) == []
    from nightschool.codec import to_json

    (run_folder.folder / "material.json").write_text(
        to_json(replace(said, examples=(worded, *said.examples[1:])))
    )
    ledger = school.workspace.reports / "default" / LEDGERS / second.version.id / "ledger.json"
    ledger.parent.mkdir(parents=True)
    ledger.write_text("The vault is in Ostrelle.")
    forget(school, [memory.id])
    assert school.registry.version(second.version.id).tainted_by
    assert not ledger.exists()
    left = from_json(Material, run_folder.stored("material.json")).examples
    assert left == said.examples[1:]


def test_several_environments_are_practised_as_one_and_the_run_says_where_its_time_went(school):
    both = "fake + fake?turns=2"
    with pytest.raises(KeyboardInterrupt):
        run(school, both, step=0.2, seconds=1e9, dies_at=3)
    kept = next(school.workspace.versions.glob("*.practice"))
    state = json.loads((kept / "state.json").read_text())
    state["rounds"][0]["seconds"] = 1e9
    (kept / "state.json").write_text(json.dumps(state))
    done = run(school, both)
    assert done.summary.environment == both
    assert done.summary.rounds == 3
    assert done.summary.after > done.summary.before
    text = "\n".join(done.summary.choices)
    assert "Practised by progress" in text
    assert "Predictions of 96 attempts" in text


def test_where_nothing_changes_any_more_other_settings_are_practised_too(school, monkeypatch):
    monkeypatch.setattr(State, "seconds", property(lambda state: float(len(state.rounds))))
    done = run(school, "fake?turns=2 + calls", step=-1.0, seconds=40.0)
    text = "\n".join(done.summary.choices)
    assert ": fake, since fake?turns=2 was solved 0.0" in text
    assert done.summary.environment == "fake?turns=2 + calls?level=1"


READS_ITS_PROMPT = """
from nightschool.practice import SingleTurn, answers
from nightschool.practice.base import Question


class Echo(SingleTurn):
    name = "echo"
    about = "Say a number."

    def draw(self, rng):
        number = str(rng.randint(1, 99999))
        return Question(f"Say {number}.", number)

    def grade(self, task, answer):
        return answer.strip() == task.prompt[0].content[4:-1]

    def table(self, task):
        return answers(wrong=["-1"], malformed=["[1"], truncated=[""], adversarial=["1 2"])


environment = Echo()
"""


class Echoes:
    """Answers rightly."""

    def generate(self, prompts, **how):
        return [prompt[-1].content[4:-1] for prompt in prompts]


def sealed(school, path, shots):
    path.write_text(READS_ITS_PROMPT)
    night = open_night(school.workspace, "default", "practice")
    config = school.settings.practice.model_copy(update={"shots": shots})
    skill = seal_skill(night, "default", str(path), config)
    night.artifact("skill.json", lambda: to_json(skill))
    return skill.bank


def test_worked_examples_are_no_part_of_the_task_in_an_exam(school, tmp_path):
    bank = sealed(school, tmp_path / "echo.py", 3)
    results = attempt(school, Echoes(), [bank])
    assert {result.score.verdict for result in results} == {Verdict.CORRECT}


def test_an_environment_that_asks_something_else_than_was_sealed_is_not_examined(school, tmp_path):
    path = tmp_path / "echo.py"
    bank = sealed(school, path, 0)
    path.write_text(READS_ITS_PROMPT.replace("99999", "9999"))
    with pytest.raises(EnvironmentBroken, match="not the task that was sealed"):
        attempt(school, Echoes(), [bank])


def test_a_skill_whose_environment_was_changed_is_left_out_with_a_note(
    school, tmp_path, monkeypatch
):
    bank = sealed(school, tmp_path / "echo.py", 0)
    monkeypatch.setattr("nightschool.skills.practised_in", lambda *_: [bank.night])
    night = open_night(school.workspace, "default")
    assert len(skill_banks(school, night)) == 1
    (tmp_path / "echo.py").write_text(READS_ITS_PROMPT.replace("99999", "9999"))
    assert skill_banks(school, night) == []


def test_a_skill_that_was_rolled_back_is_not_studied_after_a_deletion_either(school):
    (memory,) = remember(school, "The vault of Corvane is in Ostrelle.").added
    first = run(school, step=0.6)
    knows = replace(first.version, memory_ids=(memory.id,))
    with school.registry.connection as connection:
        connection.execute("UPDATE versions SET body = ? WHERE id = ?", (to_json(knows), knows.id))
    school.registry.rollback("default")
    forget(school, [memory.id])
    assert school.registry.version(knows.id).tainted_by
    assert skill_material(school, "base", ()) == []


def test_what_a_deletion_takes_is_studied_again(school):
    (memory,) = remember(school, "The vault of Corvane is in Ostrelle.").added
    first = run(school, step=0.6)
    knows = replace(first.version, memory_ids=(memory.id,))
    with school.registry.connection as connection:
        connection.execute("UPDATE versions SET body = ? WHERE id = ?", (to_json(knows), knows.id))
    forget(school, [memory.id])
    assert school.registry.alias("default", "live") == "base"
    assert skill_material(school, "base", ())


def test_a_database_of_proofs_is_found_again_from_another_folder(tmp_path, monkeypatch):
    page = files("nightschool.verify.metamath") / "small.mm"
    (tmp_path / "own.mm").write_text(page.read_text("utf-8"))
    monkeypatch.chdir(tmp_path)
    name = lasting_name("proof?path=own.mm&steps=9", {})
    monkeypatch.chdir("/")
    assert environment(name).name == name
    assert lasting_name("proof?path=small&steps=9", {}).count("path=small") == 1
