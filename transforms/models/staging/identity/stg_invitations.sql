{{ config(unique_key='invitation_id') }}

with

landed as (

    {{ landed('invitations') }}

)

select
    id as invitation_id,
    tenant_id,
    role,
    accepted_by,
    sent_count,
    sent_at,
    expires_at,
    accepted_at,
    revoked_at,
    created_at,
    deleted_at,
    _source,
    _load,
    _change_xid,
    _deleted
from landed
