"""What is allowed of vehicles."""

from collections.abc import Mapping
from typing import Any

from serve.kernel.errors import Conflict, Invalid


class OdometerRunsBack(Invalid):
    code, message = "ODOMETER_RUNS_BACK", "An odometer counts up."


class VehicleRetired(Conflict):
    code, message = "VEHICLE_RETIRED", "A retired vehicle does not come back; register it again."


def check_vehicle(before: Mapping[str, Any] | None, after: Mapping[str, Any]) -> None:
    """Odometers count up, and retiring is final. Raises OdometerRunsBack, VehicleRetired."""
    if before is None:
        return
    if after["odometer_km"] < before["odometer_km"]:
        raise OdometerRunsBack(
            details=[("odometer_km", f"is less than the {before['odometer_km']} of before")]
        )
    if before["status"] == "retired" and after["status"] != "retired":
        raise VehicleRetired(details=[("status", "stays retired")])
