"""Whether a tenant has leads to locate is asked of the ends of an index: all of its leads were gone through."""

import re
from pathlib import Path

from serve.kernel.migrations.guards import run

revision, down_revision, branch_labels, depends_on = "0067", "0066", None, None

NAME = "tenants_with_leads_to_locate"
BEFORE = """            exists (
                select from leads l
                where l.tenant_id = t.id and l.latitude is null and l.deleted_at is null
                    and (l.city is not null or l.postcode is not null)
                    and (l.located_at is null or l.located_at < (
                        select s.updated_at from settings s
                        where s.tenant_id = t.id and s.category = 'geocoding' and s.user_id is null
                    ))
            )
"""
# By the order of leads_without_place_idx, whose one end is who waits, and the other who was looked up first. Asked for
# as rows that there are, the planner thinks any index of the tenant's quick, because it takes many for waiting.
NOW = """            (
                select l.located_at is null from leads l
                where l.tenant_id = t.id and l.latitude is null and l.deleted_at is null
                    and (l.city is not null or l.postcode is not null)
                order by l.located_at desc nulls first limit 1
            )
            or (
                select l.located_at from leads l
                where l.tenant_id = t.id and l.latitude is null and l.deleted_at is null
                    and (l.city is not null or l.postcode is not null)
                order by l.located_at limit 1
            ) < (
                select s.updated_at from settings s
                where s.tenant_id = t.id and s.category = 'geocoding' and s.user_id is null
            )
"""


def upgrade() -> None:
    before = _before()
    assert BEFORE in before
    run(before.replace(BEFORE, NOW))


def downgrade() -> None:
    run(_before())


def _before() -> str:
    written = (Path(__file__).with_name("0061_lead_places") / "1_functions.sql").read_text()
    found = re.search(rf"create (function {NAME}.*?\n\$\$;\n)", written, re.DOTALL)
    assert found is not None
    return f"create or replace {found[1]}"
