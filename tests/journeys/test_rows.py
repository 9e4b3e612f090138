"""No row is left out: each group has its journey, and each row that is served its group."""

from __future__ import annotations

import re
from pathlib import Path

from tests.journeys.rows import GROUPS, calls_of
from tests.surface.test_endpoints import NOT_SERVED, WANTED

HERE = Path(__file__).parent
FIGURES = re.compile(
    r"GET /api/(v1/)?(analytics|business-intelligence|dashboard|assets|fleet|downtime|fuel|operational).*"
)
"""Read alone, from a release: tests/serve/test_analytics.py asks for each."""


def test_each_group_has_one_journey():
    found = [
        group
        for path in sorted(HERE.glob("test_*.py"))
        for group in re.findall(r'^GROUP = "(\w+)"$', path.read_text(), flags=re.MULTILINE)
    ]
    assert sorted(found) == sorted(GROUPS)


def test_each_row_that_is_served_is_in_a_group():
    served = {row for row in WANTED if row not in NOT_SERVED and not FIGURES.fullmatch(row)}
    grouped = {row for group in GROUPS for row in calls_of(group) if not row.startswith("WS ")}
    assert served == grouped
    assert len(served) > 160
