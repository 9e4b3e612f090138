with

scores as (

    select *
    from {{ source('ml', 'vehicle_failure') }}
    qualify row_number() over (partition by tenant_id, vehicle_id order by as_of_at desc) = 1

)

select
    scores.tenant_id,
    scores.vehicle_id,
    scores.as_of_at,
    scores.failure_score,
    scores.horizon_h,
    {{ band('scores.failure_score', high='scores.threshold', medium='scores.threshold / 2') }} as risk_band,
    scores.reasons,
    cast(scores.expected_cost_cents as bigint) as expected_cost_cents,
    case
        when scores.failure_score >= scores.threshold
            then cast(scores.as_of_at + to_hours(cast(scores.horizon_h as bigint)) as date)
    end as recommended_by_date,
    vehicles.registration,
    vehicles.make,
    vehicles.model,
    scores.model_version
from scores
inner join {{ ref('dim_vehicles') }} as vehicles using (tenant_id, vehicle_id)
