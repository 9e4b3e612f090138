with

uses as (

    select tenant_id, vehicle_id, started_date as date from {{ ref('fct_trips') }}
    union all
    select tenant_id, vehicle_id, recorded_date as date from {{ ref('fct_vehicle_days') }}
    union all
    select tenant_id, vehicle_id, opened_date as date from {{ ref('fct_work_orders') }}

),

used as (

    select tenant_id, vehicle_id, min(date) as first_date, max(date) as last_date
    from uses
    group by all

)

select
    vehicles.tenant_id,
    vehicles.vehicle_id,
    coalesce(vehicles.acquired_date, used.first_date) as joined_date,
    case
        when vehicles.status = 'retired'
            then greatest(used.last_date, vehicles.acquired_date)
    end as retired_date,
    vehicles.acquired_date,
    vehicles.acquisition_cost_cents
from {{ ref('dim_vehicles') }} as vehicles
left join used using (tenant_id, vehicle_id)
