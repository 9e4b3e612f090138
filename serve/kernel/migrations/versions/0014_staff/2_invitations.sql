create unique index invitations_open_email_key on invitations (tenant_id, lower(email))
where accepted_at is null and revoked_at is null;
