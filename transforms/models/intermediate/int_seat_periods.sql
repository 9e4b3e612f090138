with

-- What somebody was at the end of a day counts.
last_of_days as (

    select
        tenant_id,
        user_id,
        {{ utc_date('happened_at') }} as from_date,
        role,
        state
    from {{ ref('stg_seat_changes') }}
    qualify row_number() over (
        partition by tenant_id, user_id, {{ utc_date('happened_at') }}
        order by happened_at desc, _change_xid desc, seat_change_id desc
    ) = 1

)

select
    tenant_id,
    user_id,
    from_date,
    lead(from_date) over (partition by tenant_id, user_id order by from_date) as until_date,
    role,
    state
from last_of_days
