with

calls as (

    select
        calls.* exclude (account_id, _source, _load, _change_xid, _deleted),
        coalesce(calls.account_id, contacts.account_id) as account_id,
        {{ utc_date('calls.started_at') }} as started_date,
        calls.outcome = 'answered' as is_answered,
        calls.direction = 'inbound' and calls.outcome <> 'answered' as is_missed,
        case when calls.outcome = 'answered' then calls.duration_s else 0 end as talk_s
    from {{ ref('stg_calls') }} as calls
    left join {{ ref('stg_contacts') }} as contacts
        on calls.tenant_id = contacts.tenant_id and calls.contact_id = contacts.contact_id

),

called_back as (

    -- An outgoing call days later is about something else.
    select
        missed.call_id,
        min(later.started_at) as returned_at
    from calls as missed
    inner join calls as later
        on
            missed.tenant_id = later.tenant_id
            and missed.contact_id = later.contact_id
            and later.direction = 'outbound'
            and later.started_at > missed.started_at
            and later.started_at <= missed.started_at + interval 72 hour
    where missed.is_missed
    group by missed.call_id

)

select
    calls.*,
    called_back.returned_at,
    {{ hours_between('calls.started_at', 'called_back.returned_at') }} as return_hours
from calls
left join called_back on calls.call_id = called_back.call_id
