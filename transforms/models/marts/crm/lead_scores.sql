select
    scores.tenant_id,
    scores.lead_id,
    scores.score,
    {{ band('scores.score', high=0.5, medium=0.2, names=('hot', 'warm', 'cold')) }} as band,
    scores.reasons,
    leads.status,
    leads.source,
    leads.created_date,
    scores.model_version
from {{ source('ml', 'lead_score') }} as scores
inner join {{ ref('fct_leads') }} as leads using (tenant_id, lead_id)
