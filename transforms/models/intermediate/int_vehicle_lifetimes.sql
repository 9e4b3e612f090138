with

last_uses as (

    select tenant_id, vehicle_id, max(started_date) as last_date
    from {{ ref('fct_trips') }}
    group by all

    union all

    select tenant_id, vehicle_id, max(recorded_date) as last_date
    from {{ ref('fct_vehicle_days') }}
    group by all

),

last_dates as (

    select tenant_id, vehicle_id, max(last_date) as last_date
    from last_uses
    group by all

)

select
    vehicles.tenant_id,
    vehicles.vehicle_id,
    vehicles.acquired_date,
    vehicles.acquisition_cost_cents,
    case
        when vehicles.status = 'retired' then coalesce(last_dates.last_date, vehicles.acquired_date)
    end as retired_date
from {{ ref('dim_vehicles') }} as vehicles
left join last_dates using (tenant_id, vehicle_id)
