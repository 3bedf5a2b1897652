"""Imports run one way: ground, organs, flows, doors. Organs are peers and never meet."""

import ast
import subprocess
import sys
from pathlib import Path

import nightschool

ROOT = Path(nightschool.__file__).parent
GROUND = (
    "attention",
    "types",
    "trust",
    "codec",
    "errors",
    "config",
    "protocols",
    "workspace",
    "damage",
    "leftovers",
    "tensors",
    "backup",
    "runlog",
    "trackers",
    "language",
    "negation",
    "calls",
    "prompts",
    "openbook",
    "shared_prefix",
    "drawing",
    "aside",
)
ORGANS = (
    "sources",
    "memory",
    "study",
    "train",
    "verify",
    "exam",
    "registry",
    "models",
    "report",
    "practice",
)
FLOWS = (
    "bases",
    "engines",
    "wire",
    "surprise",
    "day",
    "contradictions",
    "codebase",
    "curate",
    "feedback",
    "promotion",
    "overview",
    "exchange",
    "scope",
    "forget",
    "upkeep",
    "recording",
    "fleet",
    "hosting",
    "restore",
    "probes",
    "morning",
    "course",
    "prepare",
    "examine",
    "consolidate",
    "rebase",
    "export",
    "schedule",
    "night_process",
    "job_ends",
    "night_queue",
    "jobs",
    "demo_days",
    "demo",
    "environments",
    "skills",
    "rounds",
    "practice_exam",
    "practise",
    "closure",
)
DOORS = ("cli", "serve", "__main__")
DATA = ("demo_data",)


def imports():
    """Yield (importing file, its room, imported room)."""
    for path in ROOT.rglob("*.py"):
        own = path.relative_to(ROOT).parts[0].removesuffix(".py")
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = []
            if isinstance(node, ast.ImportFrom) and node.module:
                names = [node.module]
            elif isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            for name in names:
                if name.startswith("nightschool."):
                    yield path, own, name.split(".")[1]


def test_every_room_has_a_layer():
    rooms = {p.relative_to(ROOT).parts[0].removesuffix(".py") for p in ROOT.rglob("*.py")}
    assert rooms - {"__init__"} == {*GROUND, *ORGANS, *FLOWS, *DOORS, *DATA}


def test_imports_run_downwards():
    layer = {
        name: n
        for n, names in enumerate((GROUND, (*ORGANS, *DATA), FLOWS, DOORS))
        for name in names
    }
    wrong = [
        f"{path.relative_to(ROOT)} imports {other}"
        for path, own, other in imports()
        if own in layer
        and own != other
        and (layer[other] > layer[own] or (layer[own] == 1 and layer[other] == 1))
    ]
    assert not wrong


def test_only_wire_imports_models():
    users = {own for _, own, other in imports() if other == "models"} - {"models"}
    assert users <= {"wire", "bases", "engines"}


def test_the_judge_cannot_be_edited_by_the_judged():
    assert not {other for _, own, other in imports() if own == "exam"} & {"train", "study"}


def test_unit_tests_are_named_after_what_they_test():
    modules = {"_".join(p.relative_to(ROOT).with_suffix("").parts) for p in ROOT.rglob("*.py")}
    rooms = {p.name for p in ROOT.iterdir() if p.is_dir()}
    tests = Path(__file__).parents[1] / "unit"
    names = {path.stem.removeprefix("test_") for path in tests.glob("test_*.py")}
    assert names <= modules | rooms


def test_help_loads_nothing_heavy():
    code = (
        "import sys, nightschool\n"
        "from nightschool.cli.main import app\n"
        "try: app(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'torch', 'transformers', 'spacy', 'scipy', 'matplotlib', 'numpy', 'pydantic', 'rich'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1] == "[]"


def test_the_parser_reads_without_torch_and_hides_it_from_nobody_else():
    code = (
        "import sys, threading\n"
        "from nightschool.language import _without, parse\n"
        "print(parse('The office cat is called Biscuit.')[2].text, 'torch' in sys.modules)\n"
        "found = []\n"
        "def other():\n"
        "    import torch\n"
        "    found.append(torch.ones(1).item())\n"
        "with _without('torch'):\n"
        "    thread = threading.Thread(target=other)\n"
        "    thread.start()\n"
        "    thread.join()\n"
        "print(found)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines() == ["cat False", "[1.0]"]


def test_the_exams_general_prompts_are_not_the_replays() -> None:
    # Otherwise the measured drift from the base would be that on prompts that were trained on.
    from nightschool.exam.general import general_prompts
    from nightschool.language import fingerprint, overlap
    from nightschool.study.general import PROMPTS

    replayed = [fingerprint(prompt) for prompt in PROMPTS]
    for prompt, _ in general_prompts():
        asked = fingerprint(prompt[0].content)
        assert max(overlap(asked, known) for known in replayed) < 0.6, prompt
