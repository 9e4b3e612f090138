{#- Jobs name no vehicle; the provider's trips of the day do. The vehicle driven farthest takes the job. -#}
with

daily_km as (

    select
        tenant_id,
        provider_id,
        vehicle_id,
        {{ utc_date('started_at') }} as date,
        sum(distance_km) as distance_km
    from {{ ref('fct_trips') }}
    where provider_id is not null
    group by all

),

driven as (

    select *
    from daily_km
    qualify row_number() over (
        partition by tenant_id, provider_id, date order by distance_km desc, vehicle_id
    ) = 1

)

select
    jobs.tenant_id,
    jobs.job_id,
    driven.vehicle_id,
    jobs.completed_at,
    jobs.price_cents
from {{ ref('fct_jobs') }} as jobs
inner join driven
    on
        jobs.tenant_id = driven.tenant_id
        and jobs.provider_id = driven.provider_id
        and {{ utc_date('coalesce(jobs.started_at, jobs.completed_at)') }} = driven.date
where jobs.status = 'completed' and jobs.completed_at is not null
