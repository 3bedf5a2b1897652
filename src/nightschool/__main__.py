"""`nightschool` and `python -m nightschool`: the command line, which may be interrupted before it is loaded."""

from __future__ import annotations

import sys

INTERRUPTED = 130
"""Exit code after Ctrl-C, as shells count it."""


def main() -> None:
    """Load and run the command line; Ctrl-C ends it without a traceback from the first import on."""
    try:
        from nightschool.cli.main import app

        app()
    except KeyboardInterrupt:
        sys.exit(INTERRUPTED)


if __name__ == "__main__":
    main()
