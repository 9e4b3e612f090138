"""What was compared is what was read: who changes while the model is thinking is news for the next matching."""

from serve.kernel.migrations.guards import run

revision, down_revision, branch_labels, depends_on = "0065", "0064", None, None

COMPARED = """
create function note_compared(p_tenant uuid, p_digest bytea) returns void
language plpgsql volatile security definer set search_path = public, pg_temp as $$
begin
    perform set_config('app.tenant_id', p_tenant::text, true), set_config('app.tenant_ids', p_tenant::text, true);
    update person_matchings set digest = p_digest where tenant_id = p_tenant;
end
$$;
revoke all on function note_compared from public;
grant execute on function note_compared to throughline_match;
"""


def upgrade() -> None:
    run(COMPARED)


def downgrade() -> None:
    run("drop function note_compared")
