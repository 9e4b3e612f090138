create table brand_versions (
    id uuid primary key default uuidv7(),
    tenant_id uuid not null references tenants,
    number integer not null check (number > 0),
    content jsonb not null,
    note text,
    made_by uuid,
    restored_from integer,
    is_published boolean not null default false,
    published_at timestamptz,
    created_at timestamptz not null default now(),
    updated_at timestamptz not null default now(),
    change_xid bigint not null default (pg_current_xact_id()::text)::bigint,
    unique (tenant_id, id),
    unique (tenant_id, number)
);
create unique index brand_versions_one_published_key on brand_versions (tenant_id) where is_published;

-- Settings that nothing was shown in become drafts.
alter table settings no force row level security; -- of all tenants, as the schema's owner
insert into brand_versions (tenant_id, number, content, note)
select
    tenant_id, 1,
    jsonb_build_object(
        'branding', jsonb_strip_nulls(jsonb_build_object(
            'product_name', case when values ->> 'product_name' !~ '[<>{}\\]' then left(values ->> 'product_name', 60) end,
            'light', jsonb_build_object(
                'accent', values -> 'primary_color',
                'ground', values -> 'background_color',
                'ink', values -> 'text_color'
            )
        )),
        'customization', jsonb_strip_nulls(jsonb_build_object(
            'radius_px', least((values ->> 'corner_radius_px')::integer, 24)
        )),
        'features', '[]'::jsonb
    ),
    'From the settings'
from settings
where category = 'branding' and values <> '{}'::jsonb;
delete from settings where category = 'branding';
alter table settings force row level security;

-- The picture that goes with a mail.
alter table mails add logo_id uuid;
