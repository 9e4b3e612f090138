select
    tenant_id,
    {{ month_of('invited_date') }} as month,
    count(*) as invited_count,
    count(accepted_at) as accepted_count,
    count(first_active_date) as came_count,
    count(*) filter (where is_activated) as activated_count,
    count(is_activated) as judged_count,
    count(*) filter (where is_activated) / nullif(count(is_activated), 0) as activation_share
from {{ ref('invitation_results') }}
group by all
