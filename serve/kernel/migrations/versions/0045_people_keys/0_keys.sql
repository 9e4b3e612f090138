-- What rows of people and companies are compared by. Columns are computed, so they change and go with what they are of.
alter table contacts
    add name_key text generated always as (
        nullif(btrim(regexp_replace(regexp_replace(replace(translate(regexp_replace(lower(normalize(full_name, NFKD)), '[\u0300-\u036f]', '', 'g'), 'øłđı', 'oldi'), 'ß', 'ss'), '[\s.,;:''\"`´’()/\\&+*#_–—-]+', ' ', 'g'), '([aou])e', '\1', 'g')), '')
    ) stored,
    add email_key text generated always as (
        nullif(lower(btrim(email)), '')
    ) stored,
    add phone_key text generated always as (
        substring(regexp_replace(phone, '\D', '', 'g') from '\d{6,9}$')
    ) stored;
create index on contacts (tenant_id, name_key) where name_key is not null;
create index on contacts (tenant_id, email_key) where email_key is not null;
create index on contacts (tenant_id, phone_key) where phone_key is not null;

alter table leads
    add name_key text generated always as (
        nullif(btrim(regexp_replace(regexp_replace(replace(translate(regexp_replace(lower(normalize(full_name, NFKD)), '[\u0300-\u036f]', '', 'g'), 'øłđı', 'oldi'), 'ß', 'ss'), '[\s.,;:''\"`´’()/\\&+*#_–—-]+', ' ', 'g'), '([aou])e', '\1', 'g')), '')
    ) stored,
    add email_key text generated always as (
        nullif(lower(btrim(email)), '')
    ) stored,
    add phone_key text generated always as (
        substring(regexp_replace(phone, '\D', '', 'g') from '\d{6,9}$')
    ) stored,
    add company_key text generated always as (
        nullif(btrim(regexp_replace(' ' || nullif(btrim(regexp_replace(regexp_replace(replace(translate(regexp_replace(lower(normalize(company, NFKD)), '[\u0300-\u036f]', '', 'g'), 'øłđı', 'oldi'), 'ß', 'ss'), '[\s.,;:''\"`´’()/\\&+*#_–—-]+', ' ', 'g'), '([aou])e', '\1', 'g')), '') || ' ', '( (gmbh|mbh|ag|kg|kgaa|ohg|gbr|ug|ev|eg|se|ltd|limited|llc|llp|inc|corp|plc|co|cie|sarl|sas|sa|spa|srl|bv|nv|oy|ab|as|aps|sp z o o|haftungsbeschrankt))+ ', ' ', 'g')), '')
    ) stored;
create index on leads (tenant_id, name_key) where name_key is not null;
create index on leads (tenant_id, email_key) where email_key is not null;
create index on leads (tenant_id, phone_key) where phone_key is not null;
create index on leads (tenant_id, company_key) where company_key is not null;

alter table accounts
    add company_key text generated always as (
        nullif(btrim(regexp_replace(' ' || nullif(btrim(regexp_replace(regexp_replace(replace(translate(regexp_replace(lower(normalize(name, NFKD)), '[\u0300-\u036f]', '', 'g'), 'øłđı', 'oldi'), 'ß', 'ss'), '[\s.,;:''\"`´’()/\\&+*#_–—-]+', ' ', 'g'), '([aou])e', '\1', 'g')), '') || ' ', '( (gmbh|mbh|ag|kg|kgaa|ohg|gbr|ug|ev|eg|se|ltd|limited|llc|llp|inc|corp|plc|co|cie|sarl|sas|sa|spa|srl|bv|nv|oy|ab|as|aps|sp z o o|haftungsbeschrankt))+ ', ' ', 'g')), '')
    ) stored;
create index on accounts (tenant_id, company_key) where company_key is not null;
