"""Banks and reports: the sealed questions, and what each version answered."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Set
from dataclasses import replace

from nightschool.codec import from_json, to_json
from nightschool.registry.schema import MIGRATIONS, ROOM
from nightschool.types import Bank, BankKind, Report
from nightschool.workspace import Workspace, migrate, transaction

AIDED = ("open", "retrieval")
"""Modes of an exam in which memories stand in the prompt."""


def without(bank: Bank, gone: Set[str], successors: Set[str]) -> Bank:
    """Return a bank without the items of forgotten memories, and without what these said in the items of their successors."""
    kept = [item for item in bank.items if not gone & set(item.memory_ids)]
    items = [
        replace(i, stale=()) if i.stale and successors & set(i.memory_ids) else i for i in kept
    ]
    return replace(bank, items=tuple(items))


def may_quote(version_id: str, mode: str, tainted: Collection[str]) -> bool:
    """Tell whether an answer may hold what is forgotten: its version had learnt that, or had it in its prompt."""
    return version_id in tainted or mode in AIDED


class ExamRecords:
    """The exam banks and reports of one workspace."""

    def __init__(self, workspace: Workspace) -> None:
        """Open the workspace's database and bring its tables up to date."""
        self.connection = workspace.connect()
        migrate(self.connection, ROOM, MIGRATIONS)

    def save_bank(self, bank: Bank) -> None:
        """Store a sealed bank, in place of an earlier one of its id.

        A night that a deletion discarded is sealed anew under the same id, with what was told since.
        """
        with transaction(self.connection):
            self.connection.execute(
                "INSERT INTO banks (id, tenant, kind, body) VALUES (?, ?, ?, ?) "
                "ON CONFLICT (id) DO UPDATE SET body = excluded.body",
                (bank.id, bank.tenant, bank.kind.value, to_json(bank)),
            )

    def banks(self, tenant: str, kind: BankKind | None = None) -> list[Bank]:
        """List a tenant's banks, oldest first; of one kind when asked."""
        rows = self.connection.execute(
            "SELECT body FROM banks WHERE tenant = ? ORDER BY number", (tenant,)
        )
        banks = [from_json(Bank, row["body"]) for row in rows]
        return [bank for bank in banks if kind in (None, bank.kind)]

    def save_report(self, report: Report) -> None:
        """Store a report; the same report again changes nothing."""
        with transaction(self.connection):
            self.connection.execute(
                "INSERT INTO reports (id, tenant, version_id, body) VALUES (?, ?, ?, ?) "
                "ON CONFLICT (id) DO NOTHING",
                (report.id, report.tenant, report.version_id, to_json(report)),
            )

    def reports(self, tenant: str, version_id: str | None = None) -> list[Report]:
        """List a tenant's reports, oldest first; of one version when asked."""
        rows = self.connection.execute(
            "SELECT body FROM reports WHERE tenant = ? AND version_id LIKE ? ORDER BY number",
            (tenant, version_id or "%"),
        )
        return [from_json(Report, row["body"]) for row in rows]

    def remove_items(
        self,
        memory_ids: Iterable[str],
        versions: Collection[str] = (),
        successors: Iterable[str] = (),
    ) -> int:
        """Erase the items of memories, every answer that was given to them, and what may quote them elsewhere.

        Args:
            memory_ids: What is forgotten.
            versions: Those that were trained on it. A wrong answer of theirs to another question may be
                just what is forgotten; and so may the base's, with memories in its prompt. The verdicts stay.
            successors: Memories that stay and had superseded it: what was right before is struck from their items.

        Returns:
            How many items were erased.
        """
        gone_memories, newer = set(memory_ids), set(successors)
        with transaction(self.connection):
            gone: set[str] = set()
            for row in self.connection.execute("SELECT body FROM banks").fetchall():
                bank = from_json(Bank, row["body"])
                left = without(bank, gone_memories, newer)
                gone |= {item.id for item in bank.items} - {item.id for item in left.items}
                if left != bank:
                    self._write("banks", bank.id, to_json(left))
            for row in self.connection.execute("SELECT body FROM reports").fetchall():
                report = from_json(Report, row["body"])
                results = tuple(
                    replace(r, answer="") if may_quote(report.version_id, r.mode, versions) else r
                    for r in report.results
                    if r.item_id not in gone
                )
                if results != report.results:
                    self._write("reports", report.id, to_json(replace(report, results=results)))
        self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return len(gone)

    def remove_tenant(self, tenant: str) -> int:
        """Erase all banks and reports of a tenant; return how many items the banks had."""
        items = sum(len(bank.items) for bank in self.banks(tenant))
        with transaction(self.connection):
            for table in ("banks", "reports"):
                self.connection.execute(f"DELETE FROM {table} WHERE tenant = ?", (tenant,))
        self.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return items

    def _write(self, table: str, record_id: str, body: str) -> None:
        self.connection.execute(f"UPDATE {table} SET body = ? WHERE id = ?", (body, record_id))
