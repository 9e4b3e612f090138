{{ config(unique_key='account_id') }}

with

landed as (

    {{ landed('accounts') }}

)

select
    id as account_id,
    tenant_id,
    kind,
    company_name as account_name,
    segment,
    status,
    zone_id,
    city,
    country,
    since_date,
    churned_at,
    snapshot_date,
    attributes,
    created_at,
    deleted_at,
    _source,
    _load,
    _change_xid,
    _deleted
from landed
