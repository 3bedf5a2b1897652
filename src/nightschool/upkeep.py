"""What every door does before it uses a tenant's memory: a killed deletion is ended, edited files are taken in."""

from __future__ import annotations

from nightschool.curate import pick_up_edits
from nightschool.forget import finish, unfinished
from nightschool.memory.files import Edits
from nightschool.wire import School


def catch_up(school: School) -> Edits:
    """Bring a tenant's memory in order, and return what was edited; little is read where nothing is to be done.

    Raises:
        WorkspaceLocked: Another process holds the workspace.
        WorkspaceCorrupt: An edited file is not UTF-8 text.
    """
    if unfinished(school):
        finish(school)
    return pick_up_edits(school)
