{#- Sessions go on by themselves, so that who works here every day may not log in for months: requests count, too. -#}
with

active as (

    select
        tenant_id,
        user_id,
        signed_in_date as date
    from {{ ref('fct_sign_ins') }}
    where has_succeeded
    union
    select
        tenant_id,
        user_id,
        requested_date as date
    from {{ ref('fct_api_requests') }}
    where user_id is not null

),

customers as (

    select
        tenant_id,
        user_id
    from {{ ref('int_seat_periods') }}
    where role = 'customer' and until_date is null

)

select
    tenant_id,
    user_id,
    date,
    lead(date) over (partition by tenant_id, user_id order by date) as next_date
from active
anti join customers using (tenant_id, user_id)
