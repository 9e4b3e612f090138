select
    user_id,
    tenant_id,
    role,
    created_at as joined_at
from {{ ref('stg_memberships') }}
qualify row_number() over (partition by tenant_id, user_id order by created_at desc, membership_id) = 1
