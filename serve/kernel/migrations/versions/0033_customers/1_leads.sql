alter table leads
    add contact_id uuid,
    add zone_id uuid,
    add owner_id uuid references users on delete set null,
    add job_title text,
    add website text,
    add city text,
    add postcode text,
    add country text,
    add latitude double precision check (latitude between -90 and 90),
    add longitude double precision check (longitude between -180 and 180),
    add lost_reason text,
    add tags text[] not null default '{}',
    add consent_email boolean not null default false,
    add first_reply_s double precision generated always as (
        greatest(extract(epoch from first_replied_at - created_at), 0)
    ) stored,
    add contacted_at timestamptz,
    add qualified_at timestamptz,
    add foreign key (tenant_id, contact_id) references contacts (tenant_id, id),
    add foreign key (tenant_id, zone_id) references zones (tenant_id, id);
create index on leads (tenant_id, contact_id);
create index on leads (tenant_id, zone_id);
create index on leads (tenant_id, owner_id, created_at);

alter table lead_activities
    add outcome text check (outcome in ('reached', 'no_answer', 'left_message', 'not_interested', 'bounced')),
    add summary text,
    add user_id uuid references users on delete set null;

alter table contacts add tags text[] not null default '{}';
alter table accounts add tags text[] not null default '{}';
create index on leads using gin (tags);
create index on contacts using gin (tags);
create index on accounts using gin (tags);
