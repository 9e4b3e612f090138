"""Leads with an address get coordinates: where those come from, and which leads wait for them."""

from pathlib import Path

import sqlalchemy as sa
from alembic import op

from serve.kernel.migrations.guards import (
    column_names,
    generated_names,
    guard_tenant_table,
    record_events,
    run,
    unseen,
)

revision, down_revision, branch_labels, depends_on = "0061", "0060", None, None

SQL = Path(__file__).with_suffix("")
PERSON = ("full_name", "email", "phone")


def upgrade() -> None:
    scores, unrecorded = _unstamped(), _unrecorded()
    tables, functions = sorted(SQL.glob("*.sql"))
    run(tables.read_text())
    guard_tenant_table("geocoder_answers", extracted=False)
    # That somebody has looked in vain is no change of a lead, nor that leads wait one of a place.
    _guard([*scores, "located_at"], [*unrecorded, "located_at"])
    guard_tenant_table("locations", extracted=False, scores=("look_again_at",))
    record_events("locations", entity="location", unrecorded=("look_again_at",))
    run(functions.read_text())


def downgrade() -> None:
    scores, unrecorded = _unstamped(), _unrecorded()
    run("revoke execute on function take_rate(text[], double precision[], integer[]) from throughline_worker")
    run("revoke execute on function owe_rates(text[], double precision[]) from throughline_worker")
    run("drop function tenants_with_leads_to_locate; drop table geocoder_answers")
    run("drop policy owner_reads on locations; drop policy owner_reads on imports")
    run("drop trigger look_again on locations; drop function look_again")
    run("alter table locations drop column look_again_at cascade")
    guard_tenant_table("locations", extracted=False)
    record_events("locations", entity="location")
    run("drop trigger forget_place on leads; drop function forget_place")
    run("alter table leads drop column coordinates_source cascade, drop column located_at cascade")
    _guard(*([name for name in names if name != "located_at"] for names in (scores, unrecorded)))


def _guard(scores: list[str], unrecorded: list[str]) -> None:
    guard_tenant_table("leads", hidden=unseen("leads"), scores=scores)
    record_events("leads", entity="lead", personal=PERSON, unrecorded=unrecorded)


def _unstamped() -> list[str]:
    """Columns whose change is none of a lead, as it is by now."""
    asked = (
        "select a.attname from pg_trigger t, unnest(t.tgattr) n join pg_attribute a on a.attnum = n"
        " where t.tgname = 'stamp_change' and t.tgrelid = 'leads'::regclass and a.attrelid = t.tgrelid"
    )
    stamped = {*op.get_bind().scalars(sa.text(asked))}
    return sorted({*column_names("leads")} - stamped - generated_names("leads"))


def _unrecorded() -> list[str]:
    """Columns that stay out of the events of leads, beside those of every table."""
    trigger = "select tgargs from pg_trigger where tgname = 'record_created' and tgrelid = 'leads'::regclass"
    named = bytes(op.get_bind().execute(sa.text(trigger)).scalar_one()).decode().split("\0")[2]
    return [name for name in named.split(",") if name not in ("created_at", "person_key", "search_text")]
