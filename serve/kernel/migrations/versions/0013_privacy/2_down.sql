-- The chain and the view as they were before; what was struck out stays struck out, and its seals hold no more.
create or replace function batch_hash(p_tenant uuid, p_previous bytea, p_after_xid bigint, p_after_position bigint,
    p_until_xid bigint, p_until_position bigint, out hash bytea, out event_count integer)
language sql stable set search_path = public, pg_temp as $$
    select
        sha256(p_previous || coalesce(
            string_agg(sha256(convert_to(event_text(e), 'UTF8')), ''::bytea order by e.change_xid, e.position), ''
        )),
        count(*)::integer
    from events e
    where e.tenant_id = p_tenant
        and (e.change_xid, e.position) > (p_after_xid, p_after_position)
        and (e.change_xid, e.position) <= (p_until_xid, p_until_position)
$$;

create or replace view persons as
select id, 'contact' as kind, tenant_id, full_name, email, phone, change_xid from contacts
union all
select id, 'lead', tenant_id, full_name, email, phone, change_xid from leads
union all
select id, 'provider', tenant_id, full_name, email, phone, change_xid from providers
union all
select id, 'account', tenant_id, case when kind = 'household' then name end, null, null, change_xid from accounts;

drop function struck_out, redact_events, privacy_account, privacy_owned_alone, privacy_forget_member,
    privacy_forget_addresses, privacy_erase_account;
alter table events drop column redacted_hash;
