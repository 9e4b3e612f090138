"""Fillings of vehicles; ``price_cents`` is the total paid."""

from sqlalchemy import Double

from serve.kernel.schema import Moment, currency, lookup, money, optional, reference, required, tenant_table

fuel_logs = tenant_table(
    "fuel_logs",
    reference("vehicle_id", "vehicles"),
    required("filled_at", Moment),
    required("litres", Double),
    money("price_cents"),
    currency(),
    optional("odometer_km", Double),
    lookup("filled_at"),
)
