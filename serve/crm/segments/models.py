"""Conditions by name."""

from sqlalchemy import Text
from sqlalchemy.dialects.postgresql import JSONB

from serve.kernel.schema import choice, optional, required, resource_table

segments = resource_table(
    "segments",
    required("name", Text),
    choice("resource", "leads", "contacts", "accounts"),
    required("conditions", JSONB),
    optional("description", Text),
    entity="segment",
    search=("name", "description"),
    extracted=False,
)
