import itertools
import subprocess
from contextlib import contextmanager

import pytest

from nightschool.memory import rendered


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    """Tiny matrices are slower on many threads than on one."""
    import torch

    torch.set_num_threads(1)


@pytest.fixture
def killed_after():
    """Stop the rendering of memory files, as a kill does, after so many writes."""

    @contextmanager
    def killed(writes):
        write, left = rendered.write_atomic, itertools.count(writes, -1)

        def stopping(path, content):
            if next(left) <= 0:
                raise KeyboardInterrupt
            write(path, content)

        rendered.write_atomic = stopping
        try:
            yield
        except KeyboardInterrupt:
            pass
        finally:
            rendered.write_atomic = write

    return killed


@pytest.fixture
def killed_at(monkeypatch):
    """Stop at a function, as a kill does: before it is called, or after it has done its work."""

    class Killed(BaseException):
        """Nothing catches it."""

    @contextmanager
    def killed(owner, step, *, after=False):
        real = getattr(owner, step)

        def dies(*given, **named):
            if after:
                real(*given, **named)
            raise Killed

        with monkeypatch.context() as patched:
            patched.setattr(owner, step, dies)
            with pytest.raises(Killed):
                yield

    return killed


class GitFolder:
    """A git repository of a test: files in, commits out."""

    def __init__(self, path):
        self.path = path
        path.mkdir(parents=True, exist_ok=True)
        self.git("init", "-q", "-b", "main")

    def git(self, *arguments, **more):
        who = [
            "-c",
            "user.name=Ada",
            "-c",
            "user.email=ada@example.org",
            "-c",
            "commit.gpgsign=false",
        ]
        done = subprocess.run(
            ["git", *who, *arguments], cwd=self.path, check=True, capture_output=True, **more
        )
        return done.stdout.decode("utf-8", "replace").strip()

    def commit(self, files, *, gone=()):
        """Write files (None of content: leave as it is), remove others, and commit; return the commit's id."""
        for name, content in files.items():
            place = self.path / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(content if isinstance(content, bytes) else content.encode())
        for name in gone:
            (self.path / name).unlink()
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "change")
        return self.git("rev-parse", "HEAD")

    @property
    def address(self):
        return f"git+file://{self.path}"


@pytest.fixture
def git_folder(tmp_path):
    return GitFolder(tmp_path / "project")
