"""Releases: immutable, checked copies of the published marts, and the way the API reads them.

`publish` makes one, `rollback` and `expire` manage them, `ReleaseReader` answers queries from the current.
"""

from warehouse.releases.guard import SqlRefused, check_select
from warehouse.releases.publish import publish
from warehouse.releases.reader import ReleaseReader, Rows, Session, TooManyRows
from warehouse.releases.store import (
    ReleaseDamaged,
    ReleaseError,
    ReleaseInfo,
    ReleaseNotFound,
    ReleaseRefused,
    ReleasesBusy,
    check_sound,
    current,
    expire,
    find_release,
    list_releases,
    new_release_id,
    rollback,
)
from warehouse.releases.watch import QueryTimeout

__all__ = [
    "QueryTimeout",
    "ReleaseDamaged",
    "ReleaseError",
    "ReleaseInfo",
    "ReleaseNotFound",
    "ReleaseReader",
    "ReleaseRefused",
    "ReleasesBusy",
    "Rows",
    "Session",
    "SqlRefused",
    "TooManyRows",
    "check_select",
    "check_sound",
    "current",
    "expire",
    "find_release",
    "list_releases",
    "new_release_id",
    "publish",
    "rollback",
]
