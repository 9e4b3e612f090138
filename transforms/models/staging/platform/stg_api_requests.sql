{{ config(unique_key='api_request_id') }}

with

landed as (

    {{ landed('api_requests') }}

)

select
    id as api_request_id,
    tenant_id,
    user_id,
    method,
    route,
    status,
    duration_ms,
    request_bytes,
    response_bytes,
    requested_at,
    _source,
    _load,
    _change_xid,
    _deleted
from landed
