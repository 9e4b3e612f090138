{{ config(unique_key='subscription_id') }}

with

landed as (

    {{ landed('subscriptions') }}

)

select
    id as subscription_id,
    tenant_id,
    account_id,
    plan,
    status,
    mrr_cents,
    currency,
    started_date,
    cancelled_date,
    snapshot_date,
    attributes,
    _source,
    _load,
    _change_xid,
    _deleted
from landed
