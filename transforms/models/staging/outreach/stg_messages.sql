{{ config(unique_key='message_id') }}

with

landed as (

    {{ landed('messages') }}

)

select
    id as message_id,
    tenant_id,
    account_id,
    lead_id,
    job_id,
    channel,
    direction,
    sent_at,
    length_chars,
    replied_at,
    _source,
    _load,
    _change_xid,
    _deleted
from landed
