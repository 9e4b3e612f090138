with

invitations as (

    select
        * exclude (_source, _load, _change_xid, _deleted, deleted_at),
        {{ utc_date('created_at') }} as invited_date,
        {{ utc_date('accepted_at') }} as accepted_date,
        {{ utc_date('expires_at') }} as expires_date
    from {{ ref('stg_invitations') }}
    where deleted_at is null

),

first_days as (

    select
        invitations.invitation_id,
        min(days.date) as first_active_date,
        count(*) filter (where days.date < invitations.accepted_date + 28) as active_day_count_28d
    from invitations
    inner join {{ ref('int_people_days') }} as days
        on invitations.tenant_id = days.tenant_id
            and invitations.accepted_by = days.user_id
            and invitations.accepted_date <= days.date
    group by invitations.invitation_id

),

judged as (

    select
        invitations.*,
        first_days.first_active_date,
        case when accepted_date is not null then coalesce(first_days.active_day_count_28d, 0) end
            as active_day_count_28d,
        case
            when accepted_at is not null then 'accepted'
            when revoked_at is not null then 'revoked'
            when expires_date < clock.data_until_date then 'expired'
            else 'open'
        end as status,
        coalesce(accepted_date + 28 <= clock.data_until_date, false) as is_past_28d
    from invitations
    left join first_days using (invitation_id)
    left join {{ ref('int_identity_clock') }} as clock using (tenant_id)

)

select
    * exclude (is_past_28d),
    case
        when active_day_count_28d >= 3 then true
        when status in ('revoked', 'expired') or is_past_28d then false
    end as is_activated
from judged
