{{ config(unique_key='reply_id') }}

with

landed as (

    {{ landed('ticket_replies', softly=true) }}

)

select
    id as reply_id,
    tenant_id,
    ticket_id,
    kind,
    author,
    author_id,
    created_at,
    _source,
    _load,
    _change_xid,
    _deleted
from landed
