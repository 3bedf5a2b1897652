"""Code is read as its users see it: public names, what they re-export, parameters with meaning."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nightschool.errors import SourceUnreadable
from nightschool.sources import read
from nightschool.sources.code import read_package
from nightschool.types import Finding

INIT = '''"""A kit."""
from ._core import Box, Label, Receipt, pack, weigh
from . import tools
__all__ = ["Box", "Label", "Receipt", "pack", "tools", "weigh"]
'''
CORE = '''
from dataclasses import dataclass

def pack(item: str, *, layers: int = 3) -> bytes:
    """Wrap an *item* for :class:`Box`. More text.

    Args:
        item: What goes in.
        layers: Sheets of paper around it.

    Raises:
        FullError: The box holds enough.

    If it is too large, a ``SizeError`` is raised. A ValueError is never seen.
    """

def _hidden(): ...

class Box:
    """Holds things."""
    def __init__(self, size: int = 4) -> None: ...
    @property
    def room(self) -> int:
        """The space that is left."""
        return 0
    def close(self) -> None:
        """Shut it."""

class Label:
    """Decorator that names what is packed.

    .. note:: Labels are printed in capitals by every printer.

    See there. Every box shows its label on the front:

    >>> Label("tea")
    """
    def __init__(self, text: str) -> None:
        """:meta private:"""
    def __call__(self, item=None, shout: bool = False):
        """Mark an item.

        Args:
            shout: If True, the label is printed twice.
        """

@dataclass
class Receipt:
    """What was packed.

    Attributes:
        count: Number of items in the box.
    """
    count: int

def weigh(box: Box) -> float:
    """Put a box on the scales.

    Boxes above forty kilos are refused. Returns the weight in grams.
    """
'''


@pytest.fixture
def found(tmp_path: Path) -> dict[str, Finding]:
    package = tmp_path / "kit"
    package.mkdir()
    (package / "__init__.py").write_text(INIT, "utf-8")
    (package / "_core.py").write_text(CORE, "utf-8")
    (package / "tools.py").write_text(
        "from ._core import pack\nfrom json import dumps\n__all__ = ['pack', 'dumps']\n", "utf-8"
    )
    reading = read_package("kit", "t", tmp_path)
    return {f.facets["name"]: f for f in reading.findings}


def test_what_init_exports_is_found_under_its_public_name(found: dict[str, Finding]) -> None:
    assert set(found) == {
        "kit", "kit.tools", "kit.pack", "kit.Box", "kit.Box.room", "kit.Box.close", "kit.Label",
        "kit.Receipt", "kit.weigh",
    }  # fmt: skip
    assert found["kit.pack"].facets["module"] == "kit"
    assert found["kit.pack"].facets["file"] == "kit/_core.py"


def test_parameters_carry_default_and_meaning(found: dict[str, Finding]) -> None:
    rows = {p["name"]: p for p in json.loads(found["kit.pack"].facets["parameters"])}
    assert rows["layers"]["default"] == "3"
    assert rows["layers"]["doc"] == "Sheets of paper around it."
    assert "layers: Sheets of paper around it." in found["kit.pack"].text


def test_purposes_lose_their_markup(found: dict[str, Finding]) -> None:
    assert found["kit.pack"].facets["purpose"] == "Wrap an item for `Box`."


def test_a_property_is_no_call(found: dict[str, Finding]) -> None:
    room = found["kit.Box.room"]
    assert (room.form, room.facets["signature"], room.facets["returns"]) == (
        "code.property", "", "int",
    )  # fmt: skip
    assert found["kit.Box"].facets["signature"] == "Box(size: int=4)"


def test_a_decorator_class_is_known_by_what_its_instances_take(found: dict[str, Finding]) -> None:
    label = found["kit.Label"]
    rows = {p["name"]: p for p in json.loads(label.facets["parameters"])}
    assert label.facets["signature"] == "Label(text: str)"
    assert rows["shout"]["default"] == "False"
    assert rows["shout"]["doc"] == "If True, the label is printed twice."
    assert "shout: If True, the label is printed twice." in label.text


def test_fields_of_a_data_class_have_their_meaning(found: dict[str, Finding]) -> None:
    rows = json.loads(found["kit.Receipt"].facets["parameters"])
    assert [(p["name"], p["doc"]) for p in rows] == [("count", "Number of items in the box.")]


def test_the_rest_of_a_docstring_is_read_and_its_markup_is_not(found: dict[str, Finding]) -> None:
    label, weigh = found["kit.Label"].facets, found["kit.weigh"].facets
    assert json.loads(label["details"]) == ["Labels are printed in capitals by every printer."]
    assert json.loads(weigh["details"]) == ["Boxes above forty kilos are refused."]
    assert weigh["result"] == "The weight in grams."
    assert "Boxes above forty kilos are refused." in found["kit.weigh"].text


def test_a_missing_package_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceUnreadable, match="nowhere"):
        read_package("nowhere", "t", tmp_path)


def test_loose_files_are_modules_and_tests_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "export.py").write_text('"""Exports."""\ndef send(month):\n    """Send the invoices of a month."""\n', "utf-8")  # fmt: skip
    (tmp_path / "my-script.py").write_text("def run_all():\n    pass\n", "utf-8")
    (tmp_path / "test_export.py").write_text("def test_send():\n    pass\n", "utf-8")
    (tmp_path / "main.go").write_text("package main\n", "utf-8")
    (tmp_path / "broken.py").write_text("def send(:\n", "utf-8")
    found = read(str(tmp_path), "t")
    sources = {r.episode.source: {f.facets["name"] for f in r.findings} for r in found.readings}
    assert sources == {
        str(tmp_path / "export.py"): {"export", "export.send"},
        str(tmp_path / "my-script.py"): {"my-script", "my-script.run_all"},
    }
    skipped = {Path(path).name: why for path, why in found.skipped}
    assert "cannot be read as Python" in skipped["broken.py"]
    assert "git+file" in skipped["test_export.py"]
    assert "git+file" in skipped["main.go"]
    assert read(str(tmp_path / "export.py"), "t").readings[0].findings[1].form == "code.function"
    with pytest.raises(SourceUnreadable, match=r"main\.go is no prose.*git\+file"):
        read(str(tmp_path / "main.go"), "t")


def test_exceptions_are_read_from_sections_and_sentences(found: dict[str, Finding]) -> None:
    assert found["kit.pack"].facets["raises"] == "FullError, SizeError"
    assert found["kit.Box.close"].facets["raises"] == ""


TOLD = '''"""Docs."""

def lookup(name, default=None, /, *, deep=False, **more):
    """Look it up, e.g. by name. More.

    Unlike find(), it never raises KeyError. It doesn't raise a TypeError. Raises ValueError if it is empty.
    """

def weigh(*things, unit="g"):
    """Compare a vs. b and return the larger."""

async def later(x, /):
    """Wait for x."""
'''


def test_docstrings_are_taken_at_their_word_and_signatures_whole(tmp_path):
    path = tmp_path / "told.py"
    path.write_text(TOLD)
    (reading,) = read(str(path), "t").readings
    told = {f.facets["short"]: f for f in reading.findings if f.form == "code.function"}
    assert told["lookup"].facets["raises"] == "ValueError"
    assert told["lookup"].facets["purpose"] == "Look it up, e.g. by name."
    assert (
        told["lookup"].facets["signature"] == "lookup(name, default=None, /, *, deep=False, **more)"
    )
    assert told["weigh"].facets["signature"] == "weigh(*things, unit='g')"
    assert told["weigh"].facets["purpose"] == "Compare a vs. b and return the larger."
    assert told["later"].facets["signature"] == "later(x, /)"
    assert told["later"].text.startswith("The async function `told.later(x, /)`")
