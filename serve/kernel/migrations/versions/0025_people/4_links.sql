-- A link that went by a tenant's own mail server was read by whoever runs that server: it proves nothing of the address.
-- Which way the open ones went nobody has noted.
alter table account_tokens add is_seen_by_tenant boolean not null default false;
update account_tokens set is_seen_by_tenant = true where tenant_id is not null;

create function note_seen_by_tenant(p_tenant_id uuid, p_email text) returns void
language sql volatile security definer set search_path = public, pg_temp as $$
    update account_tokens t set is_seen_by_tenant = true
    where t.tenant_id = p_tenant_id and lower(t.email) = lower(p_email) and not t.is_seen_by_tenant
$$;

drop function take_account_token;
-- The token as it stands, whether used or over; `p_spend` uses it up, once.
create function take_account_token(p_hash bytea, p_purpose text, p_spend boolean)
returns table (user_id uuid, tenant_id uuid, subject_id uuid, email text, detail jsonb, expires_at timestamptz,
    used_at timestamptz, is_seen_by_tenant boolean)
language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
    token account_tokens;
begin
    if p_spend then
        select * into token from account_tokens t where t.hash = p_hash and t.purpose = p_purpose for update;
    else
        select * into token from account_tokens t where t.hash = p_hash and t.purpose = p_purpose;
    end if;
    if not found then
        return;
    end if;
    if p_spend and token.used_at is null and token.expires_at > now() then
        update account_tokens t set used_at = now() where t.hash = p_hash;
    end if;
    return query select token.user_id, token.tenant_id, token.subject_id, token.email, token.detail, token.expires_at,
        token.used_at, token.is_seen_by_tenant;
end
$$;

revoke all on function note_seen_by_tenant, take_account_token from public;
grant execute on function take_account_token to throughline_api;
grant execute on function note_seen_by_tenant to throughline_worker;
