"""Writes down which routes were proved to keep tenants apart, for the service's own report (``make proofs``).

    pytest tests/surface/test_routes.py -p tests.surface.proving

Every operation is asked the promises of tenancy of tests/surface/checks.py; what came of each is written at the end of
the run, held or broken alike.
"""

from __future__ import annotations

import re
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import orjson
import pytest

from serve.identity.security.proofs import FILE, PROMISES
from serve.kernel.permissions import ROLES

_ASKED = re.compile(rf"test_a_promise_is_kept\[({'|'.join(PROMISES)})-(.+)\]$")
_found: dict[str, dict[str, bool]] = {}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    chosen = [item for item in items if _ASKED.search(item.name)]
    config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
    items[:] = chosen


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if asked := _ASKED.search(report.nodeid):
        promise, operation = asked.groups()
        promises = _found.setdefault(operation, {})
        promises[promise] = promises.get(promise, True) and report.passed


def unfit(config: pytest.Config) -> str | None:
    """Why a run says nothing of all routes of a commit, or None."""
    if config.option.keyword or any("::" in each for each in config.args):
        return "only some of the routes were asked"
    but_this = f":!{FILE.relative_to(Path(__file__).parents[2])}"
    if changed := _git("status", "--porcelain", "--untracked-files=no", "--", ".", but_this):
        return f"it was asked of a program that no commit has:\n{changed}"
    return None


def _git(*words: str) -> str:
    return subprocess.run(["git", *words], capture_output=True, text=True, check=True).stdout.strip()


def pytest_sessionfinish(session: pytest.Session) -> None:
    if not _found or hasattr(
        session.config, "workerinput"
    ):  # a part of a run; the whole is written by its controller
        return
    if why := unfit(session.config):
        session.config.get_terminal_writer().line(f"nothing was written: {why}", red=True)
        session.exitstatus = pytest.ExitCode.USAGE_ERROR
        return
    written = {
        "commit": _git("rev-parse", "--short", "HEAD"),
        "proved_at": datetime.now(UTC).replace(microsecond=0),
        "roles": list(ROLES),
        "tenants": ["a", "b, a stranger to a", "umbrella, the parent of a"],
        "routes": {name: dict(sorted(_found[name].items())) for name in sorted(_found)},
    }
    FILE.write_bytes(orjson.dumps(written, option=orjson.OPT_INDENT_2 | orjson.OPT_UTC_Z) + b"\n")
