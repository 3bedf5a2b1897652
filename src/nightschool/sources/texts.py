"""The texts of a commit's files, with bounds on each and on all; what is no text is passed over, and counted."""

from __future__ import annotations

from dataclasses import dataclass, field

from nightschool.errors import SourceError, SourceUnreadable
from nightschool.sources.git import Entry, Listing, Repository

LARGEST_BYTES = 1_000_000
"""Of one file; larger ones are generated, or data."""
MOST_BYTES = 400_000_000
"""Of all files that are read."""
POINTER = "version https://git-lfs.github.com/spec/"


@dataclass(slots=True)
class Files:
    """The files of one commit, read when they are asked for."""

    repository: Repository
    listing: Listing
    skipped: dict[str, list[str]] = field(default_factory=dict)
    total: int = 0

    def text(self, path: str) -> str | None:
        """Return a file's text; None where it is passed over, which is counted.

        Raises:
            SourceUnreadable: So much has been read that this is no repository of texts.
        """
        entry = self.listing.entries[path]
        try:
            reason, found = self._text(entry)
        except SourceUnreadable:
            reason, found = "its content is damaged or missing", None
        if reason:
            self.skipped.setdefault(reason, []).append(path)
        return found

    def _text(self, entry: Entry) -> tuple[str, str | None]:
        if entry.size > LARGEST_BYTES:
            return f"larger than {LARGEST_BYTES // 1000} KB", None
        self.total += entry.size
        if self.total > MOST_BYTES:
            raise SourceError(
                f"{self.repository.source} has more than {MOST_BYTES // 1_000_000} MB of texts; at most so many "
                "are read. Learn its folders one by one from a checkout."
            )
        raw = self.repository.read(entry)
        if b"\0" in raw:
            return "binary, not text", None
        try:
            text = raw.decode("utf-8-sig").replace("\r\n", "\n")
        except UnicodeDecodeError:
            return "not UTF-8 text", None
        if text.startswith(POINTER):
            return "its content lies in Git LFS", None
        return "", text
