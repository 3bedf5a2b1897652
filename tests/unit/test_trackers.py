"""A night's figures arrive in the tools that people watch training with, and a tool in trouble is not the night's trouble."""

import sys
import threading
import time
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import ClassVar

import pytest

from nightschool.errors import ConfigError
from nightschool.runlog import progress_bar, read_events
from nightschool.trackers import figures_of, recording
from nightschool.types import Check, Decision, TrainResult, Version


class Client:
    """What MLflow's client takes, kept; it answers as the real one does."""

    made: ClassVar = []
    broken = False

    def __init__(self, tracking_uri):
        self.uri, self.metrics, self.ended = tracking_uri, [], None
        Client.made.append(self)

    def get_experiment_by_name(self, name):
        return None

    def create_experiment(self, name):
        if self.uri == "http://nobody":
            raise ConnectionError("a secret token in the address")
        return "1"

    def create_run(self, experiment_id, run_name):
        self.run = (experiment_id, run_name)
        return SimpleNamespace(info=SimpleNamespace(run_id="run-1"))

    def log_batch(self, run_id, metrics):
        if Client.broken:
            raise ConnectionError
        assert len(metrics) <= 1000
        self.metrics += [(m.key, m.value, m.step) for m in metrics]

    def set_terminated(self, run_id, status):
        self.ended = status


class Metric(SimpleNamespace):
    """MLflow's: a name, a value, when and at which step."""

    def __init__(self, key, value, timestamp, step):
        super().__init__(key=key, value=value, timestamp=timestamp, step=step)


@pytest.fixture
def mlflow(monkeypatch):
    """Stand in for MLflow's client, which is an optional extra."""
    package, entities = ModuleType("mlflow"), ModuleType("mlflow.entities")
    package.MlflowClient, entities.Metric = Client, Metric
    monkeypatch.setitem(sys.modules, "mlflow", package)
    monkeypatch.setitem(sys.modules, "mlflow.entities", entities)
    monkeypatch.setattr(Client, "made", [])
    monkeypatch.setattr(Client, "broken", False)
    return Client


def quiet(label):
    return progress_bar(label, quiet=True)


def night(steps=1200, **named):
    given = {"events": None, "tensorboard": None, "mlflow": None, "run": "ada/night-0001"} | named
    with recording(quiet, *given.values()) as (bar, trackers):
        with bar("training") as progress:
            for step in range(1, steps + 1):
                progress(step, steps, 2.0)
        for tracker in trackers:
            tracker.figures({"gate/promoted": 1.0})


def test_every_loss_and_the_figures_arrive_at_mlflow(mlflow):
    night(mlflow="http://tracking")
    (client,) = mlflow.made
    assert client.run == ("1", "ada/night-0001")
    assert client.metrics[:-1] == [("train/loss", 2.0, step) for step in range(1, 1201)]
    assert client.metrics[-1] == ("gate/promoted", 1.0, 0)
    assert client.ended == "FINISHED"
    assert "mlflow" not in [thread.name for thread in threading.enumerate()]


def test_an_mlflow_server_that_stops_costs_figures_and_no_time(mlflow, capsys):
    mlflow.broken = True
    begun = time.monotonic()
    night(mlflow="http://tracking")
    assert time.monotonic() - begun < 10
    assert "MLflow takes no more figures" in capsys.readouterr().err


def test_an_mlflow_server_that_is_not_there_is_told_at_the_start_and_without_its_address(mlflow):
    with pytest.raises(ConfigError, match="tracking server") as caught:
        night(mlflow="http://nobody")
    assert "secret" not in str(caught.value)


def test_a_client_that_is_missing_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(ConfigError, match=r"\.\[mlflow\]"):
        night(mlflow="http://tracking")
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(ConfigError, match=r"\.\[tensorboard\]"):
        night(tensorboard=Path("runs"))


def test_one_night_goes_everywhere_at_once(mlflow, tmp_path):
    path = tmp_path / "events.jsonl"
    night(steps=3, events=path, mlflow="http://tracking", tensorboard=tmp_path / "runs")
    assert [e.name for e in read_events(path)] == ["step", "loss", "loss", "loss"]
    assert len(mlflow.made[0].metrics) == 4
    assert list((tmp_path / "runs" / "ada" / "night-0001").iterdir())


def test_figures_are_the_gates_and_the_trainings():
    checks = (
        Check("acquired", True, 0.5, 0.3, None, 20, ""),
        Check("probe", False, None, None, None, 0, ""),
    )
    train = TrainResult("full", 10, 5000, 900, 12.5, 10**9, 3.0, 1.0)
    version = Version("v", "t", "n", "full", "b", "base", (), (), "", 0, {}, "", train)
    figures = figures_of(version, Decision(False, checks))
    assert figures["gate/promoted"] == 0.0
    assert figures["gate/acquired/difference"] == 0.5
    assert figures["gate/probe/passed"] == 0.0
    assert "gate/probe/difference" not in figures
    assert figures["train/tokens"] == 5000
