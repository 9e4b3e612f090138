"""A secret that was begun ends, and a mail to nobody keeps nothing."""

import re
from pathlib import Path

from serve.kernel.migrations.guards import run

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

VERSIONS = Path(__file__).parent
REPLACED = {
    "auth_totp": "0010_second_factors/1_functions.sql",
    "queue_account_mail": "0009_identity/2_accounts.sql",
}
FUNCTIONS = """
-- The person's secret. Its row stays locked, so that two codes at the same time are looked at one after the other. One that
-- nobody has confirmed is over after a quarter of an hour: it was shown on a page that somebody may have left open.
create or replace function auth_totp(p_user_id uuid)
returns table (sealed_secret bytea, confirmed_at timestamptz, last_step bigint, full_at_s double precision, told_at timestamptz)
language sql volatile security definer set search_path = public, pg_temp as $$
    select t.sealed_secret, t.confirmed_at, t.last_step, t.full_at_s, t.told_at
    from totp_secrets t
    where t.user_id = p_user_id and (t.confirmed_at is not null or t.created_at > now() - interval '15 minutes')
    for update
$$;

-- One to nobody has no content: it is there to cost as much as any.
create or replace function queue_account_mail(
    p_kind text, p_tenant_id uuid, p_user_id uuid, p_content bytea, p_state text
) returns uuid
language sql volatile security definer set search_path = public, pg_temp as $$
    insert into account_mails (kind, tenant_id, user_id, content, state)
    values (p_kind, p_tenant_id, p_user_id, case when p_state <> 'nobody' then p_content end, p_state) returning id
$$;

update account_mails set content = null where state = 'nobody';
alter table account_tokens drop column failures; -- which nobody has counted
"""


def upgrade() -> None:
    run(FUNCTIONS)


def downgrade() -> None:
    for function, file in REPLACED.items():
        found = re.search(rf"create (function {function}\(.*?\n\$\$;)", (VERSIONS / file).read_text(), re.DOTALL)
        assert found is not None, function
        run(f"create or replace {found[1]}")
    run("alter table account_tokens add failures integer not null default 0")
