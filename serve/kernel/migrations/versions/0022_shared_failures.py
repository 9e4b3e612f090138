"""Processes that count together forget together too: failed log-ins of who has come in."""

from serve.kernel.migrations.guards import run

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

OWE = """
-- What these keys owe from now on, whatever it was: nothing where it is forgiven, much where it is to be remembered.
create function owe_rates(p_keys text[], p_debts_s double precision[]) returns void
language sql volatile security definer set search_path = public, pg_temp as $$
    insert into rate_limits (key, full_at_s)
    select k.key, extract(epoch from clock_timestamp()) + k.debt_s
    from unnest(p_keys, p_debts_s) k (key, debt_s) order by k.key
    on conflict (key) do update set full_at_s = excluded.full_at_s
$$;
revoke all on function owe_rates from public;
grant execute on function owe_rates to throughline_api;
"""


def upgrade() -> None:
    run(OWE)


def downgrade() -> None:
    run("drop function owe_rates(text[], double precision[])")
