-- What the model looks at has changed: some seconds later the lead is scored anew, however often it changes until then.
create function score_anew() returns trigger language plpgsql set search_path = public, pg_temp as $$
begin
    new.rescore_at := coalesce(new.rescore_at, now() + interval '10 seconds');
    return new;
end
$$;
revoke all on function score_anew from public;

-- Loads by the schema's owner are scored by the pipeline, which made them.
create trigger score_new before insert on leads
for each row when (session_user in ('throughline_api', 'throughline_worker')
    and new.status in ('new', 'contacted', 'qualified'))
execute function score_anew();
create trigger score_changed before update of source, cost_cents, company, first_replied_at, status on leads
for each row when (session_user in ('throughline_api', 'throughline_worker')
    and new.status in ('new', 'contacted', 'qualified')
    and (
        (old.source, old.cost_cents, old.company is null, old.first_replied_at)
        is distinct from (new.source, new.cost_cents, new.company is null, new.first_replied_at)
        or old.status in ('won', 'lost')
    ))
execute function score_anew();

create function score_lead_anew() returns trigger language plpgsql set search_path = public, pg_temp as $$
begin
    update leads set rescore_at = now() + interval '10 seconds'
    where id = coalesce(new.lead_id, old.lead_id) and rescore_at is null and deleted_at is null
        and status in ('new', 'contacted', 'qualified');
    return null;
end
$$;
revoke all on function score_lead_anew from public;

create trigger score_changed_activities after insert or delete or
    update of kind, happened_at, duration_s, deleted_at on lead_activities
for each row when (session_user in ('throughline_api', 'throughline_worker')) execute function score_lead_anew();

-- Tenants at work with leads to score: ids alone, for the worker's clock.
create function tenants_with_leads_to_score(p_moment timestamptz, p_most integer) returns table (tenant_id uuid)
language sql stable security definer set search_path = public, pg_temp as $$
    select distinct l.tenant_id from leads l
    where l.rescore_at <= p_moment and l.deleted_at is null
        and l.tenant_id not in (select id from tenants where state <> 'active')
    limit p_most
$$;
revoke all on function tenants_with_leads_to_score from public;
grant execute on function tenants_with_leads_to_score to throughline_worker;
