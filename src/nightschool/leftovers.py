"""What a killed write leaves behind: a hidden file with the whole content, which no reader ever looks at."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

WRITING = ".writing"
"""How the name of a file ends that is being written, and is not yet in its place."""
LEFT = re.compile(
    rf"\..+\.[a-z0-9_]{{8}}{re.escape(WRITING)}"
    r"|\..+\.\w+\.[a-z0-9_]{8}|\..+\.(?=[a-z]*[0-9_])[a-z0-9_]{8}"
)
"""Such a name; earlier releases gave it no ending, and without an extension it might be anybody's word."""


def sweep(folder: Path) -> None:
    """Remove what killed writes have left in a folder and below it; whoever writes there must be locked out."""
    for place in list(folder.rglob(".*")):
        if LEFT.fullmatch(place.name) and place.is_file() and not place.is_symlink():
            place.unlink(missing_ok=True)


def clear_torn(path: Path) -> None:
    """Remove what killed calls of `folder_atomic` have left beside `path`; whoever fills it must be locked out."""
    for torn in path.parent.glob(f".{path.name}.*"):
        shutil.rmtree(torn, ignore_errors=True)
