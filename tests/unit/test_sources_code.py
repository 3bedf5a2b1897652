"""Code is read as its users see it: public names, what they re-export, parameters with meaning."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nightschool.errors import SourceUnreadable
from nightschool.sources.code import read_package
from nightschool.types import Finding

INIT = '''"""A kit."""
from ._core import Box, pack
from . import tools
__all__ = ["Box", "pack", "tools"]
'''
CORE = '''
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
        "kit", "kit.tools", "kit.pack", "kit.Box", "kit.Box.room", "kit.Box.close",
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


def test_a_missing_package_is_named(tmp_path: Path) -> None:
    with pytest.raises(SourceUnreadable, match="nowhere"):
        read_package("nowhere", "t", tmp_path)


def test_exceptions_are_read_from_sections_and_sentences(found: dict[str, Finding]) -> None:
    assert found["kit.pack"].facets["raises"] == "FullError, SizeError"
    assert found["kit.Box.close"].facets["raises"] == ""
