"""Places that the tenant names: its branches, sites, and areas that it looks at."""

from sqlalchemy import Double, Integer, Text

from serve.kernel.schema import attributes, between, choice, lookup, optional, required, resource_table

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
    attributes(),
    lookup("latitude", "longitude"),
    entity="location",
    search=("name", "street", "city", "postcode", "region"),
    extracted=False,
)
