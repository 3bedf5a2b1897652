"""The documents say what the program does: generated parts are up to date, links lead somewhere."""

import importlib.util
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def make():
    spec = importlib.util.spec_from_file_location("docs_make", ROOT / "docs" / "make.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_generated_parts_are_up_to_date():
    for page, text in make().pages().items():
        assert page.read_text("utf-8") == text, f"run python docs/make.py ({page.name})"


def test_every_command_shows_an_example():
    sections = make().commands().split("\n## ")[1:]
    assert len(sections) >= 18
    for section in sections:
        assert "Example: nightschool" in section, section.splitlines()[0]


@pytest.mark.parametrize(
    "page",
    sorted(p.relative_to(ROOT).as_posix() for p in ROOT.glob("**/*.md") if ".venv" not in str(p)),
)
def test_links_lead_somewhere(page):
    text = (ROOT / page).read_text("utf-8")
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", text):
        if not target.startswith(("http:", "https:")):
            assert ((ROOT / page).parent / target).exists(), target


def test_the_readme_uses_make_targets_that_exist():
    text = (ROOT / "README.md").read_text("utf-8")
    for target in set(re.findall(r"\bmake (demo|test|check|\w+)$", text, re.MULTILINE)):
        subprocess.run(["make", "-n", target], cwd=ROOT, check=True, capture_output=True)
