{{ config(unique_key='expense_id') }}

with

landed as (

    {{ landed('expenses') }}

)

select
    id as expense_id,
    tenant_id,
    category,
    vehicle_id,
    campaign_id,
    vendor,
    amount_cents,
    currency,
    spent_date,
    _source,
    _load,
    _change_xid,
    _deleted
from landed
