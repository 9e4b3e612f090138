-- What the person has. Recovery codes alone are no factor: they stand in for one.
create function auth_second_factors(p_user_id uuid)
returns table (
    totp_since timestamptz, totp_used_at timestamptz, passkey_count integer, recovery_code_count integer,
    recovery_codes_since timestamptz
)
language sql stable security definer set search_path = public, pg_temp as $$
    select t.confirmed_at, t.last_used_at,
        (select count(*)::integer from passkeys k where k.user_id = p_user_id),
        (select count(*)::integer from recovery_codes c where c.user_id = p_user_id and c.used_at is null),
        (select max(c.created_at) from recovery_codes c where c.user_id = p_user_id)
    from (select p_user_id as user_id) person
    left join totp_secrets t on t.user_id = person.user_id and t.confirmed_at is not null
$$;

-- A secret that counts once a code of it has been right. False when the person has one that counts.
create function auth_begin_totp(p_user_id uuid, p_sealed_secret bytea) returns boolean
language sql volatile security definer set search_path = public, pg_temp as $$
    insert into totp_secrets as t (user_id, sealed_secret) values (p_user_id, p_sealed_secret)
    on conflict (user_id) do update set sealed_secret = excluded.sealed_secret, created_at = now()
    where t.confirmed_at is null
    returning true
$$;

-- The person's secret. Its row stays locked, so that two codes at the same time are looked at one after the other.
create function auth_totp(p_user_id uuid)
returns table (sealed_secret bytea, confirmed_at timestamptz, last_step bigint, full_at_s double precision, told_at timestamptz)
language sql volatile security definer set search_path = public, pg_temp as $$
    select t.sealed_secret, t.confirmed_at, t.last_step, t.full_at_s, t.told_at
    from totp_secrets t where t.user_id = p_user_id for update
$$;

-- A code was tried: right, and of that step, or wrong (null). `p_full_at_s` is what wrong ones owe from now on.
create function auth_totp_tried(p_user_id uuid, p_step bigint, p_full_at_s double precision, p_told boolean) returns void
language sql volatile security definer set search_path = public, pg_temp as $$
    update totp_secrets t set
        last_step = coalesce(p_step, t.last_step),
        last_used_at = case when p_step is null then t.last_used_at else now() end,
        confirmed_at = coalesce(t.confirmed_at, case when p_step is not null then now() end),
        full_at_s = p_full_at_s,
        told_at = case when p_told then now() else t.told_at end
    where t.user_id = p_user_id
$$;

create function auth_drop_totp(p_user_id uuid) returns boolean
language sql volatile security definer set search_path = public, pg_temp as $$
    delete from totp_secrets where user_id = p_user_id and confirmed_at is not null returning true
$$;

-- These from now on, and no others.
create function auth_keep_recovery_codes(p_user_id uuid, p_hashes bytea[]) returns void
language sql volatile security definer set search_path = public, pg_temp as $$
    delete from recovery_codes where user_id = p_user_id;
    insert into recovery_codes (user_id, hash) select p_user_id, unnest(p_hashes);
$$;

create function auth_spend_recovery_code(p_user_id uuid, p_hash bytea) returns boolean
language sql volatile security definer set search_path = public, pg_temp as $$
    update recovery_codes set used_at = now()
    where user_id = p_user_id and hash = p_hash and used_at is null
    returning true
$$;

-- By what authenticators know the person: random, for good, the offered one when there is none yet.
create function auth_passkey_handle(p_user_id uuid, p_offered bytea) returns bytea
language sql volatile security definer set search_path = public, pg_temp as $$
    insert into passkey_handles (user_id, handle) values (p_user_id, p_offered) on conflict (user_id) do nothing;
    select h.handle from passkey_handles h where h.user_id = p_user_id;
$$;

-- `p_user_id` may register a passkey with it; without one it is for signing in.
create function auth_keep_challenge(p_hash bytea, p_user_id uuid, p_life interval) returns void
language sql volatile security definer set search_path = public, pg_temp as $$
    insert into passkey_challenges (hash, user_id, expires_at) values (p_hash, p_user_id, clock_timestamp() + p_life)
$$;

-- Works once, and not after its end; no row when nobody knows it.
create function auth_spend_challenge(p_hash bytea) returns table (user_id uuid)
language sql volatile security definer set search_path = public, pg_temp as $$
    with spent as (delete from passkey_challenges c where c.hash = p_hash returning c.user_id, c.expires_at)
    select s.user_id from spent s where s.expires_at > clock_timestamp()
$$;

create function auth_passkeys(p_user_id uuid)
returns table (
    id uuid, name text, credential_id bytea, transports text[], is_synced boolean, created_at timestamptz,
    last_used_at timestamptz
)
language sql stable security definer set search_path = public, pg_temp as $$
    select k.id, k.name, k.credential_id, k.transports, k.is_synced, k.created_at, k.last_used_at
    from passkeys k where k.user_id = p_user_id order by k.id
$$;

-- No row when that credential is registered already, to whomever.
create function auth_keep_passkey(
    p_user_id uuid, p_credential_id bytea, p_public_key bytea, p_sign_count bigint, p_name text, p_transports text[],
    p_is_synced boolean
) returns uuid
language sql volatile security definer set search_path = public, pg_temp as $$
    insert into passkeys (user_id, credential_id, public_key, sign_count, name, transports, is_synced)
    values (p_user_id, p_credential_id, p_public_key, p_sign_count, p_name, p_transports, p_is_synced)
    on conflict (credential_id) do nothing
    returning id
$$;

-- Whose passkey it is. Its row stays locked, so that its counter is looked at by one sign-in after the other.
create function auth_passkey(p_credential_id bytea)
returns table (id uuid, user_id uuid, handle bytea, public_key bytea, sign_count bigint, name text)
language sql volatile security definer set search_path = public, pg_temp as $$
    select k.id, k.user_id, h.handle, k.public_key, k.sign_count, k.name
    from passkeys k join passkey_handles h on h.user_id = k.user_id
    where k.credential_id = p_credential_id for update of k
$$;

create function auth_passkey_used(p_id uuid, p_sign_count bigint, p_is_synced boolean) returns void
language sql volatile security definer set search_path = public, pg_temp as $$
    update passkeys set sign_count = p_sign_count, is_synced = p_is_synced, last_used_at = now() where id = p_id
$$;

create function auth_rename_passkey(p_user_id uuid, p_id uuid, p_name text) returns boolean
language sql volatile security definer set search_path = public, pg_temp as $$
    update passkeys set name = p_name where id = p_id and user_id = p_user_id returning true
$$;

-- The name that it had; no row when the person has no such passkey.
create function auth_drop_passkey(p_user_id uuid, p_id uuid) returns text
language sql volatile security definer set search_path = public, pg_temp as $$
    delete from passkeys where id = p_id and user_id = p_user_id returning name
$$;

-- Takes all second factors from somebody who works for the caller's tenant and for no other. How many there were; -1 when
-- the person works for others too, nothing when the person does not work here.
create function reset_second_factors(p_user_id uuid) returns integer
language plpgsql volatile security definer set search_path = public, pg_temp as $$
declare
    mine constant uuid := nullif(current_setting('app.tenant_id', true), '')::uuid;
    totp integer;
    keys integer;
begin
    perform 1 from memberships m where m.user_id = p_user_id and m.tenant_id = mine;
    if not found then
        return null;
    end if;
    perform 1 from memberships m where m.user_id = p_user_id and m.tenant_id <> mine;
    if found then
        return -1;
    end if;
    delete from recovery_codes where user_id = p_user_id;
    delete from totp_secrets where user_id = p_user_id and confirmed_at is not null;
    get diagnostics totp = row_count;
    delete from passkeys where user_id = p_user_id;
    get diagnostics keys = row_count;
    return totp + keys;
end
$$;

-- Of whom the tenant asks a second factor; empty when nobody has said.
create function auth_second_factor_demand(p_tenant_id uuid) returns text
language sql stable security definer set search_path = public, pg_temp as $$
    select s.values ->> 'second_factor' from settings s
    where s.tenant_id = p_tenant_id and s.user_id is null and s.category = 'security'
$$;

create function forget_challenges() returns void
language sql volatile security definer set search_path = public, pg_temp as $$
    delete from passkey_challenges where expires_at < clock_timestamp()
$$;

revoke all on function auth_second_factors, auth_begin_totp, auth_totp, auth_totp_tried, auth_drop_totp,
    auth_keep_recovery_codes, auth_spend_recovery_code, auth_passkey_handle, auth_keep_challenge, auth_spend_challenge,
    auth_passkeys, auth_keep_passkey, auth_passkey, auth_passkey_used, auth_rename_passkey, auth_drop_passkey,
    reset_second_factors, auth_second_factor_demand, forget_challenges from public;
grant execute on function auth_second_factors, auth_begin_totp, auth_totp, auth_totp_tried, auth_drop_totp,
    auth_keep_recovery_codes, auth_spend_recovery_code, auth_passkey_handle, auth_keep_challenge, auth_spend_challenge,
    auth_passkeys, auth_keep_passkey, auth_passkey, auth_passkey_used, auth_rename_passkey, auth_drop_passkey,
    reset_second_factors, auth_second_factor_demand to throughline_api;
grant execute on function forget_challenges to throughline_worker;
