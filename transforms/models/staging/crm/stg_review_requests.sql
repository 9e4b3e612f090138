{{ config(unique_key='review_request_id') }}

with

landed as (

    {{ landed('review_requests', softly=true) }}

)

select
    id as review_request_id,
    tenant_id,
    contact_id,
    job_id,
    channel,
    status,
    send_at,
    sent_at,
    opened_at,
    expires_at,
    answered_at,
    answered_by,
    rating,
    cancelled_at,
    created_at,
    _source,
    _load,
    _change_xid,
    _deleted
from landed
