"""A night that only pretends, in a process as `consolidate` is: its losses fall, its version is registered, and it trains nothing.

The workspace's `pace.txt` holds the seconds between its steps of training.
"""

import math
import os
import sys
import threading
import time
from pathlib import Path

from nightschool.codec import to_json
from nightschool.registry.nights import open_night
from nightschool.registry.versions import Registry
from nightschool.runlog import EventLog
from nightschool.types import Check, Decision, TrainResult, Version, now
from nightschool.workspace import Workspace

STEPS = 80

words = [word for word in sys.argv[1:] if word != "--json"]
given = dict(zip(words[::2], words[1::2], strict=True))
root, tenant = Path(given["--workspace"]), given["--tenant"]
pace = float((root / "pace.txt").read_text())


def die_with_parent():
    while os.read(0, 1):
        pass
    os._exit(9)


threading.Thread(target=die_with_parent, daemon=True).start()
workspace = Workspace(root)
with workspace.lock("a night"):
    night = open_night(workspace, tenant)
    log = EventLog(Path(given["--events"]))
    log.step("sealing the exam")
    log.step("writing study material")
    log.progress("writing study material", 40, 40, None)
    log.step("training")
    for step in range(1, STEPS + 1):
        time.sleep(pace)
        log.progress("training", step, STEPS, 3.2 * math.exp(-step / 25) + 0.3)
    name = f"ver-of-{night.id}"
    log.step(f"exam: {name}")
    check = Check("acquired", True, 0.8, 0.6, 0.0, 20, "significant gain on new items")
    decision = Decision(True, (check,))
    (workspace.versions / name).mkdir()
    (workspace.versions / name / "train.json").write_text("{}")
    registry = Registry(workspace)
    train = TrainResult("full", STEPS, 4000, 2000, STEPS * pace, 1, 3.2, 0.4)
    registry.add(
        Version(name, tenant, night.id, "full", "smollm2-135m", "base", (), (), "", 0, {}, now(), train)
    )  # fmt: skip
    registry.record_decision(night.id, name, decision)
    registry.promote(tenant, name, decision, "gate")
    night.artifact("version.txt", lambda: name)
    night.artifact("decision.json", lambda: to_json(decision))
    night.finish("promoted")
