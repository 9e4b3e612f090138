"""Vehicles and machines."""

from sqlalchemy import Date, Double, Integer, Text
from sqlalchemy.dialects.postgresql import JSONB

from serve.kernel.schema import (
    Moment,
    attributes,
    choice,
    currency,
    money,
    optional,
    reference,
    required,
    resource_table,
    searched,
    share,
    unique,
)

vehicles = resource_table(
    "vehicles",
    required("registration", Text),
    required("make", Text),
    required("model", Text),
    required("model_year", Integer),
    choice("kind", "van", "truck", "car", "machine"),
    choice("fuel", "diesel", "petrol", "electric", "hybrid", "none"),
    choice("status", "active", "workshop", "retired", default="active"),
    required("acquired_date", Date),
    money("acquisition_cost_cents"),
    currency(),
    required("odometer_km", Double),
    reference("zone_id", "zones", empty=True),
    share("failure_score"),
    optional("failure_reasons", JSONB),
    optional("failure_scored_at", Moment),
    attributes(),
    unique("registration"),
    searched(),
    entity="vehicle",
    search=("registration", "make", "model"),
)
