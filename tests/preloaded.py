"""Starts of the command line without the wait for its imports: forks of a process that has them behind it.

Torch, transformers and the parser take ten seconds of processor to import on a slow machine, of which a test that
starts thirty commands learns nothing. The forks are processes like any other: they have their own ids, folders, pipes and
limits, and die of a signal. `python preloaded.py FD` is the process that forks; it ends with the test run.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, NoReturn

REQUEST_BYTES = 1 << 20
FORKER_DIED = -1000
"""Stands for how a command ended that nobody was left to wait for."""
IMPORTED = (
    "torch", "transformers.models.llama.modeling_llama", "peft", "scipy.stats",
    "matplotlib.backends.backend_agg", "nightschool.codebase", "nightschool.rebase", "nightschool.practise",
    "nightschool.closure", "nightschool.serve.app", "nightschool.models.torch_sampler",
    "nightschool.train.torch_trainer",
)  # fmt: skip
"""What commands import late."""


class Started:
    """A command that runs, with what `subprocess.Popen` has of it."""

    def __init__(self, pid: int, ended: IO[str], stdin: IO, stdout: IO, stderr: IO) -> None:
        self.pid, self.stdin, self.stdout, self.stderr = pid, stdin, stdout, stderr
        self.returncode: int | None = None
        self._ended = ended
        self._waiting = threading.Thread(target=self._wait, daemon=True)
        self._waiting.start()

    def _wait(self) -> None:
        said = self._ended.read()
        self.returncode = int(said) if said else FORKER_DIED

    def poll(self) -> int | None:
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        self._waiting.join(timeout)
        if self._waiting.is_alive():
            raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0.0)
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def communicate(self, typed: str = "", timeout: float | None = None) -> tuple[str, str]:
        """Type, close, wait for the end; return what was printed, and the errors."""
        read: dict[str, str] = {}
        readers = [
            threading.Thread(target=lambda n=n, f=f: read.update({n: f.read()}), daemon=True)
            for n, f in (("out", self.stdout), ("err", self.stderr))
        ]
        for reader in readers:
            reader.start()
        with suppress(BrokenPipeError, ValueError):
            self.stdin.write(typed)
            self.stdin.close()
        self.wait(timeout)
        for reader in readers:
            reader.join(timeout)
        return read["out"], read["err"]


class Preloaded:
    """A process that has imported the program, and forks a command whenever one is asked for."""

    def __init__(self) -> None:
        self._asking, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with there:
            command = [sys.executable, __file__, str(there.fileno())]
            # Threads are counted when the libraries load: a fork's own environment comes too late for that.
            env = {**os.environ, "OMP_NUM_THREADS": "1"}
            self._process = subprocess.Popen(command, pass_fds=[there.fileno()], env=env)

    def start(
        self, words: Sequence[str], folder: Path, env: Mapping[str, str], largest_file: int | None
    ) -> Started:
        """Start `nightschool WORDS` in a folder."""
        pipes = [os.pipe() for _ in range(4)]  # stdin, stdout, stderr, and how it ended
        given = [pipes[0][0], *(writing for _, writing in pipes[1:])]
        kept = [pipes[0][1], *(reading for reading, _ in pipes[1:])]
        request = {"words": words, "folder": str(folder), "env": dict(env), "largest": largest_file}
        socket.send_fds(self._asking, [json.dumps(request).encode()], given)
        pid = int(self._asking.recv(64))
        for end in given:
            os.close(end)
        stdin, stdout, stderr, ended = (
            os.fdopen(end, "w" if n == 0 else "r", encoding="utf-8") for n, end in enumerate(kept)
        )
        return Started(pid, ended, stdin, stdout, stderr)

    def close(self) -> None:
        self._asking.close()
        self._process.wait(30)


def fork_on_request(asked: socket.socket) -> None:
    """Fork a command for each request, until nobody can ask any more."""
    running: dict[int, int] = {}
    lock = threading.Lock()
    while True:
        request, given, _, _ = socket.recv_fds(asked, REQUEST_BYTES, 4)
        if not request:
            return
        with lock:
            pid = os.fork()
            if pid == 0:
                asked.close()
                for other in running.values():
                    os.close(other)
                become(json.loads(request), given)
            running[pid] = given[3]
        for end in given[:3]:
            os.close(end)
        asked.send(str(pid).encode())
        threading.Thread(target=tell_end, args=(pid, running, lock), daemon=True).start()


def tell_end(pid: int, running: dict[int, int], lock: threading.Lock) -> None:
    """Wait for a command to end, and tell how it did."""
    _, status = os.waitpid(pid, 0)
    with lock:
        end = running.pop(pid)
        os.write(end, str(os.waitstatus_to_exitcode(status)).encode())
        os.close(end)


def become(request: dict, given: list[int]) -> NoReturn:
    """Be the command from here on."""
    for number, end in enumerate(given[:3]):
        os.dup2(end, number)
    for end in given:
        os.close(end)
    sys.stdin, sys.stdout, sys.stderr = (
        os.fdopen(0, encoding="utf-8"),
        os.fdopen(1, "w", encoding="utf-8"),
        os.fdopen(2, "w", encoding="utf-8", buffering=1),
    )
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["env"])
    if request["largest"] is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (request["largest"], request["largest"]))
    sys.argv = ["nightschool", *request["words"]]
    main()
    sys.exit(0)  # up through the requests: the fork ends as any process does


if __name__ == "__main__":
    for module in IMPORTED:
        importlib.import_module(module)
    from nightschool.__main__ import main
    from nightschool.language import warm

    warm()
    # Else each fork would go through, and copy, all that was imported, to find what nobody needs.
    gc.collect()
    gc.freeze()
    fork_on_request(socket.socket(fileno=int(sys.argv[1])))
