"""Which rows of people may be one person, and the functions by which the matching reads people and writes pairs."""

from pathlib import Path

from serve.kernel.migrations.guards import create_resource, guard_tenant_table, run

revision = "0051"
down_revision = "0050"
branch_labels = None
depends_on = None

SQL = Path(__file__).with_suffix("")
KINDS = "('contact', 'lead', 'user', 'employee', 'provider')"
LINKS = f"""
    left_kind text not null check (left_kind in {KINDS}),
    left_id uuid not null,
    right_kind text not null check (right_kind in {KINDS}),
    right_id uuid not null,
    probability double precision not null check (probability between 0 and 1),
    evidence jsonb not null default '{{}}' check (
        jsonb_typeof(evidence) = 'object'
        and evidence - array['name', 'email', 'phone', 'company', 'city'] = '{{}}'::jsonb
        and not jsonb_path_exists(evidence, '$.* ? (@.type() <> "number" || @ > 1000 || @ < -1000)')
    ),
    model_version text not null,
    found_at timestamptz not null,
    state text not null default 'proposed' check (state in ('proposed', 'confirmed', 'refused')),
    decided_by uuid references users on delete set null,
    decided_at timestamptz,
    keys bytea,
    constraint person_links_in_order_check check (left_id < right_id)
"""
MATCHINGS = """
create table person_matchings (
    id uuid primary key default uuidv7(),
    tenant_id uuid not null references tenants,
    matched_at timestamptz not null,
    people_count integer not null,
    pair_count integer not null,
    model_version text not null,
    digest bytea,
    not_matched_because text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    change_xid bigint not null default (pg_current_xact_id()::text)::bigint,
    unique (tenant_id, id),
    unique (tenant_id)
)
"""
FOLLOWED = {"contacts": "contact", "leads": "lead", "employees": "employee"}
"""Tables whose rows can be deleted and brought back."""


def upgrade() -> None:
    create_resource("person_links", LINKS, entity="person_link", unrecorded=("keys",), extracted=False)
    run("create unique index person_links_pair_key on person_links (tenant_id, left_id, right_id)")
    run("create index on person_links (tenant_id, right_id)")
    run("create index on person_links (tenant_id, state, probability, id) where deleted_at is null")
    run(MATCHINGS)
    guard_tenant_table("person_matchings", extracted=False)
    run((SQL / "0_functions.sql").read_text())
    for table, kind in FOLLOWED.items():
        run(
            f"create trigger links_follow after update of deleted_at on {table} for each row"
            " when ((old.deleted_at is null) <> (new.deleted_at is null))"
            f" execute function person_links_follow('{kind}')"
        )
    for table, kind in {**FOLLOWED, "providers": "provider"}.items():
        run(
            f"create trigger links_go after delete on {table} for each row"
            f" execute function person_links_go('{kind}', 'id')"
        )
    run(
        "create trigger links_go after delete on memberships for each row"
        " execute function person_links_go('user', 'user_id')"
    )


def downgrade() -> None:
    for table in FOLLOWED:
        run(f"drop trigger links_follow on {table}")
    for table in (*FOLLOWED, "providers", "memberships"):
        run(f"drop trigger links_go on {table}")
    run("drop function match_tenants, match_people, keep_person_links, note_not_matched")
    run("drop function person_link_keys, people_users, person_links_follow, person_links_go")
    run("drop view compared_people")
    run("drop table person_links, person_matchings")
