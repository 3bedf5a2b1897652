import itertools
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
