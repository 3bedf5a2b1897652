"""A repository's commit as readings, one for each file, and what of the last one that was read is now where.

Code, tests and documents are told apart by their paths (`roles.py`). A language of which no file changed
is not read at all; of one that changed, all files are parsed again, since names are re-exported and tests
name what they call, but a file whose facts are the same changes nothing in memory.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from nightschool.errors import SourceUnreadable
from nightschool.protocols import Progress
from nightschool.sources.documents import read_document
from nightschool.sources.git import Listing, Repository, tally
from nightschool.sources.grammars import GRAMMARS, parser
from nightschool.sources.python_tree import parsed, read_python
from nightschool.sources.renames import Body, Place, moved, python_bodies
from nightschool.sources.roles import Role, is_example, role_of
from nightschool.sources.texts import Files
from nightschool.sources.trees import finding, grammar_of, read_source
from nightschool.types import Episode, Finding, Reading, SourceKind, digest, new_id, now

READER = 1
"""Raise it with any change of what is found; then everything is read again."""
MOST_USAGES = 3
"""Calls that are kept of one function."""


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a source has been read."""

    commit: str
    reader: str
    """What the program could read then."""


@dataclass(frozen=True, slots=True)
class Tour:
    """What was read of a repository's commit."""

    source: str
    """The address with its branch; a file's source is this, `#`, and its path."""
    commit: str
    since: str | None
    """The commit that it is compared with; None where all was read."""
    readings: tuple[Reading, ...]
    """Of each file of which something may have changed."""
    paths: frozenset[str]
    """All files of the commit that something is learnt from, or would be if they could be read."""
    changed: int
    """Files that are new, changed or gone since; of a first reading all."""
    moved: Mapping[Place, Place]
    """Where what stood in the old commit is now, as far as that changed."""
    skipped: tuple[tuple[str, str], ...]
    mark: Reading
    """Keeps how far the source has been read; stored last."""


def reader_name() -> str:
    """Return what this program can read, to know when another would read more."""
    return " ".join([str(READER), *(g.name for g in GRAMMARS if parser(g) is not None)])


def read_mark(text: str) -> Mark | None:
    """Read how far a source has been read; None where that says nothing."""
    try:
        found = json.loads(text)
        return Mark(found["commit"], found["reader"])
    except (ValueError, KeyError, TypeError):
        return None


def read_repository(
    repository: Repository,
    tenant: str,
    last: Mark | None = None,
    fit: Callable[[str], bool] = bool,
    progress: Progress | None = None,
) -> Tour:
    """Read what changed since a commit.

    Args:
        repository: Open at the branch that is meant.
        tenant: Whose episodes these are.
        last: How far it has been read; None, or a commit that is gone: everything is read.
        fit: Tells whether a call may be shown as a usage; one that holds a password may not.
        progress: Called with (files done, files in all).

    Raises:
        SourceUnreadable: Nothing in it can be learnt from.
        SourceError: It holds more text than is read.
    """
    new = Files(repository, repository.listing())
    since = last.commit if last is not None and last.reader == reader_name() else None
    if since is not None:
        repository.fetch(since)
        since = since if repository.has(since) else None
    old = Files(repository, repository.listing(since) if since else Listing({}, {}))
    roles = {path: role_of(path) for path in new.listing.entries}
    paths = frozenset(p for p, told in roles.items() if told.role in (Role.CODE, Role.DOCUMENT))
    if not paths:
        raise SourceUnreadable(
            f"Nothing in {repository.source} can be learnt from: no code, no documents."
        )
    fresh = {p for p, e in new.listing.entries.items() if _oid(old, p) != e.oid}
    gone = old.listing.entries.keys() - new.listing.entries.keys()
    for path, told in roles.items():
        if told.reason and path in fresh:
            new.skipped.setdefault(told.reason, []).append(path)
    read = _Reader(repository, tenant, new, fresh | gone, fit, progress)
    readings = [*read.code(), *read.documents()]
    bodies_new = list(_bodies(new, fresh & paths, repository.name)) if since else []
    bodies_old = (
        list(_bodies(old, (fresh & old.listing.entries.keys()) | gone, repository.name))
        if since
        else []
    )
    skipped = {reason: sorted(set(names)) for reason, names in new.skipped.items()}
    return Tour(
        repository.source,
        repository.commit,
        since,
        tuple(readings),
        paths,
        len(fresh | gone),
        moved(bodies_old, bodies_new, _renamed(old, new, fresh, gone)),
        tuple(tally({**new.listing.skipped, **skipped} if fresh | gone else {})),
        _mark(repository, tenant),
    )


class _Reader:
    """Reads the files of one commit, as far as others changed."""

    def __init__(
        self,
        repository: Repository,
        tenant: str,
        files: Files,
        changed: set[str],
        fit: Callable[[str], bool],
        progress: Progress | None,
    ) -> None:
        self.repository, self.tenant, self.files = repository, tenant, files
        self.changed, self.fit = changed, fit
        self.progress = progress
        entries = files.listing.entries
        self.by_role: dict[Role, list[str]] = {role: [] for role in Role}
        for path in sorted(entries):
            self.by_role[role_of(path).role].append(path)
        self.total = sum(self._concerns(path) for path in entries)
        self.done = 0

    def code(self) -> Iterator[Reading]:
        """Read each language of which a file changed."""
        yield from self._python()
        for grammar in GRAMMARS:
            defined, used = ([p for p in self.by_role[role] if grammar_of(p) == grammar] for role in (Role.CODE, Role.USAGE))  # fmt: skip
            if not any(grammar_of(path) == grammar for path in self.changed) or not defined:
                continue
            if parser(grammar) is None:
                package = grammar.wheel.replace("_", "-")
                reason = f"{grammar.name} needs {package} (pip install {package})"
                self.files.skipped.setdefault(reason, []).extend(defined)
                continue
            found: dict[str, list[Finding]] = {}
            calls: list[tuple[str, str, str, bool]] = []
            for path, text in self._texts([*defined, *used]):
                source = read_source(text, grammar)
                if source is None:
                    continue
                if path in used:
                    calls += [(one.short, one.code, path, False) for one in source.calls]
                else:
                    found[path] = [finding(one, source, path, self.repository.name) for one in source.definitions]  # fmt: skip
            counts = Counter(f.facets["short"] for rows in found.values() for f in rows)
            sole = [
                one for one in calls if counts[one[0]] == 1
            ]  # another's of that name may be meant
            for path, rows in found.items():
                yield self._reading(
                    path, self._with_usages(rows, sole, lambda f: {f.facets["short"]})
                )

    def _python(self) -> Iterator[Reading]:
        if not any(path.endswith(".py") for path in self.changed):
            return
        defined, used = ([p for p in self.by_role[role] if p.endswith(".py")] for role in (Role.CODE, Role.USAGE))  # fmt: skip
        texts = dict(self._texts([*defined, *used]))
        tree = read_python(
            {p: texts[p] for p in defined if p in texts}, {p: texts[p] for p in used if p in texts}
        )
        for path in tree.broken:
            self.files.skipped.setdefault("its Python has a syntax error", []).append(path)
        calls = [
            (u.name, u.code, path, u.plain) for path, rows in tree.usages.items() for u in rows
        ]
        for path, rows in tree.findings.items():
            yield self._reading(path, self._with_usages(rows, calls, lambda f: _names(f)))

    def documents(self) -> Iterator[Reading]:
        """Read the documents that changed."""
        for path, text in self._texts(p for p in self.by_role[Role.DOCUMENT] if p in self.changed):
            source = f"{self.repository.source}#{path}"
            first = next((line for line in text.splitlines() if line.strip()), "")
            title = first.lstrip("# ").strip()[:80] if first.startswith("#") else path
            yield read_document(text, self.tenant, source, title or path)

    def _texts(self, paths: Iterable[str]) -> Iterator[tuple[str, str]]:
        for path in paths:
            text = self.files.text(path)
            self.done += 1
            if self.progress:
                self.progress(min(self.done, self.total), self.total)
            if text is not None:
                yield path, text

    def _concerns(self, path: str) -> bool:
        told = role_of(path).role
        if told is Role.DOCUMENT:
            return path in self.changed
        return told is not Role.NONE and any(p.rpartition(".")[2] == path.rpartition(".")[2] for p in self.changed)  # fmt: skip

    def _reading(self, path: str, findings: list[Finding]) -> Reading:
        source = f"{self.repository.source}#{path}"
        return reading_of(source, path, self.tenant, findings)

    def _with_usages(
        self,
        findings: list[Finding],
        calls: list[tuple[str, str, str, bool]],
        names: Callable[[Finding], set[str]],
    ) -> list[Finding]:
        """Give each finding the calls of it: (name, code, path, whether it is plain), the best first."""
        by_name: dict[str, list[tuple[str, str, str, bool]]] = {}
        for one in calls:
            by_name.setdefault(one[0], []).append(one)
        found = []
        for thing in findings:
            rows = [row for name in sorted(names(thing)) for row in by_name.get(name, ())]
            rows.sort(key=lambda row: (not row[3], not is_example(row[2]), row[2]))
            shown = {
                row[1]: row[2] for row in reversed(rows) if row[1].strip("()") and self.fit(row[1])
            }
            best = [[code, path] for code, path in reversed(shown.items())][:MOST_USAGES]
            if best and thing.form in ("code.function", "code.class"):
                text = f"{thing.text} For example: `{best[0][0]}`."
                facets = {**thing.facets, "usage": json.dumps(best)}
                thing = replace(thing, text=text, facets=facets)
            found.append(thing)
        return found


def reading_of(source: str, title: str, tenant: str, findings: Iterable[Finding]) -> Reading:
    """Make a reading of a file of code; of one that is gone, without findings."""
    rows = tuple({finding.key: finding for finding in findings}.values())
    text = "\n\n".join(row.text for row in rows)
    kind = SourceKind.CODE
    sealed = digest(kind.value, source, text)
    return Reading(Episode(new_id("ep"), tenant, kind, source, title, text, sealed, now()), rows)


def _mark(repository: Repository, tenant: str) -> Reading:
    text = json.dumps({"commit": repository.commit, "reader": reader_name()})
    source, kind = repository.source, SourceKind.CODE
    sealed = digest(kind.value, source, text)
    return Reading(
        Episode(new_id("ep"), tenant, kind, source, repository.name, text, sealed, now()), ()
    )


def _names(one: Finding) -> set[str]:
    """Return the dotted names by which a thing can be imported: its public one, and where it is defined."""
    f = one.facets
    module = f["file"].removesuffix(".py").removesuffix("/__init__").replace("/", ".")
    return {f["name"], ".".join(filter(None, (module, f["owner"], f["short"])))}


def _oid(files: Files, path: str) -> str:
    entry = files.listing.entries.get(path)
    return entry.oid if entry else ""


def _renamed(old: Files, new: Files, fresh: set[str], gone: Iterable[str]) -> dict[str, str]:
    """Find files that were renamed without a change: one gone and one new of the same content."""
    came: dict[str, list[str]] = {}
    for path in fresh - old.listing.entries.keys():
        came.setdefault(_oid(new, path), []).append(path)
    left: dict[str, list[str]] = {}
    for path in gone:
        left.setdefault(_oid(old, path), []).append(path)
    return {p[0]: came[oid][0] for oid, p in left.items() if len(p) == 1 == len(came.get(oid, []))}


def _bodies(files: Files, paths: Iterable[str], repository: str) -> Iterator[Body]:
    """Return what the functions and classes of some files do, to know them again."""
    quiet = Files(files.repository, files.listing)
    for path in sorted(paths):
        if role_of(path).role is not Role.CODE:
            continue
        text, grammar = quiet.text(path), grammar_of(path)
        if text is None:
            continue
        if path.endswith(".py"):
            tree = parsed(text)
            yield from python_bodies(path, tree) if tree else ()
        elif grammar is not None and (source := read_source(text, grammar)):
            for one in source.definitions:
                yield Body(Place(path, one.owner, one.short), one.body, one.telling)
