select
    tenant_id,
    vehicle_id,
    month,
    planned_h + unplanned_h as downtime_h,
    failure_count,
    planned_h,
    unplanned_h,
    in_service_h,
    -- Two repairs at once can add up to more hours than the month has.
    case
        when (planned_h + unplanned_h) / in_service_h is not null
            then greatest(0, 1 - (planned_h + unplanned_h) / in_service_h)
    end as availability_share
from {{ ref('int_vehicle_monthly') }}
where in_service_h is not null or planned_h + unplanned_h > 0 or failure_count > 0
