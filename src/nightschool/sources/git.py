"""A git repository's files at one commit, read from its object database: no checkout, and nothing of it is run.

Every object is read through an empty repository of our own that borrows the other's objects, so that no
configuration, hook, filter, attribute or replacement of the other has any effect. The other's is asked
for the name of a branch only, with every transport refused.

Not read: submodules, symbolic links, Git LFS, and what a partial clone has left on its server.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self
from urllib.parse import quote

from nightschool.errors import SourceUnreadable
from nightschool.sources.addresses import parse_address
from nightschool.sources.git_process import SAFE, environment, program, run

MOST_FILES = 50_000
"""Of one commit. A few objects can name billions of files, so that the listing stops there."""
FETCH_S = 900
LARGEST_FETCH_BYTES = 2_000_000_000
HEX = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a commit."""

    path: str
    oid: str
    """The id of its content."""
    size: int
    """In bytes."""


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of one commit."""

    entries: dict[str, Entry]
    """By path."""
    skipped: dict[str, list[str]]
    """Reason -> names of what is no readable file."""


class Repository:
    """One branch of a repository, open for reading; a context manager, which clears up after itself."""

    def __init__(self, source: str) -> None:
        """Find a branch; of a remote repository, fetch its newest commit into a temporary folder.

        Raises:
            SourceUnreadable: There is no repository, no such branch, no commit, or no git.
            SourceUnreadable: It could not be fetched.
        """
        self.address = parse_address(source)
        self._cat: subprocess.Popen[bytes] | None = None
        self._temporary = tempfile.TemporaryDirectory(prefix="nightschool-git-")
        self._own = Path(self._temporary.name) / "own.git"
        try:
            if self.address.remote:
                self._init("sha1")
                self.branch, self.commit = self._fetched()
            else:
                self.branch, self.commit = self._borrowed()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the reading process and remove what was fetched."""
        self._end()
        self._temporary.cleanup()

    def _end(self) -> None:
        if self._cat is not None:
            self._cat.kill()
            with suppress(OSError):
                self._cat.communicate()
            self._cat = None

    @property
    def source(self) -> str:
        """The address with its branch, by which what is read here is known."""
        url = self.address.url if self.address.remote else f"file://{quote(self.address.url)}"
        return f"git+{url}@{self.branch}"

    @property
    def name(self) -> str:
        """What people call the repository."""
        return self.address.url.rstrip("/").rpartition("/")[2].removesuffix(".git") or "repository"

    def has(self, commit: str) -> bool:
        """Tell whether a commit is at hand, such as the one that was read last."""
        if not HEX.fullmatch(commit):
            return False
        return self._git("cat-file", "-e", f"{commit}^{{commit}}", check=False).returncode == 0

    def listing(self, commit: str | None = None) -> Listing:
        """List the files of a commit; None means the branch's newest.

        Raises:
            SourceUnreadable: It has more than `MOST_FILES`, or is damaged.
        """
        entries: dict[str, Entry] = {}
        skipped: dict[str, list[str]] = {}
        with self._process(
            "ls-tree", "-r", "-z", "-l", "--full-tree", commit or self.commit
        ) as git:
            assert git.stdout is not None
            for count, record in enumerate(_records(git.stdout)):
                if count >= MOST_FILES:
                    git.kill()
                    raise SourceUnreadable(
                        f"{self.source} has more than {MOST_FILES} files; at most so many are listed. "
                        "Learn its folders one by one from a checkout."
                    )
                meta, _, raw = record.partition(b"\t")
                mode, _, oid, size = meta.split()
                path, reason = _path(raw), _unfit(mode.decode(), size)
                if path is None:
                    skipped.setdefault("its name is not plain UTF-8 text", []).append(
                        repr(raw)[2:-1]
                    )
                elif reason:
                    skipped.setdefault(reason, []).append(path)
                else:
                    entries[path] = Entry(path, oid.decode(), int(size))
        if git.returncode:
            raise self._broken("its files cannot be listed")
        return Listing(entries, skipped)

    def read(self, entry: Entry) -> bytes:
        """Return a file's content.

        Raises:
            SourceUnreadable: It is not in the repository.
        """
        if self._cat is None:
            self._cat = self._process("cat-file", "--batch", stdin=subprocess.PIPE)
        assert self._cat.stdin is not None
        assert self._cat.stdout is not None
        with suppress(BrokenPipeError):  # it ends at the first damaged object
            self._cat.stdin.write(entry.oid.encode() + b"\n")
            self._cat.stdin.flush()
        head = self._cat.stdout.readline().split()
        if not head:
            self._end()
            raise SourceUnreadable(f"The content of {entry.path} is damaged. Run `git fsck` there.")
        if len(head) != 3 or head[1] != b"blob":
            raise SourceUnreadable(f"The content of {entry.path} is not in the repository.")
        content = self._cat.stdout.read(int(head[2]))
        self._cat.stdout.read(1)
        return content

    def last_change(self, path: str, since: str) -> str:
        """Return the newest commit after `since` that touched a path; the branch's newest where none is found."""
        asked = ("log", "-1", "--format=%H", f"{since}..{self.commit}", "--", path)
        with suppress(SourceUnreadable):
            found = self._git(*asked, check=False).stdout.decode().strip()
            return found if HEX.fullmatch(found) else self.commit
        return self.commit

    # -- finding it ---------------------------------------------------------------------

    def _borrowed(self) -> tuple[str, str]:
        """Find a branch in a repository of this machine, and borrow its objects."""
        folder = _git_folder(Path(self.address.url))
        objects = self._asked(
            folder, "rev-parse", "--path-format=absolute", "--git-path", "objects"
        )
        if not objects or not Path(objects).is_dir():
            raise self._broken("it has no objects")
        self._init(self._asked(folder, "rev-parse", "--show-object-format") or "sha1")
        (self._own / "objects/info/alternates").write_text(f"{objects}\n")
        wanted = self.address.branch
        branch = wanted or self._asked(folder, "symbolic-ref", "-q", "--short", "HEAD") or "HEAD"
        names = [f"refs/heads/{branch}", f"refs/tags/{branch}", f"refs/remotes/origin/{branch}"]
        for name in ["HEAD"] if branch == "HEAD" else names:
            commit = self._commit(
                self._asked(folder, "rev-parse", "-q", "--verify", "--end-of-options", name)
            )
            if commit:
                return branch, commit
        if commit := self._commit(branch):
            return branch, commit
        if wanted:
            heads = self._asked(folder, "for-each-ref", "--format=%(refname:short)", "refs/heads")
            known = ", ".join(heads.split()[:8]) or "none"
            raise SourceUnreadable(
                f"{self.address.url} has no branch, tag or commit {wanted!r}. Its branches: {known}."
            )
        raise SourceUnreadable(f"{self.address.url} has no commit yet. Commit something first.")

    def _fetched(self) -> tuple[str, str]:
        """Fetch the newest commit of a branch, without its history."""
        url, branch = self.address.url, self.address.branch
        if branch is None:
            told = self._network("ls-remote", "--symref", "--", url, "HEAD")
            match = re.search(r"^ref: refs/heads/(\S+)\tHEAD", told, re.MULTILINE)
            branch = match[1] if match else "HEAD"
        wanted = branch if branch == "HEAD" or HEX.fullmatch(branch) else f"refs/heads/{branch}"
        self._network("fetch", "--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules",
                      "--no-write-fetch-head", "--", url, f"+{wanted}:refs/heads/fetched")  # fmt: skip
        return branch, self._commit("refs/heads/fetched")

    def fetch(self, commit: str) -> None:
        """Try to get an earlier commit of a remote repository too, to compare with; it may be gone."""
        if self.address.remote and HEX.fullmatch(commit) and not self.has(commit):
            with suppress(SourceUnreadable):
                self._network("fetch", "--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules",
                              "--no-write-fetch-head", "--", self.address.url, commit)  # fmt: skip

    def _commit(self, name: str) -> str:
        """Return the commit that an id or a tag of our own repository leads to; empty where there is none."""
        if not HEX.fullmatch(name) and not name.startswith("refs/"):
            return ""
        asked = ("rev-parse", "-q", "--verify", "--end-of-options", f"{name}^{{commit}}")
        return self._git(*asked, check=False).stdout.decode().strip()

    # -- the process --------------------------------------------------------------------

    def _init(self, object_format: str) -> None:
        command = ["init", "-q", "--bare", "--template=", f"--object-format={object_format}"]
        run([*command, str(self._own)])

    def _git(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[bytes]:
        return run([f"--git-dir={self._own}", *arguments], check=check)

    def _asked(self, folder: Path, *arguments: str) -> str:
        """Ask the other repository for a name or a path; empty where it has no answer."""
        done = run([f"--git-dir={folder}", *arguments], check=False)
        return done.stdout.decode("utf-8", "replace").strip() if done.returncode == 0 else ""

    def _network(self, *arguments: str) -> str:
        command = [f"--git-dir={self._own}", *arguments]
        done = run(
            command, check=False, timeout=FETCH_S, allow="https", largest=LARGEST_FETCH_BYTES
        )
        if done.returncode:
            why = done.stderr.decode("utf-8", "replace").strip().splitlines() or ["no reason given"]
            raise SourceUnreadable(
                f"{self.address.url} could not be fetched: {why[-1]}. Check the address and the branch; what "
                "needs a password is cloned by you, and learnt as git+file://."
            )
        return done.stdout.decode("utf-8", "replace")

    def _process(self, *arguments: str, stdin: int = subprocess.DEVNULL) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [program(), *SAFE, f"--git-dir={self._own}", *arguments],
            stdin=stdin, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment(""),
        )  # fmt: skip

    def _broken(self, why: str) -> SourceUnreadable:
        return SourceUnreadable(f"{self.address.url} is damaged: {why}. Run `git fsck` there.")


def tally(skipped: Mapping[str, list[str]], shown: int = 3) -> list[tuple[str, str]]:
    """Say what was passed over, a line a reason: (names, reason); a repository has too many files to list each."""
    rows = []
    for reason, names in sorted(skipped.items(), key=lambda row: -len(row[1])):
        kinds = Counter(Path(name).suffix or Path(name).name for name in names)
        few = len(names) <= shown
        listed = names if few else [f"{n} {kind}" for kind, n in kinds.most_common(6)]
        rows.append(
            (", ".join(listed) if few else f"{len(names)} files ({', '.join(listed)})", reason)
        )
    return rows


def _git_folder(path: Path) -> Path:
    """Find where a repository keeps its own files: in `.git`, in the folder that a `.git` file names, or right there."""
    for folder in (path / ".git", path):
        if folder.is_file():
            named = folder.read_text("utf-8", "replace").strip()
            folder = path / named.removeprefix("gitdir:").strip()
        if (folder / "HEAD").exists():
            return folder.resolve()
    raise SourceUnreadable(
        f"{path} is not a git repository. Learn it as a folder: leave out git+file://."
    )


def _records(stream: IO[bytes]) -> Iterator[bytes]:
    rest = b""
    while chunk := stream.read(1 << 16):
        *whole, rest = (rest + chunk).split(b"\0")
        yield from whole


def _path(raw: bytes) -> str | None:
    """Return a path that can stand in a line of text; None for one that cannot, or that leads elsewhere."""
    try:
        path = raw.decode("utf-8")
    except UnicodeDecodeError:
        return None
    plain = path.isprintable() and not {"", ".", ".."} & set(path.split("/"))
    return path if plain else None


def _unfit(mode: str, size: bytes) -> str:
    if mode == "120000":
        return "symbolic links are not followed"
    if mode == "160000":
        return "submodules are not read; learn them by their own address"
    return "" if size.isdigit() else "its content is not in the repository (a partial clone)"
