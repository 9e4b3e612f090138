"""Places that the tenant names: its branches, sites, and areas that it looks at."""

from sqlalchemy import Double, Index, Integer, Text, text
from sqlalchemy.dialects.postgresql import JSONB

from serve.kernel.schema import (
    Moment,
    attributes,
    between,
    choice,
    lookup,
    optional,
    own_table,
    required,
    resource_table,
    searched,
    unique,
)

KINDS = ("area", "branch", "depot", "site", "supplier", "other")

locations = resource_table(
    "locations",
    required("name", Text),
    choice("kind", *KINDS, default="other"),
    optional("street", Text),
    optional("city", Text),
    optional("postcode", Text),
    optional("region", Text),
    optional("country", Text),
    between("latitude", Double, -90, 90),
    between("longitude", Double, -180, 180),
    between("radius_m", Integer, 1, 20_037_508),
    # Leads that nobody knew are looked up again because of it: see serve/crm/places/locating.py.
    optional("look_again_at", Moment),
    attributes(),
    lookup("latitude", "longitude"),
    Index(
        "locations_look_again_idx",
        "tenant_id",
        postgresql_where=text("look_again_at is not null and deleted_at is null"),
    ),
    searched(),
    entity="location",
    search=("name", "street", "city", "postcode", "region"),
    unrecorded=("look_again_at",),
    extracted=False,
)

# What a geocoder has answered, for a day. The question is a hash: an address may be a person's.
geocoder_answers = own_table(
    "geocoder_answers",
    required("question", Text),
    required("places", JSONB),
    required("asked_at", Moment, default="now()"),
    unique("question"),
    lookup("asked_at"),
)
