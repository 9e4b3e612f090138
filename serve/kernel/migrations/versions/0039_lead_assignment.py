"""Rules by which leads get owners; leads that wait for one, new ones and those of people who left."""

from pathlib import Path

from serve.kernel.migrations.guards import create_resource, guard_tenant_table, record_events, run, unseen

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

SQL = Path(__file__).with_suffix("")
PERSON = ("full_name", "email", "phone")
SCORES = ("score", "score_reasons", "scored_at")
RULES = """
    name text not null, position integer not null default 100, is_active boolean not null default true,
    sources text[] not null default '{}', countries text[] not null default '{}',
    any_tags text[] not null default '{}', zone_ids jsonb not null default '[]'::jsonb,
    method text not null check (method in ('round_robin', 'least_open', 'user')), members jsonb not null,
    unique (tenant_id, name)
"""


def upgrade() -> None:
    create_resource(
        "lead_assignment_rules", RULES, entity="lead_assignment_rule", search=("name",), extracted=False
    )
    tables, functions = sorted(SQL.glob("*.sql"))
    run(tables.read_text())
    guard_tenant_table("lead_assignment_turns", extracted=False)
    # That a lead waits is no change of it.
    guard_tenant_table("leads", hidden=unseen("leads"), scores=(*SCORES, "assign_at"))
    record_events("leads", entity="lead", personal=PERSON, unrecorded=("assign_at",))
    run(functions.read_text())


def downgrade() -> None:
    run("drop trigger hand_on_leads on memberships; drop trigger wait_for_owner on leads")
    run("drop function hand_on_leads, wait_for_owner, tenants_with_leads_to_assign")
    run("drop table lead_assignment_turns, lead_assignment_rules")
    run("alter table leads drop column assign_at cascade")
    record_events("leads", entity="lead", personal=PERSON)
    guard_tenant_table("leads", hidden=unseen("leads"), scores=SCORES)
