"""llama.cpp in a process of its own: what it takes along when it dies, and what it keeps to itself."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from nightschool.errors import EngineFailed, ModelCorrupt, UnknownVersion
from nightschool.models.gguf import write_weights
from nightschool.models.llama_engine import SPINS, LlamaEngine
from nightschool.models.llama_sampler import LlamaVersion
from nightschool.models.torch_sampler import TorchSampler
from nightschool.types import Message

PROMPT = (Message("user", "Hello there, how are you?"),)


@pytest.fixture
def folder(save_llama):
    folder = save_llama()
    write_weights(folder, folder / "model.gguf", "f16")
    return folder


@pytest.fixture
def engine(folder):
    engine = LlamaEngine(folder / "model.gguf", threads=1, parallel=2)
    yield engine
    engine.close()


def gone(pid):
    for _ in range(100):
        try:
            with open(f"/proc/{pid}/stat") as stat:
                if stat.read().rpartition(")")[2].split()[0] == "Z":
                    return True
        except OSError:
            return True
        time.sleep(0.05)
    return False


def test_a_file_that_is_none_is_refused(tmp_path):
    (tmp_path / "bad.gguf").write_bytes(b"GGUF" + bytes(200))
    with pytest.raises(ModelCorrupt, match=r"bad\.gguf"):
        LlamaEngine(tmp_path / "bad.gguf")


def test_its_death_is_seen_and_told(folder, engine):
    sampler = LlamaVersion(engine, "base", TorchSampler(folder))
    assert engine.alive()
    os.kill(engine._process.pid, signal.SIGKILL)
    engine._process.wait()
    assert not engine.alive()
    with pytest.raises(EngineFailed, match="died"):
        sampler.generate([PROMPT], max_tokens=4)


def test_it_ends_with_its_parent_however_that_dies(folder):
    code = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from nightschool.models.llama_engine import LlamaEngine\n"
        "engine = LlamaEngine(Path(sys.argv[1]), threads=1)\n"
        "print(engine._process.pid, flush=True)\n"
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen(
        [sys.executable, "-c", code, str(folder / "model.gguf")], stdout=subprocess.PIPE, text=True
    )
    child = int(parent.stdout.readline())
    assert not os.path.exists(f"/proc/{child}") or os.getsid(child) != os.getsid(parent.pid)
    parent.kill()
    parent.communicate()
    assert gone(child)


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="no /proc")
@pytest.mark.parametrize("said", [None, "70"])
def test_its_threads_sleep_soon_where_they_wait_unless_somebody_says_otherwise(
    folder, monkeypatch, said
):
    # Two engines on the same cores otherwise wait for one another: bench/engine_pair.py.
    monkeypatch.delenv("GOMP_SPINCOUNT", raising=False)
    if said:
        monkeypatch.setenv("GOMP_SPINCOUNT", said)
    made = LlamaEngine(folder / "model.gguf", threads=1)
    told = Path(f"/proc/{made._process.pid}/environ").read_bytes().split(b"\0")
    made.close()
    assert f"GOMP_SPINCOUNT={said or SPINS}".encode() in told


@pytest.mark.skipif(not hasattr(os, "SCHED_IDLE"), reason="no idle class")
def test_an_engine_of_a_process_that_has_stepped_back_is_in_the_idle_class(folder):
    code = (
        "import os, sys; from pathlib import Path; from nightschool.models.llama_engine import LlamaEngine\n"
        "os.nice(19); made = LlamaEngine(Path(sys.argv[1]), threads=2)\n"
        "tasks = os.listdir(f'/proc/{made._process.pid}/task')\n"
        "print({os.sched_getscheduler(int(t)) for t in tasks} == {os.SCHED_IDLE}); made.close()\n"
    )
    run = [sys.executable, "-c", code, str(folder / "model.gguf")]
    assert subprocess.run(run, capture_output=True, text=True).stdout.strip() == "True"


def test_it_ends_when_it_is_closed_or_dropped(folder):
    engine = LlamaEngine(folder / "model.gguf", threads=1)
    engine.close()
    engine.close()
    assert not engine.alive()
    pid = LlamaEngine(folder / "model.gguf", threads=1)._process.pid
    assert gone(pid)


def test_only_its_owner_is_answered_and_no_page_of_another_origin(engine):
    body = {"prompt": "the", "n_predict": 1}
    url = f"{engine.address}/completion"
    assert httpx.post(url, json=body).status_code == 401
    reply = httpx.post(url, json=body, headers={**engine.headers, "Origin": "http://evil.example"})
    assert reply.status_code == 200
    assert reply.headers.get("access-control-allow-origin") in (None, "")
    assert httpx.get(f"{engine.address}/slots", headers=dict(engine.headers)).status_code != 200


def test_what_one_prompt_left_behind_is_not_used_for_the_next(engine):
    body = {"prompt": "the secret word is owl, and " * 3, "n_predict": 2}
    for _ in range(3):
        reply = httpx.post(f"{engine.address}/completion", json=body, headers=dict(engine.headers))
        assert reply.json()["timings"]["cache_n"] == 0


def test_a_prompt_that_is_too_long_is_refused_and_not_cut(folder, engine):
    sampler = LlamaVersion(engine, "base", TorchSampler(folder))
    with pytest.raises(EngineFailed, match="context"):
        sampler.generate([(Message("user", "x" * 5000),)], max_tokens=4)


def test_an_engine_without_adapters_needs_no_fields_and_one_with_them_knows_its_own(engine):
    assert engine.model_for("ver-1") == {}
    engine._versions = ("ver-1", "ver-2")
    assert engine.model_for("ver-2")["lora"] == [
        {"id": 0, "scale": 0.0},
        {"id": 1, "scale": 1.0},
    ]
    with pytest.raises(UnknownVersion, match="ver-3"):
        engine.model_for("ver-3")
