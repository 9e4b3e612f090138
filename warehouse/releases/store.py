"""The folder of releases: which exist, which one is current, which may go.

A release is two files: `<id>.duckdb`, never changed after it was named, and `<id>.json`, written after it.
A release exists once its JSON does, so a killed publisher leaves at most files that nothing names; the next
publish sweeps them. `current` holds one line, the id that readers use, and is only ever replaced whole.
"""

import fcntl
import hashlib
import json
import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

POINTER = "current"
_LOCK = ".lock"
_ID = re.compile(r"\d{8}T\d{9}Z-[0-9a-f]{6}")
_TEMPORARY = re.compile(r"\..+\.tmp")


class ReleaseError(Exception):
    """Something about releases that the caller can explain to a person."""


class ReleaseNotFound(ReleaseError):
    """No sound release answers to that id, or none exists yet."""


class ReleaseDamaged(ReleaseError):
    """The release's files are missing, cut short or altered."""


class ReleaseRefused(ReleaseError):
    """What would be published is not fit to be read; nothing was changed."""


class ReleasesBusy(ReleaseError):
    """Another process has been publishing for longer than we were told to wait."""


@dataclass(frozen=True, slots=True)
class ReleaseInfo:
    """What `<id>.json` says. Times are UTC; `rows` counts each published table over all tenants."""

    id: str
    as_of: datetime
    created_at: datetime
    run_id: str
    size_bytes: int
    sha256: str
    rows: Mapping[str, int]
    path: Path

    def to_json(self) -> str:
        values: dict[str, Any] = {
            "id": self.id,
            "as_of": self.as_of.isoformat(),
            "created_at": self.created_at.isoformat(),
            "run_id": self.run_id,
            "size_bytes": self.size_bytes,
            "sha256": self.sha256,
            "rows": dict(self.rows),
        }
        return json.dumps(values, indent=2) + "\n"


@dataclass(frozen=True, slots=True)
class Choice:
    """The release to read and, when it is not the one `current` names, why not."""

    release: ReleaseInfo
    problem: str | None


def check_id(release_id: str) -> str:
    """The id itself; ids are also file names, so nothing else may pass."""
    if not _ID.fullmatch(release_id):
        raise ReleaseNotFound(f"{release_id!r} is not a release id such as 20260131T021500123Z-0a1b2c")
    return release_id


def new_release_id(releases: Path, *, now: datetime | None = None) -> str:
    """An id that sorts after every release in the folder, even when the clock was set back."""
    moment = now or datetime.now(UTC)
    newest = max(
        (path.stem for path in releases.glob("*.json") if _ID.fullmatch(path.stem)),
        default=None,
    )
    if newest is not None:
        moment = max(moment, _moment_of(newest) + timedelta(milliseconds=1))
    return f"{moment:%Y%m%dT%H%M%S}{moment.microsecond // 1000:03d}Z-{secrets.token_hex(3)}"


def _moment_of(release_id: str) -> datetime:
    seconds, milliseconds = release_id[:15], release_id[15:18]
    moment = datetime.strptime(seconds, "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    return moment + timedelta(milliseconds=int(milliseconds))


def find_release(releases: Path, release_id: str) -> ReleaseInfo:
    """The release of that id, its JSON read and its file's size compared (not its checksum).

    Raises ReleaseNotFound or ReleaseDamaged.
    """
    description, path = (
        releases / f"{check_id(release_id)}.json",
        releases / f"{release_id}.duckdb",
    )
    try:
        values = json.loads(description.read_text())
        release = ReleaseInfo(
            id=values["id"],
            as_of=datetime.fromisoformat(values["as_of"]),
            created_at=datetime.fromisoformat(values["created_at"]),
            run_id=values["run_id"],
            size_bytes=values["size_bytes"],
            sha256=values["sha256"],
            rows=values["rows"],
            path=path,
        )
    except FileNotFoundError:
        raise ReleaseNotFound(f"there is no release {release_id}") from None
    except (ValueError, KeyError, TypeError) as error:
        raise ReleaseDamaged(f"{description.name} cannot be read: {error}") from error
    try:
        size = path.stat().st_size
    except FileNotFoundError:
        raise ReleaseDamaged(f"{path.name} is missing") from None
    if release.id != release_id or size != release.size_bytes:
        raise ReleaseDamaged(f"{path.name} is not the file that {description.name} describes")
    return release


def check_sound(release: ReleaseInfo) -> ReleaseInfo:
    """The release itself, its whole file read once (about 0.7 s a gigabyte). Raises ReleaseDamaged."""
    try:
        digest = file_sha256(release.path)
    except FileNotFoundError:
        raise ReleaseDamaged(f"{release.path.name} is missing") from None
    if digest != release.sha256:
        raise ReleaseDamaged(f"the contents of {release.path.name} changed after it was published")
    return release


def list_releases(releases: Path) -> list[ReleaseInfo]:
    """Every release with a readable description and a file of the right size, newest first."""
    found = []
    for path in sorted(releases.glob("*.json"), reverse=True):
        try:
            found.append(find_release(releases, path.stem))
        except ReleaseError:
            continue
    return found


def choose(releases: Path) -> Choice | None:
    """The sound release to read: the one `current` names, else the newest sound one. None: there is none."""
    try:
        named = (releases / POINTER).read_text().strip()
        return Choice(check_sound(find_release(releases, named)), problem=None)
    except FileNotFoundError:
        problem = "no release is marked as current"
    except (ReleaseError, UnicodeDecodeError) as error:
        problem = f"the current release cannot be used: {error}"
    for release in list_releases(releases):
        try:
            return Choice(check_sound(release), problem)
        except ReleaseDamaged:
            continue
    return None


def current(releases: Path) -> ReleaseInfo | None:
    """The release that readers use now, or None before the first publish."""
    choice = choose(releases)
    return choice.release if choice else None


def rollback(releases: Path, release_id: str | None = None) -> ReleaseInfo:
    """Make an older release current: the one named, else the newest sound one before the current.

    Raises ReleaseNotFound when there is none, ReleaseDamaged when the named one is not sound.
    """
    with publisher_lock(releases):
        target = (
            check_sound(find_release(releases, release_id)) if release_id is not None else _previous(releases)
        )
        point_to(releases, target.id)
        return target


def _previous(releases: Path) -> ReleaseInfo:
    now = current(releases)
    for release in list_releases(releases):
        if now is not None and release.id < now.id:
            try:
                return check_sound(release)
            except ReleaseDamaged:
                continue
    raise ReleaseNotFound("there is no older release to go back to")


def expire(
    releases: Path,
    *,
    keep_days: int = 30,
    keep_min: int = 2,
    now: datetime | None = None,
) -> list[str]:
    """Delete releases older than `keep_days`; the newest `keep_min` and the current one always stay.

    Readers that still hold a deleted file finish undisturbed. Returns the ids deleted.
    """
    with publisher_lock(releases):
        return expire_locked(releases, keep_days=keep_days, keep_min=keep_min, now=now)


def expire_locked(releases: Path, *, keep_days: int, keep_min: int, now: datetime | None = None) -> list[str]:
    """`expire` for a caller that already holds the lock."""
    limit = (now or datetime.now(UTC)) - timedelta(days=keep_days)
    in_use = current(releases)
    expired = [
        release.id
        for release in list_releases(releases)[keep_min:]
        if release.created_at < limit and (in_use is None or release.id != in_use.id)
    ]
    for release_id in expired:
        # The description first: killed in between, the data file is one that nothing names and is swept.
        (releases / f"{release_id}.json").unlink()
        (releases / f"{release_id}.duckdb").unlink()
    return expired


def sweep_locked(releases: Path) -> list[str]:
    """Delete what killed publishers left: temporary files and data files without a description."""
    named = {path.stem for path in releases.glob("*.json")}
    left = [path for path in releases.iterdir() if _TEMPORARY.fullmatch(path.name)]
    left += [path for path in releases.glob("*.duckdb") if path.stem not in named]
    for path in left:
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()
    return sorted(path.name for path in left)


def point_to(releases: Path, release_id: str) -> None:
    """Replace `current` at once and for good: after a crash it names the old release or the new one."""
    write_durably(releases / POINTER, check_id(release_id) + "\n")


@contextmanager
def publisher_lock(releases: Path, *, wait_s: float = 120.0) -> Iterator[None]:
    """Hold the folder against other publishers; the system frees it when the process dies."""
    releases.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + wait_s
    with (releases / _LOCK).open("a") as handle:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise ReleasesBusy(
                        f"another process has been publishing for over {wait_s:.0f} s"
                    ) from None
                time.sleep(0.02)
        yield


def write_durably(path: Path, text: str) -> None:
    """Write beside `path`, fsync, rename over it, fsync the folder."""
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        with beside.open("w") as handle:
            handle.write(text)
            handle.flush()
            os.fsync(handle.fileno())
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    fsync(path.parent)


def fsync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def file_sha256(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
