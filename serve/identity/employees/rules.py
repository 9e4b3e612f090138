"""What is allowed of employees."""

from collections.abc import Mapping
from typing import Any

from serve.identity.employees.errors import StatusNotPossible
from serve.kernel.errors import Invalid

NEXT = {
    "invited": {"active", "left"},
    "active": {"on_leave", "left"},
    "on_leave": {"active", "left"},
    "left": {"active"},
}
"""What may follow each status."""


def check_employee(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> None:
    """A status follows from the one before, and who has left says since when. Raises StatusNotPossible or Invalid."""
    status, left_on, hired_on = after["status"], after.get("left_on"), after.get("hired_on")
    if before is not None and status != before["status"] and status not in NEXT[before["status"]]:
        raise StatusNotPossible(
            details=[("status", f"after {before['status']} come {', '.join(sorted(NEXT[before['status']]))}")]
        )
    if status == "left" and left_on is None:
        raise Invalid(details=[("left_on", "say which day was the last one")])
    if status != "left" and left_on is not None:
        raise Invalid(details=[("left_on", "only an employee with status left has left")])
    if left_on is not None and hired_on is not None and left_on < hired_on:
        raise Invalid(details=[("left_on", "must not lie before hired_on")])
    if before is not None and after.get("manager_id") and str(after["manager_id"]) == str(before.get("id")):
        raise Invalid(details=[("manager_id", "nobody leads themselves")])
