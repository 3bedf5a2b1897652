"""A night's figures in the tools that teams watch training with: TensorBoard files, and an MLflow server.

Both are optional extras. The training step only puts a number into a queue; a thread of the tool, or ours for
MLflow, takes it from there. Not covered: weights and study material never go to a tracker.
"""

from __future__ import annotations

import queue
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

from nightschool.errors import ConfigError
from nightschool.protocols import Bar
from nightschool.runlog import EventLog, Recorder, recorded
from nightschool.types import Decision, Version

BATCH = 500
"""MLflow takes at most a thousand metrics in one request."""
APART_SECONDS = 2.0
PATIENCE_SECONDS = 30.0
"""So long the end of a night waits for an MLflow server to take what is left."""


class Tracker(Recorder, Protocol):
    """A recorder that also takes what a night came to."""

    def figures(self, values: Mapping[str, float]) -> None:
        """Keep a night's results, by name."""
        ...

    def close(self) -> None:
        """Let everything arrive."""
        ...


def open_trackers(tensorboard: Path | None, mlflow: str | None, run: str) -> list[Tracker]:
    """Open what is asked for.

    Args:
        tensorboard: Folder of TensorBoard's runs; None: none.
        mlflow: Tracking URI of an MLflow server or folder; None: none.
        run: Name of the run, such as `default/night-0003`.

    Raises:
        ConfigError: The tool's client is not installed.
        ConfigError: The MLflow server does not answer.
    """
    found: list[Tracker] = []
    if tensorboard is not None:
        found.append(TensorBoard(tensorboard / run))
    if mlflow is not None:
        found.append(Mlflow(mlflow, run))
    return found


@contextmanager
def recording(
    bar: Bar, events: Path | None, tensorboard: Path | None, mlflow: str | None, run: str
) -> Iterator[tuple[Bar, list[Tracker]]]:
    """Have a night's progress recorded wherever it is asked for.

    Args:
        bar: Shows it to people.
        events: File of events, see `runlog.EventLog`; None: none.
        tensorboard: As in `open_trackers`.
        mlflow: As in `open_trackers`.
        run: As in `open_trackers`.

    Yields:
        The bar that also records, and the trackers that take the figures at the end.

    Raises:
        ConfigError: As in `open_trackers`.
        OSError: The file of events cannot be opened.
    """
    with ExitStack() as stack:
        trackers = open_trackers(tensorboard, mlflow, run)
        for tracker in trackers:
            stack.callback(tracker.close)
        kept: list[Recorder] = [*trackers]
        if events is not None:
            kept.append(stack.enter_context(closing(EventLog(events))))
        yield recorded(bar, kept), trackers


def figures_of(version: Version, decision: Decision) -> dict[str, float]:
    """Return what a night came to as named figures: its training, and the gate's checks."""
    found = {"gate/promoted": float(decision.promote)}
    for check in decision.checks:
        found[f"gate/{check.name}/passed"] = float(check.passed)
        if check.difference is not None:
            found[f"gate/{check.name}/difference"] = check.difference
    if version.train:
        found["train/tokens"] = float(version.train.tokens)
        found["train/seconds"] = version.train.seconds
        found["train/peak_bytes"] = float(version.train.peak_bytes)
    return found


class TensorBoard:
    """Writes a run's files for TensorBoard; implements `Tracker`."""

    def __init__(self, folder: Path) -> None:
        """Open the run's folder; a night that goes on adds to it."""
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise ConfigError(
                "--tensorboard needs the package tensorboard, which is not installed. "
                "Run `pip install -e '.[tensorboard]'`, or leave the flag out."
            ) from error
        self._writer: Any = SummaryWriter(str(folder))  # type: ignore[no-untyped-call]

    def step(self, label: str) -> None:
        """Nothing: TensorBoard has no place for it."""

    def progress(self, label: str, done: int, total: int, loss: float | None) -> None:
        """Keep the loss of a training step."""
        if loss is not None:
            self._writer.add_scalar("train/loss", loss, done)

    def figures(self, values: Mapping[str, float]) -> None:
        """Keep a night's results."""
        for name, value in values.items():
            self._writer.add_scalar(name, value, 0)

    def close(self) -> None:
        """Write what is left."""
        self._writer.close()


class Mlflow:
    """Sends a run to an MLflow server from a thread of its own; implements `Tracker`.

    A server that stops answering costs the figures, with one line on stderr, and not the night.
    """

    def __init__(self, uri: str, run: str, experiment: str = "nightschool") -> None:
        """Begin a run; one that goes on after a kill is a new run of the same name."""
        try:
            from mlflow import MlflowClient
            from mlflow.entities import Metric
        except ImportError as error:
            raise ConfigError(
                "--mlflow needs the client of MLflow, which is not installed. "
                "Run `pip install -e '.[mlflow]'`, or leave the flag out."
            ) from error
        self._metric = Metric
        try:
            self._client = MlflowClient(tracking_uri=uri)
            known = self._client.get_experiment_by_name(experiment)
            where = known.experiment_id if known else self._client.create_experiment(experiment)
            self._run = self._client.create_run(where, run_name=run).info.run_id
        except Exception as error:  # its client raises whatever its transport does
            raise ConfigError(
                f"--mlflow: the tracking server cannot be used ({type(error).__name__}). "
                "Start it, correct the URI, or leave the flag out."
            ) from error
        self._waiting: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._send, name="mlflow", daemon=True)
        self._thread.start()

    def step(self, label: str) -> None:
        """Nothing: only figures are sent."""

    def progress(self, label: str, done: int, total: int, loss: float | None) -> None:
        """Queue the loss of a training step."""
        if loss is not None:
            self._put("train/loss", loss, done)

    def figures(self, values: Mapping[str, float]) -> None:
        """Queue a night's results."""
        for name, value in values.items():
            self._put(name, value, 0)

    def close(self) -> None:
        """Wait until everything has arrived, for a while."""
        self._closing.set()
        self._thread.join(PATIENCE_SECONDS)

    def _put(self, name: str, value: float, step: int) -> None:
        self._waiting.put(self._metric(name, value, round(time.time() * 1000), step))

    def _send(self) -> None:
        try:
            while True:
                last = self._closing.wait(APART_SECONDS)
                while batch := self._batch():
                    self._client.log_batch(self._run, metrics=batch)
                if last:
                    self._client.set_terminated(self._run, "FINISHED")
                    return
        except Exception as error:  # as above; a tracker is no part of the night
            print(f"MLflow takes no more figures: {type(error).__name__}.", file=sys.stderr)

    def _batch(self) -> list[Any]:
        found: list[Any] = []
        with suppress(queue.Empty):
            while len(found) < BATCH:
                found.append(self._waiting.get_nowait())
        return found
