"""What became of an action."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import orjson

from serve.kernel.errors import Problem, respond


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answer, as HTTP would have given it; ``error`` is the body's own, ``headers`` have small letters."""

    status: int
    data: Any = None
    meta: dict[str, Any] = field(default_factory=dict)
    error: dict[str, Any] | None = None
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def succeeded(self) -> bool:
        return 200 <= self.status < 300

    @property
    def was_dry_run(self) -> bool:
        """Nothing was changed: this is what would have happened."""
        return self.headers.get("x-dry-run") == "true"

    @classmethod
    def of(cls, status: int, headers: dict[str, str], body: bytes) -> Outcome:
        told = orjson.loads(body) if body else {}
        return cls(status, told.get("data"), told.get("meta") or {}, told.get("error"), headers)

    @classmethod
    def refused(cls, problem: Problem, request_id: str = "") -> Outcome:
        """What was refused before it became a request."""
        response = respond({"state": {"request_id": request_id}}, problem)
        headers = {"x-request-id": request_id} | {
            name.lower(): value for name, value in (problem.headers or {}).items()
        }
        return cls.of(response.status_code, headers, bytes(response.body))
