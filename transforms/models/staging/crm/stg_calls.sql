{{ config(unique_key='call_id') }}

with

landed as (

    {{ landed('calls', softly=true) }}

)

select
    id as call_id,
    tenant_id,
    direction,
    contact_id,
    account_id,
    job_id,
    user_id,
    started_at,
    duration_s,
    outcome,
    _source,
    _load,
    _change_xid,
    _deleted
from landed
