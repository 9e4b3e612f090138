{{ config(unique_key='job_status_change_id') }}

with

landed as (

    {{ landed('job_status_changes') }}

)

select
    id as job_status_change_id,
    tenant_id,
    job_id,
    from_status,
    to_status,
    changed_at,
    changed_by,
    _source,
    _load,
    _change_xid,
    _deleted
from landed
