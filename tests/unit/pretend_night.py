"""A night that only pretends, in a process as `consolidate` is: it has a journal and events, and trains nothing.

The workspace's `said.txt` tells it what to do (`hog` memory, `fail`, `crash`, `refuse`); it ends once there is a file `go`.
"""

import json
import os
import sys
import threading
import time
from pathlib import Path

from nightschool.registry.nights import open_night
from nightschool.runlog import EventLog
from nightschool.workspace import Workspace

words = [word for word in sys.argv[1:] if word != "--json"]
given = dict(zip(words[::2], words[1::2], strict=True))
root, tenant = Path(given["--workspace"]), given["--tenant"]
said = (root / "said.txt").read_text() if (root / "said.txt").exists() else ""


def die_with_parent():
    while os.read(0, 1):
        pass
    os._exit(9)


threading.Thread(target=die_with_parent, daemon=True).start()
workspace = Workspace(root)
with workspace.lock("a night"):
    night = open_night(workspace, tenant)
    log = EventLog(Path(given["--events"]))
    log.step("training")
    (root / f"lives-{tenant}").write_text(str(os.getpid()))
    if said == "hog":
        hog = bytearray(400_000_000)
    if said == "fail":
        print("Edited in memories/: corrected mem-1  The door code is 4417.", file=sys.stderr)
        sys.exit("Error: Too much of the study material repeats exam questions.")
    if said == "crash":
        raise KeyError("The door code is 4417.")
    while not (root / "go").exists():
        time.sleep(0.01)
    log.progress("training", 1, 1, 0.5)
    passed = {"name": "acquired", "passed": True, "reason": "learnt"}
    check = {**passed, "difference": 0.5, "low": 0.3, "margin": None, "n": 20}
    decision = {"promote": said != "refuse", "checks": [check]}
    night.artifact("version.txt", lambda: "ver-1")
    night.artifact("decision.json", lambda: json.dumps(decision))
    night.finish("promoted" if decision["promote"] else "refused")
sys.exit(0 if decision["promote"] else 3)
