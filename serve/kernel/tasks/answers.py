"""The answer of a request whose work goes on as a task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from fastapi import Response
from pydantic import Field

from serve.kernel.envelope import Output, success


class TaskStarted(Output):
    """Work that goes on; ask at ``url`` how far it is."""

    task_id: UUID
    status: str = Field(examples=["queued"])
    url: str = Field(examples=["/api/v1/tasks/0192f0c1-7d3a-7b6e-9c0e-5f1f6f0f6a01"])


def started(task: Mapping[str, Any]) -> Response:
    """202, and where to ask."""
    url = f"/api/v1/tasks/{task['id']}"
    body = success({"task_id": task["id"], "status": task["status"], "url": url}, {})
    return Response(body, 202, {"Location": url, "Cache-Control": "private, no-cache"}, "application/json")
