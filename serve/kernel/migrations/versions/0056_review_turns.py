"""Jobs that are done are noted, where the tenant has their customers asked for a review."""

from serve.kernel.migrations.guards import guard_tenant_table, run

revision, down_revision, branch_labels, depends_on = "0056", "0055", None, None
TURNS = """
create table review_turns (
    id uuid primary key default uuidv7(),
    tenant_id uuid not null references tenants,
    job_id uuid not null,
    done_at timestamptz not null,
    ask_at timestamptz,
    outcome text,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    change_xid bigint not null default (pg_current_xact_id()::text)::bigint,
    unique (tenant_id, id),
    unique (tenant_id, job_id),
    foreign key (tenant_id, job_id) references jobs (tenant_id, id) on delete cascade
);
create index review_turns_ask_at_idx on review_turns (ask_at) where ask_at is not null
"""
FUNCTIONS = """
create policy owner_all on review_turns to throughline_owner using (true) with check (true);

-- Of many jobs at once, and of none where nobody has set it: the pipeline loads jobs by the hundred thousand. What was
-- done long ago and is only now written down is no reason to ask.
create function note_jobs_done() returns trigger language plpgsql security definer
set search_path = public, pg_temp as $$
declare
    known uuid[] := '{}';
begin
    if tg_op = 'UPDATE' then
        select coalesce(array_agg(o.id), '{}') into known from was o where o.status = 'completed';
    end if;
    insert into review_turns (tenant_id, job_id, done_at, ask_at)
    select j.tenant_id, j.id, coalesce(j.completed_at, now()),
        greatest(coalesce(j.completed_at, now()), now() - interval '2 days')
            + make_interval(hours => (s."values" ->> 'ask_after_h')::integer)
    from written j
    join settings s on s.tenant_id = j.tenant_id and s.user_id is null and s.category = 'reviews'
        and (s."values" ->> 'ask_after_h') is not null
    where j.status = 'completed' and coalesce(j.completed_at, now()) > now() - interval '2 days'
        and j.id <> all (known)
    on conflict (tenant_id, job_id) do nothing;
    return null;
end
$$;
revoke all on function note_jobs_done from public;
create trigger note_new_jobs_done after insert on jobs referencing new table as written
for each statement execute function note_jobs_done();
create trigger note_jobs_done after update on jobs referencing old table as was new table as written
for each statement execute function note_jobs_done();

-- Of every tenant that is at work: ids alone, for the worker's clock.
create function jobs_to_ask_about(p_moment timestamptz, p_most integer)
returns table (job_id uuid, tenant_id uuid)
language sql stable security definer set search_path = public, pg_temp as $$
    select t.job_id, t.tenant_id from review_turns t
    where t.ask_at <= p_moment and t.tenant_id not in (select id from tenants where state <> 'active')
    order by t.ask_at limit p_most
$$;
revoke all on function jobs_to_ask_about from public;
grant execute on function jobs_to_ask_about to throughline_worker;
"""


def upgrade() -> None:
    run(TURNS)
    guard_tenant_table("review_turns", extracted=False)
    run(FUNCTIONS)


def downgrade() -> None:
    run("drop trigger note_jobs_done on jobs; drop trigger note_new_jobs_done on jobs")
    run("drop function note_jobs_done; drop function jobs_to_ask_about")
    run("drop table review_turns")
