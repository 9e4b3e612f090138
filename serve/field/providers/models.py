"""Those who do the work: own technicians and partners."""

from sqlalchemy import Boolean, Date, Double, Text
from sqlalchemy.dialects.postgresql import JSONB

from serve.kernel.schema import between, choice, money, optional, reference, required, tenant_table

providers = tenant_table(
    "providers",
    choice("kind", "technician", "partner"),
    required("full_name", Text),
    optional("email", Text),
    optional("phone", Text),
    reference("zone_id", "zones", empty=True),
    required("skills", JSONB, default="'[]'::jsonb"),
    money("hourly_cost_cents"),
    between("rating", Double, 0, 5),
    required("is_active", Boolean, default="true"),
    optional("hired_date", Date),
)
