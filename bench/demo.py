"""Live the demo and keep its figures: `python bench/demo.py --json bench/results/demo.json`.

A run that is stopped goes on where it was, from the folder beside the result; how long it took is then not told.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

from nightschool.demo import run
from nightschool.runlog import progress_bar
from record import Record, commit


def main() -> None:
    """Run once in a workspace of its own; the report's picture goes beside the result file."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--json", type=Path, default=Path("bench/results/demo.json"))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--set", action="append", default=[], dest="settings")
    given = parser.parse_args()
    record = Record(given.json, "demo")
    record.body["seeds"] = [given.seed]
    # Rows of two programs do not mix.
    work = given.json.with_suffix(f".{commit()}.work")
    settings = (f"train.seed={given.seed}", "effort=medium", *given.settings)
    lived = run(work, None, None, settings, progress_bar)
    picture = Path(lived.pop("report")).with_suffix(".png")
    given.json.with_suffix(".png").write_bytes(picture.read_bytes())
    record.body["figures"] = lived.pop("figures")
    record.body["rows"] = [lived]
    record.save()
    shutil.rmtree(work)


if __name__ == "__main__":
    main()
