"""Which function or class of one commit is which of the next: known again by its body and signature.

A thing that stays at its place under its name is the same, whatever became of its body. Of what is gone,
that which says the same as something new was renamed or moved; so are the members of a class, and the
contents of a file, that were. Two that say the same are not told apart, and none is taken for the other.
"""

from __future__ import annotations

import ast
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from nightschool.types import digest

TELLING = 8
"""Nodes of a Python body that make it known again without a docstring."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a thing stands in a commit."""

    path: str
    owner: str = ""
    """The class whose member it is; empty for none."""
    short: str = ""
    """Its name; empty for the file itself."""


@dataclass(frozen=True, slots=True)
class Body:
    """What a thing at a place does, whatever it is called."""

    place: Place
    digest: str
    telling: bool
    """Whether there is enough of it to be known again by."""


def python_bodies(path: str, tree: ast.Module) -> list[Body]:
    """Return the bodies of a module's functions and classes, and of the classes' methods."""
    found = []
    for node in tree.body:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            continue
        found.append(_body(Place(path, "", node.name), node))
        for part in node.body if isinstance(node, ast.ClassDef) else ():
            if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef):
                found.append(_body(Place(path, node.name, part.name), part))
    return found


def _body(place: Place, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> Body:
    doc = ast.get_docstring(node) or ""
    inner = node.body[1:] if doc else node.body
    told = [type(node).__name__, *(ast.dump(part) for part in inner)]
    told += [ast.dump(part) for part in node.decorator_list]
    if isinstance(node, ast.ClassDef):
        told += [ast.dump(base) for base in [*node.bases, *node.keywords]]
    else:
        told += [ast.dump(node.args), ast.dump(node.returns) if node.returns else ""]
    plain = [_without_own(one, place, node) for one in told]
    weight = sum(1 for part in inner for _ in ast.walk(part))
    if weight < TELLING:
        plain.append(doc)
    return Body(place, digest(*plain)[:16], weight >= TELLING or bool(doc))


def _without_own(dump: str, place: Place, node: ast.AST) -> str:
    """Leave out how a function calls itself, and a class names itself: under another name it does so, too."""
    name = f"Name(id='{place.short}'"
    if isinstance(node, ast.ClassDef):
        return dump.replace(name, "Name(@")
    method = f"Call(func=Attribute(value=Name(id='self', ctx=Load()), attr='{place.short}'"
    return dump.replace(f"Call(func={name}", "Call(@").replace(method, "Call(@")


def moved(old: Sequence[Body], new: Sequence[Body], files: Mapping[str, str]) -> dict[Place, Place]:
    """Find what was renamed or moved: old place -> new place.

    Args:
        old: What changed and removed files held in the old commit.
        new: What changed and added files hold in the new one.
        files: Old path -> new path of files that were renamed without a change.
    """
    before, after = {b.place for b in old}, {b.place for b in new}
    gone = [b for b in old if b.place not in after]
    fresh = [b for b in new if b.place not in before]
    found = {Place(a): Place(b) for a, b in files.items()}
    left: dict[str, list[Place]] = defaultdict(list)
    came: dict[str, list[Place]] = defaultdict(list)
    for bodies, by_digest in ((gone, left), (fresh, came)):
        for body in bodies:
            if body.telling:
                by_digest[body.digest].append(body.place)
    for same, places in left.items():
        found |= _pairs(places, came.get(same, []))
    found |= _files(found, before, after)
    targets = set(found.values())
    for place in (b.place for b in gone):  # with the class or the file in which they stand
        container = found.get(Place(place.path, "", place.owner)) if place.owner else None
        file = found.get(Place(place.path))
        there = (
            Place(container.path, container.short, place.short)
            if container
            else Place(file.path, place.owner, place.short)
            if file
            else place
        )
        if place not in found and there in after - before and there not in targets:
            found[place] = there
            targets.add(there)
    return found


def _pairs(gone: Sequence[Place], fresh: Sequence[Place]) -> dict[Place, Place]:
    """Pair places of one body: those of the same name first, then a single one with a single one."""
    found: dict[Place, Place] = {}
    for place in gone:
        alike = [p for p in fresh if (p.owner, p.short) == (place.owner, place.short)]
        rivals = [p for p in gone if (p.owner, p.short) == (place.owner, place.short)]
        if len(alike) == 1 == len(rivals):
            found[place] = alike[0]
    rest = [p for p in gone if p not in found]
    free = [p for p in fresh if p not in found.values()]
    return found | ({rest[0]: free[0]} if len(rest) == 1 == len(free) else {})


def _files(
    found: Mapping[Place, Place], before: set[Place], after: set[Place]
) -> dict[Place, Place]:
    """Find files that were renamed and changed: gone, and half of what they held is in one new file."""
    old_paths, new_paths = {p.path for p in before}, {p.path for p in after}
    renamed = {}
    for path in old_paths - new_paths:
        held = [p for p in before if p.path == path]
        to = Counter(found[p].path for p in held if p in found and found[p].path not in old_paths)
        if to and Place(path) not in found and 2 * to.most_common(1)[0][1] >= len(held):
            renamed[Place(path)] = Place(to.most_common(1)[0][0])
    return renamed
