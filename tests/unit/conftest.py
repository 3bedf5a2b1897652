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


class Served:
    """A service over a workspace, with engines that need no model; `as_` speaks for a tenant."""

    def __init__(self, root):
        from fastapi.testclient import TestClient

        from nightschool.hosting import House
        from nightschool.models.fake_engine import FakeEngine
        from nightschool.serve.app import create_app
        from nightschool.workspace import Workspace

        def engine(school, versions):
            full = any(version.kind == "full" for version in versions)
            return FakeEngine([version.id for version in versions], full=full)

        self.workspace = Workspace.create(root, "")
        self.house = House(self.workspace, engine)
        self.app = create_app(self.house)
        self.client = TestClient(self.app, raise_server_exceptions=False)

    def as_(self, tenant, *scopes):
        """Return a client of a tenant, with a key of some scopes (all without any)."""
        from fastapi.testclient import TestClient

        _, token = self.house.keys.create(tenant, "test", scopes or ("chat", "memory", "admin"))
        headers = {"Authorization": f"Bearer {token}"}
        client = TestClient(self.app, headers=headers, raise_server_exceptions=False)
        client.portal = self.client.portal
        return client

    def tell(self, *texts, tenant="default", **named):
        """Remember statements; return their memories."""
        from nightschool.day import remember

        with self.house.school(tenant) as school:
            return [m for text in texts for m in remember(school, text, **named).added]

    def version(self, name, memory_ids=(), *, tenant="default", night="night-0001", passed=True):
        """Register a version with weights and the gate's word."""
        from nightschool.types import Check, Decision, Version, now

        folder = self.workspace.versions / name
        folder.mkdir()
        (folder / "train.json").write_text("{}", "utf-8")
        check = Check("acquired", passed, 0.5, 0.3, None, 20, "learnt" if passed else "too little")
        with self.house.school(tenant) as school:
            school.registry.add(
                Version(
                    name,
                    tenant,
                    night,
                    "full",
                    "b",
                    "base",
                    tuple(memory_ids),
                    (),
                    "",
                    0,
                    {},
                    now(),
                )
            )
            school.registry.record_decision(night, name, Decision(passed, (check,)))
        return name

    def episode(self, completion, turns, tenant="default"):
        """Store a conversation that an answer ended."""
        from nightschool.day import end_chat
        from nightschool.feedback import answered
        from nightschool.recording import episode_of

        with self.house.school(tenant) as school:
            end_chat(school, turns, "talk", episode_id=episode_of(completion))
            answered(school, completion, episode_of(completion), "base")


@pytest.fixture
def served(tmp_path):
    service = Served(tmp_path / "w")
    with service.client:  # one event loop for all requests, as a server has
        yield service
    service.house.close()


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
