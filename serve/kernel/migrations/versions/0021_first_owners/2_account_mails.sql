drop function take_account_mail(interval);

-- The next mail that is due. Nobody else takes it within p_lease: whoever dies with it in hand has not lost it. Those of
-- the kinds p_waiting wait for as long as their tenant stands still.
create function take_account_mail(p_lease interval, p_waiting text[])
returns table (
    id uuid, kind text, tenant_id uuid, user_id uuid, content bytea, attempts integer, created_at timestamptz, is_held boolean
)
language sql volatile security definer set search_path = public, pg_temp as $$
    with next as (
        select x.id, t.state is not null as is_held
        from account_mails x left join tenants t on t.id = x.tenant_id and t.state in ('suspended', 'closing', 'closed')
        where x.state = 'queued' and x.not_before <= now() and (t.state is null or x.kind <> all (p_waiting))
        order by x.not_before limit 1 for update of x skip locked
    )
    update account_mails m set not_before = now() + p_lease, attempts = m.attempts + 1
    from next where m.id = next.id
    returning m.id, m.kind, m.tenant_id, m.user_id, m.content, m.attempts, m.created_at, next.is_held
$$;

revoke all on function take_account_mail from public;
grant execute on function take_account_mail to throughline_worker;
