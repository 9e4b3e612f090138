select
    tenant_id,
    date,
    cast(forecast_cents as bigint) as forecast_cents,
    cast(lower_cents as bigint) as lower_cents,
    cast(upper_cents as bigint) as upper_cents,
    model_name,
    model_version,
    made_on_date
from {{ source('ml', 'revenue_forecast') }}
qualify row_number() over (partition by tenant_id, date order by made_on_date desc, model_version desc) = 1
