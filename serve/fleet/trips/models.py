"""Journeys of vehicles."""

from sqlalchemy import Double

from serve.kernel.schema import Moment, lookup, optional, reference, required, tenant_table

trips = tenant_table(
    "trips",
    reference("vehicle_id", "vehicles"),
    reference("provider_id", "providers", empty=True),
    required("started_at", Moment),
    optional("ended_at", Moment),
    required("distance_km", Double),
    required("idle_s", Double),
    optional("fuel_l", Double),
    lookup("started_at"),
)
