{#- A view: both halves are tables of this grain, and a third copy of fifty columns would only cost. -#}
{{ config(materialized='view') }}

select
    days.tenant_id,
    days.vehicle_id,
    cast(days.recorded_date + 1 as timestamptz) as as_of_at,
    days.reading_count as reading_count_24h,
    {%- for sensor in ['vibration', 'temperature', 'pressure', 'voltage', 'rpm'] %}
    {%- for window in ['mean_3h', 'mean_24h', 'sd_24h', 'mean_7d', 'delta_7d', 'slope_14d'] %}
    days.{{ sensor }}_{{ window }},
    {%- endfor %}
    {%- endfor %}
    days.error_count_24h,
    days.error_count_7d,
    days.odometer_km,
    days.km_7d,
    date_diff('day', vehicles.acquired_date, days.recorded_date + 1) as age_days,
    history.days_since_service,
    history.km_since_service,
    history.failures_365d,
    vehicles.kind,
    vehicles.make,
    vehicles.model,
    history.next_failure_at,
    clock.data_until_at as known_until_at
from {{ ref('int_vehicle_windows') }} as days
inner join {{ ref('int_vehicle_history') }} as history using (tenant_id, vehicle_id, recorded_date)
inner join {{ ref('dim_vehicles') }} as vehicles using (tenant_id, vehicle_id)
inner join {{ ref('int_tenant_clock') }} as clock using (tenant_id)
