with

deleted_vehicles as (

    select tenant_id, vehicle_id
    from {{ ref('stg_vehicles') }}
    where deleted_at is not null

),

documents as (

    select
        *,
        case when vehicle_id is not null then 'vehicle' else 'provider' end as subject_kind,
        coalesce(vehicle_id, provider_id) as subject_id
    from {{ ref('stg_compliance_documents') }}
    anti join deleted_vehicles using (tenant_id, vehicle_id)
    where vehicle_id is not null or provider_id is not null

),

-- A renewed paper is no longer anyone's concern: only the newest of its kind counts.
current_documents as (

    select *
    from documents
    qualify row_number() over (
        partition by tenant_id, subject_kind, subject_id, kind
        order by expires_date desc, issued_date desc, document_id
    ) = 1

),

dated as (

    select
        documents.*,
        date_diff('day', clock.data_until_date, documents.expires_date) as days_left
    from current_documents as documents
    inner join {{ ref('int_tenant_clock') }} as clock using (tenant_id)

)

select
    tenant_id,
    document_id,
    subject_kind,
    subject_id,
    kind,
    expires_date,
    days_left,
    case
        when status = 'revoked' or days_left < 0 then 'expired'
        when days_left <= 30 then 'expiring'
        else 'valid'
    end as state
from dated
