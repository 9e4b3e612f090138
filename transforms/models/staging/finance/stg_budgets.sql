{{ config(unique_key='budget_id') }}

with

landed as (

    {{ landed('budgets') }}

)

select
    id as budget_id,
    tenant_id,
    category,
    month,
    amount_cents,
    currency,
    _source,
    _load,
    _change_xid,
    _deleted
from landed
