"""The answer of a request whose work goes on as a task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import Header, Response
from pydantic import Field

from serve.kernel.envelope import Meta, Output, Success, success


class TaskStarted(Output):
    """Work that goes on; ask at ``url`` how far it is."""

    task_id: UUID
    status: str = Field(examples=["queued"])
    url: str = Field(examples=["/api/v1/tasks/0192f0c1-7d3a-7b6e-9c0e-5f1f6f0f6a01"])


LATER: dict[int | str, dict[str, Any]] = {
    202: {"model": Success[TaskStarted, Meta], "description": "It goes on as a task."}
}
"""The answer of an operation that may become a task."""

Prefer = Annotated[
    str | None,
    Header(
        description="`respond-async`: do it as a task, and answer at once where to ask for it (RFC 7240)."
    ),
]


def wants_task(prefer: str | None) -> bool:
    """Whether the header ``Prefer`` asks for an answer before the work is done.

    >>> [wants_task(each) for each in (None, "respond-async", "wait=10, Respond-Async", "return=minimal")]
    [False, True, True, False]
    """
    words = (part.partition(";")[0].strip().lower() for part in (prefer or "").split(","))
    return "respond-async" in words


def started(task: Mapping[str, Any]) -> Response:
    """202, and where to ask."""
    url = f"/api/v1/tasks/{task['id']}"
    body = success({"task_id": task["id"], "status": task["status"], "url": url}, {})
    return Response(body, 202, {"Location": url, "Cache-Control": "private, no-cache"}, "application/json")
