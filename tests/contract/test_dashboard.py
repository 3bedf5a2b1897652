"""The dashboard's files: what they may contain, what ships, and whether its colours can be read."""

import re
from pathlib import Path

import pytest

import nightschool

FILES = Path(nightschool.__file__).parent / "serve" / "dashboard"
SCRIPTS = sorted(FILES.rglob("*.js"))
STYLE = (FILES / "style.css").read_text("utf-8")
PAGE = (FILES / "index.html").read_text("utf-8")

TEXT_ON = [
    *(
        (text, under)
        for text in ("ink", "quiet", "night")
        for under in ("paper", "side", "card", "rail")
    ),
    ("quiet", "paper"),
    ("night", "night-soft"),
    ("ink", "night-soft"),
    ("ink", "mark"),
    ("on-night", "night"),
    ("card", "bad"),
    ("paper", "ink"),
    *(
        (name, under)
        for name in ("good", "bad", "warn")
        for under in (f"{name}-soft", "card", "paper")
    ),
    *(("ink", f"heat-{level}") for level in range(6)),
    *(("on-night", f"heat-{level}") for level in range(6, 10)),
]
SEEN_ON = [("line-strong", "card"), ("line-strong", "paper"), ("night", "card"), ("dot", "card")]
"""What is no text but must be seen: the borders of fields, focus rings, dots."""


def palettes():
    """Return the custom properties of the light theme, the dark one, and the dark one as the system's."""
    blocks = re.findall(r"(:root[^{]*)\{([^}]*)\}", STYLE)
    read = [
        (name.strip(), dict(re.findall(r"--([\w-]+):\s*([^;]+);", body))) for name, body in blocks
    ]
    light = read[0][1]
    dark = next(values for name, values in read if name == ':root[data-theme="dark"]')
    system = next(values for name, values in read if name == ':root:not([data-theme="light"])')
    return {"light": light, "dark": {**light, **dark}, "system": {**light, **system}}


def luminance(colour):
    channels = [int(colour[n : n + 2], 16) / 255 for n in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one, other):
    """Return the contrast ratio of two colours, as WCAG 2 defines it."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("text", "under"), TEXT_ON)
def test_text_can_be_read(theme, text, under):
    colours = palettes()[theme]
    assert contrast(colours[text], colours[under]) >= 4.5


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("mark", "under"), SEEN_ON)
def test_marks_can_be_seen(theme, mark, under):
    colours = palettes()[theme]
    least = 2.5 if mark == "dot" else 3  # a dot always has a word beside it
    assert contrast(colours[mark], colours[under]) >= least


def test_the_systems_dark_theme_is_the_chosen_one():
    assert palettes()["system"] == palettes()["dark"]


def test_a_strict_policy_is_possible():
    assert not re.findall(r"<script(?![^>]*\ssrc=)", PAGE)
    assert "<style" not in PAGE
    assert not re.findall(r'\s(?:on\w+|style)="', PAGE)


@pytest.mark.parametrize("path", SCRIPTS, ids=lambda path: path.name)
def test_no_markup_is_made_of_data(path):
    text = path.read_text("utf-8")
    for forbidden in (
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        "new Function",
    ):
        assert forbidden not in text


@pytest.mark.parametrize(
    "path", [*SCRIPTS, FILES / "style.css", FILES / "index.html"], ids=lambda path: path.name
)
def test_nothing_is_fetched_from_elsewhere(path):
    links = re.findall(r"(?:https?:)?//[\w.-]+\.\w+[^\s\"')]*", path.read_text("utf-8"))
    assert [link for link in links if "www.w3.org" not in link] == []


@pytest.mark.parametrize("path", [*SCRIPTS, FILES / "style.css"], ids=lambda path: path.name)
def test_files_stay_short(path):
    assert len(path.read_text("utf-8").splitlines()) <= 350


def test_every_module_that_is_imported_ships():
    for path in SCRIPTS:
        for target in re.findall(r'from "(\.[^"]+)"', path.read_text("utf-8")):
            assert (path.parent / target).resolve().is_file(), f"{path.name} imports {target}"


def test_the_wheel_holds_the_files():
    import tomllib

    project = FILES.parents[3] / "pyproject.toml"
    if not project.exists():
        pytest.skip("runs in the source tree")
    patterns = tomllib.loads(project.read_text("utf-8"))["tool"]["setuptools"]["package-data"][
        "nightschool"
    ]
    kinds = {path.suffix for path in FILES.rglob("*") if path.is_file()}
    assert kinds <= {pattern.removeprefix("**/*") for pattern in patterns}
