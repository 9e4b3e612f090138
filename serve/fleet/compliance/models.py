"""Papers that a vehicle or a provider must hold, with the day they expire."""

from sqlalchemy import CheckConstraint, Date, Text

from serve.kernel.schema import choice, lookup, optional, reference, required, tenant_table

compliance_documents = tenant_table(
    "compliance_documents",
    reference("vehicle_id", "vehicles", empty=True),
    reference("provider_id", "providers", empty=True),
    choice("kind", "insurance", "inspection", "registration", "licence", "permit"),
    optional("number", Text),
    required("issued_date", Date),
    required("expires_date", Date),
    choice("status", "valid", "expired", "revoked", default="valid"),
    CheckConstraint("num_nonnulls(vehicle_id, provider_id) = 1", name="subject"),
    lookup("expires_date"),
)
