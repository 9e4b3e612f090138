"""The resource, and what is done with one lead beyond changing its fields."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from serve.crm.leads.models import lead_activities
from serve.crm.leads.models import leads as table
from serve.crm.leads.rules import FOUND, answers, check_lead, event_of
from serve.crm.leads.schemas import Activity, ContactMade, LeadFields, LeadRead, StatusChange
from serve.crm.people.duplicates import warning
from serve.crm.people.mergeable import Mergeable
from serve.crm.people.schemas import CreatedMeta, MergeAsked
from serve.kernel.db import Transaction
from serve.kernel.errors import Invalid
from serve.kernel.events import event
from serve.kernel.resources import Row
from serve.kernel.resources.store import Store

FILTERS = (
    *("external_id", "status", "source", "owner_id", "campaign_id", "zone_id", "account_id", "contact_id"),
    *("location_id", "currency"),
    *("city", "country", "consent_email", "score", "value_cents", "updated_at", "email", "phone", "tags"),
)
"""What leads are asked for by; each has an index, because there may be a million of them."""
SORTABLE = ("created_at", "updated_at", "score", "value_cents", "full_name", "id")


class Leads(Mergeable):
    """Coordinates that were found go with the address that they were found by."""

    async def make_way(
        self, db: Transaction, survivor: Row, merged: Row, asked: MergeAsked
    ) -> tuple[Row, Mapping[str, Any]]:
        if merged["coordinates_source"] not in FOUND:
            return survivor, merged
        return survivor, {**merged, "latitude": None, "longitude": None}


leads = Leads(
    table,
    fields=LeadFields,
    read=LeadRead,
    rule=check_lead,
    filters=FILTERS,
    sortable=SORTABLE,
    beside=warning("lead"),
    created_meta=CreatedMeta,
)
activities = Store(lead_activities, list(Activity.model_fields), list(Activity.model_fields))

for _status, _meaning in {
    "contacted": "Somebody got in touch with the lead.",
    "qualified": "It is worth an offer.",
    "won": "It became a customer.",
    "lost": "It will not become one: `after` has the reason.",
    "reopened": "A lead that was won or lost is worked on again.",
}.items():
    event(f"lead.{_status}", _meaning)


async def set_status(db: Transaction, before: Row, asked: StatusChange) -> Row:
    """Raises what the rule says."""
    changes: dict[str, Any] = {"status": asked.status}
    for name in ("lost_reason", "value_cents"):
        if (value := getattr(asked, name)) is not None:
            changes[name] = value
    return await leads.change(db, before, event=event_of(before, asked.status), **changes)


async def log_contact(db: Transaction, lead: Row, made: ContactMade) -> tuple[Row, Row]:
    """(the activity, the lead after it): a first answer stops its clock, and a new lead is contacted.

    Raises Invalid for a moment that lies ahead.
    """
    now = datetime.now(UTC)
    happened_at = made.happened_at or now
    if happened_at > now:
        raise Invalid(details=[("happened_at", "lies ahead")])
    values = {
        **made.model_dump(),
        "happened_at": happened_at,
        "lead_id": UUID(lead["id"]),
        "user_id": db.caller.user_id,
    }
    activity = await activities.insert(db, values)
    changes: dict[str, Any] = {}
    if answers(made.kind, made.direction):
        replied = lead["first_replied_at"]
        if replied is None or happened_at < replied:
            changes["first_replied_at"] = happened_at
        if lead["status"] == "new":
            changes["status"] = "contacted"
    if changes:
        lead = await leads.change(
            db, lead, event=event_of(lead, changes.get("status", lead["status"])), **changes
        )
    return activity, lead


_TIMELINE = """
    with told as (
        select e.happened_at as at, 'change' as kind, e.name, e.id, e.actor_kind, e.actor_id, null::text as text,
            e.before, e.after, e.position
        from events e
        where e.entity_type = 'lead' and e.entity_id = $1 and e.category = 'change'
        union all
        select a.happened_at, 'activity', 'lead.' || a.kind, a.id, case when a.user_id is not null then 'user' end,
            a.user_id, a.summary, null::jsonb,
            jsonb_strip_nulls(jsonb_build_object(
                'direction', a.direction, 'outcome', a.outcome, 'duration_s', a.duration_s
            )), 0
        from lead_activities a where a.lead_id = $1 and a.deleted_at is null
        union all
        select n.created_at, 'note', 'lead.note', n.id, case when n.user_id is not null then 'user' end, n.user_id,
            n.body, null::jsonb, null::jsonb, 0
        from notes n where n.lead_id = $1 and n.deleted_at is null
        union all
        -- Of what was said not even the notes: whoever reads leads need not read calls.
        select c.started_at, 'call', 'call.' || c.direction, c.id, case when c.user_id is not null then 'user' end,
            c.user_id, null, null::jsonb,
            jsonb_build_object('direction', c.direction, 'outcome', c.outcome, 'duration_s', c.duration_s), 0
        from calls c join leads l on l.contact_id = c.contact_id and l.tenant_id = c.tenant_id
        where l.id = $1 and c.deleted_at is null
    )
    select t.at, t.kind, t.name, t.id, t.actor_kind, t.actor_id, m.full_name as actor_name, t.text, t.before, t.after,
        count(*) over () as total
    from told t
    left join (select distinct user_id, full_name from tenant_members()) m on m.user_id = t.actor_id
    order by t.at desc, t.position desc, t.id desc limit $2 offset $3
"""
_KEY = "select person_key from leads where id = $1"


async def timeline(
    db: Transaction, lead_id: UUID, window: tuple[int, int]
) -> tuple[list[dict[str, Any]], int]:
    """(a page of what happened with a lead, how much there is), the newest first."""
    limit, offset = window
    found = [dict(row) for row in await db.fetch(_TIMELINE, lead_id, limit, offset)]
    keyed = await db.fetch_one(_KEY, lead_id)
    assert keyed is not None
    totals = [entry.pop("total") for entry in found]
    for entry in found:
        for side in ("before", "after"):
            if entry["kind"] == "change" and entry[side]:
                entry[side] = _said(db.vault.open_values(keyed["person_key"], entry[side]))
    if not found and offset:
        (first,) = (await timeline(db, lead_id, (1, 0)))[1:]
        return [], first
    return found, totals[0] if totals else 0


def _said(values: Mapping[str, Any]) -> dict[str, Any]:
    """Without what is empty before and after: a new lead has many fields that say nothing."""
    return {name: value for name, value in values.items() if value not in (None, [], {})}
