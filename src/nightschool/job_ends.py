"""What came of a job whose process is gone: told by its night's folder first, and only then by how the process went."""

from __future__ import annotations

import signal
from dataclasses import replace

from nightschool.codec import from_json
from nightschool.errors import WorkspaceCorrupt
from nightschool.registry.jobs import Job, JobState, NightResult
from nightschool.registry.nights import Night
from nightschool.types import Decision
from nightschool.workspace import Workspace

CANCELLED = "cancelled"
PAUSED = "paused"
ASKED = 128 + signal.SIGTERM
"""Exit code of a night that was asked to end, as by a machine that shuts down."""
MOST_DEATHS = 5
"""So often a night's process, or the server with it, may die before its job counts as failed."""


def after_exit(
    workspace: Workspace, job: Job, code: int, why: str | None, said: str, at: str
) -> Job:
    """Return a job whose process has ended.

    Args:
        workspace: Where it lives.
        job: As it ran.
        code: The process's exit code, or minus the signal that killed it.
        why: Why we ended it: `CANCELLED`, `PAUSED`, or an error; None: we did not.
        said: The error that it ended with; may be empty.
        at: Now.
    """
    if over := if_over(workspace, job, at):
        return over
    if why == PAUSED:
        return replace(job, state=JobState.QUEUED, process=None)
    if why is None and (code < 0 or code == ASKED):
        return after_death(workspace, job, f"its process got signal {abs(code) % 128}", at)
    ended = replace(job, ended=at, process=None)
    if why == CANCELLED:
        return replace(ended, state=JobState.CANCELLED, error=CANCELLED)
    said = said.replace(f"{workspace.root.resolve()}/", "")  # callers are told no folders
    error = (
        why or said or f"The night's process ended with code {code}. The server's log may say more."
    )
    return replace(ended, state=JobState.FAILED, error=error)


def after_death(workspace: Workspace, job: Job, how: str, at: str) -> Job:
    """Return a job whose process ended by no will of ours: it goes on, unless that happens again and again.

    Args:
        workspace: Where it lives.
        job: As it ran.
        how: What happened, in words.
        at: Now.
    """
    if over := if_over(workspace, job, at):
        return over
    job = replace(job, process=None, deaths=job.deaths + 1)
    if job.deaths < MOST_DEATHS:
        return replace(job, state=JobState.QUEUED)
    error = (
        f"The night was interrupted {job.deaths} times, the last time because {how}. If the machine runs out of "
        "memory, lower train.tokens_per_step or use a smaller base; another call goes on with this night."
    )
    return replace(job, state=JobState.FAILED, ended=at, error=error)


def if_over(workspace: Workspace, job: Job, at: str) -> Job | None:
    """Return a job whose night has come to its end; None where it has not, or never began."""
    night = Night(job.night, workspace.nights / job.tenant / job.night)
    outcome = night.outcome if job.night else None
    if outcome is None:
        return None
    try:
        decision = from_json(Decision, night.stored("decision.json") or "")
    except WorkspaceCorrupt as error:
        return replace(job, state=JobState.FAILED, ended=at, process=None, error=str(error))
    checks = tuple((check.name, check.passed, check.reason) for check in decision.checks)
    result = NightResult(outcome == "promoted", night.stored("version.txt") or "", checks)
    return replace(job, state=JobState.DONE, ended=at, process=None, outcome=result)
