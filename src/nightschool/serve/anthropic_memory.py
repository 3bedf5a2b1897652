"""The memory tool of the Anthropic SDK on this memory: hand it to the SDK's tool runner.

Needs the extra `anthropic`; nothing else imports the SDK.
"""

from __future__ import annotations

from anthropic.lib.tools import BetaAbstractMemoryTool, BetaFunctionToolResultType, ToolError
from anthropic.types.beta import (
    BetaCacheControlEphemeralParam,
    BetaMemoryTool20250818Command,
    BetaMemoryTool20250818CreateCommand,
    BetaMemoryTool20250818DeleteCommand,
    BetaMemoryTool20250818InsertCommand,
    BetaMemoryTool20250818RenameCommand,
    BetaMemoryTool20250818StrReplaceCommand,
    BetaMemoryTool20250818ViewCommand,
)

from nightschool.curate import pick_up_edits, use_memory_tool
from nightschool.forget import forget
from nightschool.memory.tool import FIELDS
from nightschool.trust import lowest, rank
from nightschool.types import SourceKind, Trust
from nightschool.wire import School


class NightschoolMemoryTool(BetaAbstractMemoryTool):
    """The six commands on one tenant's notes, for one conversation.

    What the model writes waits for the owner's approval before it is trained.
    """

    def __init__(
        self,
        school: School,
        *,
        trust: Trust = Trust.USER,
        cache_control: BetaCacheControlEphemeralParam | None = None,
    ) -> None:
        """Make the tool of one conversation.

        Args:
            school: The wired workspace of the tenant.
            trust: The lowest tier of what the model has before it; the owner's counts as the user's.
            cache_control: Where the SDK sets a cache breakpoint; None sets none.
        """
        super().__init__(cache_control=cache_control)
        self._school = school
        self._trust = lowest(trust, Trust.USER)
        self._conversation = school.memory_tool()

    def call(self, input: object) -> BetaFunctionToolResultType:
        """Execute a model's call, given as the SDK hands it over.

        Raises:
            ToolError: It failed; the message is for the model.
        """
        if not isinstance(input, dict):
            raise ToolError(f"Error: The input is {input!r}; expected an object with a `command`.")
        if input.get("command") not in FIELDS:
            return self._call(input)  # the SDK would end in an error that the model cannot act on
        return super().call(input)

    def view(self, command: BetaMemoryTool20250818ViewCommand) -> str:
        """Show a file with line numbers, or list a folder. Raises ToolError."""
        return self._run(command)

    def create(self, command: BetaMemoryTool20250818CreateCommand) -> str:
        """Write a new file. Raises ToolError."""
        return self._run(command)

    def str_replace(self, command: BetaMemoryTool20250818StrReplaceCommand) -> str:
        """Replace a text that stands once in a file. Raises ToolError."""
        return self._run(command)

    def insert(self, command: BetaMemoryTool20250818InsertCommand) -> str:
        """Insert a text after a line of a file. Raises ToolError."""
        return self._run(command)

    def delete(self, command: BetaMemoryTool20250818DeleteCommand) -> str:
        """Remove a file or folder. Raises ToolError."""
        return self._run(command)

    def rename(self, command: BetaMemoryTool20250818RenameCommand) -> str:
        """Move a file or folder. Raises ToolError."""
        return self._run(command)

    def clear_all_memory(self) -> str:
        """Delete the tenant's notes, and forget what was read from them; what the owner stated or approved stays.

        For the application: a model has no command for it.

        Raises:
            WorkspaceLocked: Another process holds the workspace.
        """
        school = self._school
        vault, rendered = school.vault(), self._conversation.rendered()
        for entry in vault.entries(depth=1)[1:]:
            if entry.path not in rendered:
                vault.delete(entry.path)
        pick_up_edits(school)
        notes = [
            memory.id
            for memory in school.store.memories(school.settings.tenant, include_retired=True)
            if memory.source_kind is SourceKind.NOTE and rank(memory) > 0
        ]
        if notes:
            forget(school, notes)
        return "All memory cleared"

    def _run(self, command: BetaMemoryTool20250818Command) -> str:
        # Only what the model gave: the SDK does not check it, our executor does.
        return self._call(command.model_dump(exclude_unset=True, warnings=False))

    def _call(self, call: dict[str, object]) -> str:
        result = use_memory_tool(self._school, self._conversation, call, self._trust)
        if result.is_error:
            raise ToolError(result.text)
        return result.text
