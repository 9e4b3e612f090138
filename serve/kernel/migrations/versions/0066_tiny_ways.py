"""Distances between points that lie next to each other, or on the equator but for nothing: they were out of range."""

from pathlib import Path

from serve.kernel.migrations.guards import run

revision, down_revision, branch_labels, depends_on = "0066", "0065", None, None

# Going 90 (or 1) up and down again leaves nothing of what is below a millionth of a millimetre. PostgreSQL refuses to
# multiply such a number: one place with 1e-300 for its longitude, and nothing near it could be asked for.
FUNCTION = """
create or replace function great_circle_m(
    latitude_a double precision, longitude_a double precision, latitude_b double precision, longitude_b double precision
) returns double precision language sql immutable parallel safe as $$
    -- LEAST passes over what is empty, so that is asked before.
    select case when latitude_a + longitude_a + latitude_b + longitude_b is not null then
        2 * 6371008.8 * asin(least(1, sqrt(
            sin(radians((latitude_b - latitude_a + 1) - 1) / 2) ^ 2
            + cos(radians((latitude_a + 90) - 90)) * cos(radians((latitude_b + 90) - 90))
                * sin(radians((longitude_b - longitude_a + 1) - 1) / 2) ^ 2
        )))
    end
$$;
"""


def upgrade() -> None:
    run(FUNCTION)


def downgrade() -> None:
    places = Path(__file__).with_name("0037_places") / "0_places.sql"
    before, _, _ = places.read_text().partition("revoke all on function great_circle_m")
    run(before.replace("create function", "create or replace function"))
