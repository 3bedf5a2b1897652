"""The route of feedback: what a person or a test says of an answer."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Request
from pydantic import ConfigDict, Field, StrictBool, model_validator

from nightschool.errors import ScopeMissing, ServiceBusy
from nightschool.feedback import give, label
from nightschool.hosting import House
from nightschool.serve.access import Caller, needs, the_house
from nightschool.serve.answers import declines
from nightschool.serve.shapes import SAYS_SOMETHING, Body, Shape, refusals
from nightschool.types import Verdict

STORING_S = 15.0
"""So long feedback waits for its conversation, which is stored after the answer."""

router = APIRouter(prefix="/v1", tags=["feedback"])


class Opinion(Body):
    """What somebody says of an answer: any of the three, or all."""

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [
                {"required": [name], "properties": {name: {"not": {"type": "null"}}}}
                for name in ("verdict", "correction", "passed")
            ]
        }
    )

    completion: str = Field(pattern=r"^(chatcmpl|cmpl)-[\w-]{1,80}$")
    """The answer's id."""
    verdict: Literal["up", "down"] | None = None
    """Thumbs."""
    correction: str | None = Field(None, min_length=1, max_length=8000, pattern=SAYS_SOMETHING)
    """What would have been right; it becomes a memory that waits for approval. A key that stores nothing sends none."""
    passed: StrictBool | None = None
    """Whether a test of the answer passed."""

    @model_validator(mode="after")
    def _says_something(self) -> Opinion:
        if self.verdict is None and self.correction is None and self.passed is None:
            raise ValueError("give a verdict, a correction or passed")
        return self


class Stored(Shape):
    """What was kept."""

    id: str
    object: Literal["feedback"] = "feedback"
    completion: str
    episode: str
    """The conversation with which it is kept."""
    at: str
    memories: list[str]
    """What the correction became; none where it says what is known already."""
    label: Verdict
    """What all feedback on this answer comes to by now."""


@router.post("/feedback", responses=refusals(404, 409, 503))
def give_feedback(
    request: Request,
    opinion: Opinion,
    caller: Annotated[Caller, Depends(needs("chat"))],
    house: Annotated[House, Depends(the_house)],
) -> Stored:
    """Say what an answer was worth. It is kept with the conversation, and goes when that is forgotten."""
    if opinion.correction is not None and declines(caller, None, None):
        raise ScopeMissing(
            f"A correction becomes a memory, and nothing that the API key {caller.key_id} sends is kept. Send a "
            "verdict or passed, or the correction with a key that stores."
        )
    liked = None if opinion.verdict is None else opinion.verdict == "up"
    if not house.recorder.wait_for(caller.tenant, opinion.completion, STORING_S):
        raise ServiceBusy(f"{opinion.completion} is still being stored. Send the feedback again.")
    with house.school(caller.tenant) as school:
        given = give(
            school,
            opinion.completion,
            liked=liked,
            passed=opinion.passed,
            correction=opinion.correction or "",
            actor=caller.key_id,
        )
        request.state.objects = [given.completion_id, *given.corrections]
        every = school.answers.of_episode(given.episode_id)
    mine = [one for one in every if one.completion_id == given.completion_id]
    return Stored(
        id=given.id,
        completion=given.completion_id,
        episode=given.episode_id,
        at=given.at,
        memories=list(given.corrections),
        label=label(mine).verdict,
    )
