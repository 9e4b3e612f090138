"""The dbt project as this process runs it: environment, prepared manifest, one call to dbt in process.

dbt runs inside the asset through dbtRunner: a second process and its JSON log cost more than the models do.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from warehouse.settings import PROJECT, Home, locked

TRANSFORMS = PROJECT / "transforms"


class DbtFailed(RuntimeError):
    """dbt could not run at all; a failing model or test is a result, not this."""


def environment(home: Home) -> dict[str, str]:
    """The variables that ``transforms/profiles.yml`` reads."""
    return {
        "THROUGHLINE_WAREHOUSE_FILE": str(home.warehouse_file),
        "DBT_PROJECT_DIR": str(TRANSFORMS),
        "DBT_PROFILES_DIR": str(TRANSFORMS),
        "DBT_TARGET_PATH": str(home.dbt / "target"),
        "DBT_LOG_PATH": str(home.dbt / "logs"),
        "DBT_SEND_ANONYMOUS_USAGE_STATS": "false",
    }


def invoke(
    home: Home, arguments: Sequence[str], *, manifest: Any = None, writes_artifacts: bool = False
) -> Any:
    """Run dbt in this process and return its result. Raises DbtFailed with dbt's own words.

    ``writes_artifacts``: the manifests go to the target folder as JSON, which costs half a second each time.
    """
    from dbt.cli.main import dbtRunner

    os.environ.update(environment(home))
    quiet = ["--quiet", "--log-level-file", "none", "--no-use-colors"]
    quiet += [] if writes_artifacts else ["--no-write-json"]
    try:
        result = dbtRunner(manifest=manifest).invoke([*quiet, *arguments])
    finally:
        close()
    if result.exception is not None:
        raise DbtFailed(str(result.exception)) from result.exception
    return result


def close() -> None:
    """Let go of the warehouse file, which dbt keeps open between models: nobody else could open it."""
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    if DuckDBConnectionManager._ENV is not None:
        DuckDBConnectionManager._ENV.close()
        DuckDBConnectionManager.close_all_connections()


def _fingerprint() -> str:
    """Names all that the parsed project depends on: its files, and the versions whose macros and formats are in it."""
    versions = [f"{package} {version(package)}" for package in ("dbt-core", "dbt-duckdb")]
    digest = hashlib.sha256(repr((sys.version_info[:2], versions)).encode())
    for path in sorted(TRANSFORMS.rglob("*")):
        if path.suffix in {".sql", ".yml", ".csv"} and "target" not in path.parts:
            digest.update(str(path.relative_to(TRANSFORMS)).encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def prepare(home: Home) -> Path:
    """Parse the project if it changed since the last time; the path of the manifest."""
    manifest, mark = home.dbt / "target" / "manifest.json", home.dbt / "fingerprint"
    wanted = _fingerprint()
    with locked(home.root / "dbt.lock"):
        if not manifest.exists() or not mark.exists() or mark.read_text() != wanted:
            result = invoke(home, ["parse"], writes_artifacts=True)
            if not result.success:
                raise DbtFailed("the dbt project does not parse; run 'dbt parse' in transforms/")
            mark.write_text(wanted)
    return manifest


@cache
def manifest(home_root: Path) -> dict[str, Any]:
    """The prepared manifest as a mapping."""
    content: dict[str, Any] = json.loads(prepare(Home(home_root)).read_text())
    return content


@cache
def parsed(home_root: Path) -> Any:
    """The project as dbt's own object, so that the builds of one process parse it once (partial parse: under 1 s)."""
    prepare(Home(home_root))
    return invoke(Home(home_root), ["parse"]).result
