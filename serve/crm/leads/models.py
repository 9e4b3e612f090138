"""People or companies who may become customers, and what was done with them."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Computed,
    Date,
    Double,
    ForeignKey,
    Index,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from serve.crm.people.keys import keys, names
from serve.kernel.schema import (
    Moment,
    asked_by,
    attributes,
    between,
    choice,
    currency,
    money,
    optional,
    own_table,
    ranged_by,
    reference,
    required,
    resource_table,
    searched,
    share,
    word_index,
    words,
)

leads = resource_table(
    "leads",
    reference("account_id", "accounts", empty=True),
    reference("contact_id", "contacts", empty=True),
    reference("campaign_id", "campaigns", empty=True),
    reference("zone_id", "zones", empty=True),
    reference("location_id", "locations", empty=True),
    Column("owner_id", Uuid, ForeignKey("users.id", ondelete="SET NULL"), nullable=True),
    required("full_name", Text),
    optional("email", Text),
    optional("phone", Text),
    optional("company", Text),
    optional("job_title", Text),
    optional("website", Text),
    optional("city", Text),
    optional("postcode", Text),
    optional("country", Text),
    between("latitude", Double, -90, 90),
    between("longitude", Double, -180, 180),
    # In which it lies (H3, the finest): maps gather leads by it. It follows from the coordinates.
    optional("cell", BigInteger),
    # Empty with coordinates: they were loaded, or come from before it was noted. See serve/crm/places/locating.py.
    choice("coordinates_source", "given", "known_place", "geocoder", empty=True),
    # When the address was last looked up, found or not.
    optional("located_at", Moment),
    required("source", Text),
    choice("status", "new", "contacted", "qualified", "won", "lost", default="new"),
    optional("lost_reason", Text),
    words("tags"),
    required("consent_email", Boolean, default="false"),
    money("cost_cents"),
    currency(),
    money("value_cents", empty=True),
    optional("first_replied_at", Moment),
    # Until the first reply there is none; a reply from before the lead came in counts as at once.
    Column(
        "first_reply_s",
        Double,
        Computed(
            "case when first_replied_at is not null"
            " then greatest(extract(epoch from first_replied_at - created_at), 0) end",
            persisted=True,
        ),
    ),
    optional("contacted_at", Moment),
    optional("qualified_at", Moment),
    optional("won_at", Moment),
    optional("lost_at", Moment),
    optional("snapshot_date", Date),
    share("score"),
    optional("score_reasons", JSONB),
    optional("scored_at", Moment),
    optional("converted_at", Moment),
    # Somebody is to be found who works on it: see serve/crm/assignment.
    optional("assign_at", Moment),
    # It changed and is to be scored anew: see serve/crm/scoring.
    optional("rescore_at", Moment),
    attributes(),
    *keys("leads"),
    Index(
        "leads_on_map",
        "tenant_id",
        "latitude",
        "longitude",
        postgresql_include=["cell", "status", "value_cents", "currency"],
        postgresql_where=text("deleted_at is null and latitude is not null"),
    ),
    Index(
        "leads_without_cell",
        "tenant_id",
        "latitude",
        "longitude",
        postgresql_where=text("deleted_at is null and latitude is not null and cell is null"),
    ),
    Index(
        "leads_without_place_idx",
        "tenant_id",
        "located_at",
        "id",
        postgresql_where=text(
            "latitude is null and deleted_at is null and (city is not null or postcode is not null)"
        ),
    ),
    *(
        asked_by(each)
        for each in ("status", "source", "owner_id", "campaign_id", "zone_id", "city", "country")
    ),
    asked_by("currency"),
    asked_by("consent_email"),
    *(ranged_by(each) for each in ("score", "value_cents", "updated_at", "full_name", "email", "phone")),
    word_index("tags"),
    searched(),
    entity="lead",
    personal=("full_name", "email", "phone"),
    search=("full_name", "email", "phone", "company", "job_title", "city"),
    unrecorded=("assign_at", "rescore_at", "cell", *names("leads"), "located_at"),
)
Index(
    "leads_assign_at_idx",
    leads.c.assign_at,
    postgresql_where=text("assign_at is not null and deleted_at is null"),
)
Index(
    "leads_rescore_at_idx",
    leads.c.rescore_at,
    postgresql_where=text("rescore_at is not null and deleted_at is null"),
)

lead_activities = resource_table(
    "lead_activities",
    reference("lead_id", "leads", owned=True),
    choice("kind", "visit", "call", "email", "reply", "meeting", "note"),
    choice("direction", "in", "out", empty=True),
    choice("outcome", "reached", "no_answer", "left_message", "not_interested", "bounced", empty=True),
    required("happened_at", Moment),
    optional("duration_s", Double),
    optional("summary", Text),
    Column("user_id", Uuid, ForeignKey("users.id", ondelete="SET NULL"), nullable=True),
    attributes(),
    entity="lead_activity",
    personal=("summary",),
)

# What a lead became. Ids alone: what was made of it stands at its own place.
lead_conversions = own_table(
    "lead_conversions",
    reference("lead_id", "leads", owned=True),
    reference("contact_id", "contacts"),
    reference("account_id", "accounts", empty=True),
    reference("quote_id", "quotes", empty=True),
    reference("job_id", "jobs", empty=True),
    words("made"),
    required("lead_before", JSONB),
    required("lead_after", JSONB),
    Column("user_id", Uuid, ForeignKey("users.id", ondelete="SET NULL"), nullable=True),
    required("undo_until", Moment),
    optional("undone_at", Moment),
    Column("undone_by", Uuid, ForeignKey("users.id", ondelete="SET NULL"), nullable=True),
)
# A lead is converted once, or again after that was undone.
Index(
    "lead_conversions_tenant_id_lead_id_key",
    lead_conversions.c.tenant_id,
    lead_conversions.c.lead_id,
    unique=True,
    postgresql_where=text("undone_at is null"),
)
