"""Learning a codebase: what changed in a repository since it was read last becomes new, changed and retired memories."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from nightschool.day import Learnt, learn
from nightschool.memory.holds import masked
from nightschool.protocols import Progress
from nightschool.sources.git import Repository
from nightschool.sources.renames import Place
from nightschool.sources.repository import Mark, Tour, read_mark, read_repository, reading_of
from nightschool.types import Finding, Memory, Reading, SourceKind
from nightschool.wire import School

SHOWN = 12
"""Digits of a commit's id, as people are shown it."""


@dataclass(frozen=True, slots=True)
class Codebase:
    """What one look at a repository changed."""

    source: str
    commit: str
    since: str | None
    """The commit that was read before; None where everything was read."""
    files: int
    """Files of the commit that can be learnt from."""
    changed: int
    """Files that are new, changed or gone since."""
    renamed: int
    """Memories whose thing goes by another name now, or stands elsewhere."""
    learnt: Learnt


def learn_repository(
    school: School, address: str, progress: Progress | None = None, *, again: bool = False
) -> Codebase:
    """Read a repository's branch, and bring memory in line with it.

    A function or class that is gone retires its memory, with the commit that took it out as the reason. One
    that its body and signature tell to be the same under another name, or elsewhere, supersedes it.

    Args:
        school: The wired workspace.
        address: `git+file:///path[@branch]` or `git+https://host/path[@branch]`; only the latter fetches anything.
        progress: Called with (files read, files in all).
        again: Read all files, whatever was read before.

    Raises:
        SourceUnreadable: There is no such repository or branch, or nothing in it can be learnt from.
        SourceError: It is larger than is read.
        WorkspaceLocked: Another process holds the workspace.
    """
    tenant = school.settings.tenant
    with Repository(address) as repository:
        known = _known(school, repository.source)
        last = None if again or not known else _last(school, repository.source)
        tour = read_repository(repository, tenant, last, lambda code: not masked(code), progress)
        readings = _with_gone(tour, known, tenant)
        taken, readings = _renamed(tour, readings, known)
        readings = [_explained(repository, tour, r, known) for r in readings]
    learnt = learn(school, [*readings, tour.mark], tour.skipped)
    return Codebase(
        tour.source, tour.commit, tour.since, len(tour.paths), tour.changed, len(taken), learnt
    )


def _last(school: School, source: str) -> Mark | None:
    episode = school.store.last_episode(school.settings.tenant, source)
    return read_mark(episode.text) if episode else None


def _known(school: School, source: str) -> dict[str, list[Memory]]:
    """Return the live memories of a repository, by the source of their file."""
    found: dict[str, list[Memory]] = {}
    for memory in school.store.memories(school.settings.tenant):
        if memory.source.startswith(f"{source}#"):
            found.setdefault(memory.source, []).append(memory)
    return found


def _with_gone(tour: Tour, known: Mapping[str, list[Memory]], tenant: str) -> list[Reading]:
    """Add an empty reading of each file that the commit does not have any more."""
    there = {f"{tour.source}#{path}" for path in tour.paths}
    gone = [source for source in known if source not in there]
    empty = [
        _as(known[source][0].source_kind, reading_of(source, _path(source), tenant, ()))
        for source in gone
    ]
    return [*tour.readings, *empty]


def _as(kind: SourceKind, reading: Reading) -> Reading:
    return replace(reading, episode=replace(reading.episode, kind=kind))


def _renamed(
    tour: Tour, readings: list[Reading], known: Mapping[str, list[Memory]]
) -> tuple[set[str], list[Reading]]:
    """Let findings take the place of the memories of the same thing under another name or in another file."""
    read = {r.episode.source: {f.key for f in r.findings} for r in readings}
    gone = [m for source, keys in read.items() for m in known.get(source, ()) if m.key not in keys]
    by_place = {_place(m.source, m.facets): m for m in gone if m.source_kind is SourceKind.CODE}
    before = {there: by_place[here] for here, there in tour.moved.items() if here in by_place}
    by_name = {(m.form, m.key): m for m in gone if m.source_kind is SourceKind.CODE}
    by_text = {(m.form, m.text): m for m in gone if m.source_kind is SourceKind.DOCUMENT}
    taken: set[str] = set()

    def older(source: str, finding: Finding) -> Memory | None:
        found = by_text.get((finding.form, finding.text))
        if finding.form.startswith("code."):
            place = _place(source, finding.facets)
            found = before.get(place) or by_name.get((finding.form, finding.key))
        return found if found is not None and found.id not in taken else None

    changed = []
    for reading in readings:
        source = reading.episode.source
        live = {m.key for m in known.get(source, ())}
        findings = []
        for finding in reading.findings:
            old = older(source, finding) if finding.key not in live else None
            if old is not None:
                taken.add(old.id)
                finding = replace(finding, replaces=(old.id,))
            findings.append(finding)
        changed.append(replace(reading, findings=tuple(findings)))
    own = {m.id: m.source for m in gone if m.id in taken}
    return taken, [
        replace(r, moved=tuple(i for i, source in own.items() if source == r.episode.source))
        for r in changed
    ]


def _explained(
    repository: Repository, tour: Tour, reading: Reading, known: Mapping[str, list[Memory]]
) -> Reading:
    """Name the commit that changed a file, where memories end by it."""
    source = reading.episode.source
    texts = {f.key: f.text for f in reading.findings}
    ends = any(texts.get(m.key) != m.text for m in known.get(source, ()))
    moved = any(f.replaces for f in reading.findings)
    if not ends and not moved:
        return reading
    commit = repository.last_change(_path(source), tour.since) if tour.since else tour.commit
    return replace(reading, because=f"commit {commit[:SHOWN]}")


def _place(source: str, facets: Mapping[str, str]) -> Place:
    owner, short = facets.get("owner", ""), facets.get("short", "")
    module = "signature" in facets and facets.get("name") == facets.get("module")
    return Place(_path(source), owner, "" if module else short)


def _path(source: str) -> str:
    return source.partition("#")[2]


def in_words(found: Iterable[Codebase]) -> str:
    """Tell which commits were read, a line each."""
    return "\n".join(
        f"{one.source} at commit {one.commit[:SHOWN]}: "
        + (f"{one.changed} of {one.files} files changed since {one.since[:SHOWN]}" if one.since else f"{one.files} files read")
        + (f", {one.renamed} renamed or moved" if one.renamed else "")
        + "."
        for one in found
    )  # fmt: skip
