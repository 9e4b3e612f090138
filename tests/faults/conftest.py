"""One line and one API for every fault test, and what an undisturbed run makes of the same news."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.faults.line import CHANGES, Api, Line
from tests.faults.service import Service
from tests.faults.state import PREDICTED, Fingerprint, check, fingerprint


@dataclass
class Undisturbed:
    """A line with news in the store, and what the tables hold once they are taken in without a fault."""

    line: Line
    api: Api
    tables: Fingerprint

    def must_hold(self, *, trained: bool = False) -> None:
        """The line is whole and its tables are those of the undisturbed run.

        ``trained``: other models answer now, so only the number of rows is compared of what rests on them.
        """
        check(self.line)
        found = fingerprint(self.line)
        different = {
            name: (self.tables.get(name), found.get(name))
            for name in self.tables | found
            if self.tables.get(name) != found.get(name)
        }
        if trained:
            for name in PREDICTED & different.keys():
                expected, got = different.pop(name)
                assert expected
                assert got
                assert expected[0] == got[0], name
        assert not different


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Undisturbed]:
    """The first run of the line, the news, the run that takes them in; made once."""
    line = Line(tmp_path_factory.mktemp("faults"))
    api = Api(line)
    try:
        line.open()
        line.run(train="missing")
        api.start()
        api.log_in()
        line.sql(CHANGES)
        line.save("before")
        line.run()
        check(line)
        yield Undisturbed(line, api, fingerprint(line))
    finally:
        api.stop()
        line.close()


@pytest.fixture
def given(undisturbed: Undisturbed) -> Undisturbed:
    """The moment before the run: news in the store that no run has seen."""
    undisturbed.line.restore("before")
    return undisturbed


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The API and its server as production runs them, for tests that kill either."""
    with Service.open(tmp_path_factory.mktemp("service") / "home") as service:
        yield service
