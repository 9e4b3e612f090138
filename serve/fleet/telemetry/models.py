"""Readings of vehicles, one partition a month (UTC). Limits of each reading stand in its contract, not here:
a sensor's nonsense is quarantined by the pipeline, not refused at the door."""

from sqlalchemy import Column, Double, PrimaryKeyConstraint, Table, Text, Uuid

from serve.kernel.schema import (
    Moment,
    change_index,
    change_xid,
    created_at,
    lookup,
    metadata,
    optional,
    reference,
    reference_keys,
    required,
    row_id,
)

_vehicle = reference("vehicle_id", "vehicles", indexed=False)

telemetry = Table(
    "telemetry",
    metadata,
    row_id(),
    Column("tenant_id", Uuid, nullable=False),
    _vehicle,
    required("recorded_at", Moment),
    optional("speed_kmh", Double),
    optional("rpm", Double),
    optional("temperature_c", Double),
    optional("vibration_mm_s", Double),
    optional("pressure_kpa", Double),
    optional("voltage_v", Double),
    optional("fuel_level_pct", Double),
    optional("odometer_km", Double),
    optional("latitude", Double),
    optional("longitude", Double),
    optional("error_code", Text),
    created_at(),
    change_xid(),
    PrimaryKeyConstraint("id", "recorded_at"),
    *reference_keys([_vehicle]),
    lookup("vehicle_id", "recorded_at"),
    change_index(),
    postgresql_partition_by="RANGE (recorded_at)",
)
