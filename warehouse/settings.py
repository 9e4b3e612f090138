"""Paths and addresses: the one folder where all state lives, and how to find the database."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import LOCK_EX, LOCK_NB, LOCK_UN, flock
from pathlib import Path
from typing import Any

PROJECT = Path(__file__).resolve().parents[1]


class Home:
    """The folder named by ``THROUGHLINE_HOME`` and every place inside it."""

    def __init__(self, root: Path | str | None = None) -> None:
        chosen = root or os.environ.get("THROUGHLINE_HOME") or PROJECT / "warehouse" / "local"
        self.root = Path(chosen).expanduser().resolve()
        self.run_file = self.root / "run.json"
        self.secrets_file = self.root / "secrets.json"
        self.postgres = self.root / "postgres"
        self.landing = self.root / "landing"
        self.quarantine = self.root / "quarantine"
        self.drop = self.root / "drop"
        self.models = self.root / "models"
        self.releases = self.root / "releases"
        self.dagster = self.root / "dagster"
        self.dbt = self.root / "dbt"
        self.logs = self.root / "logs"
        self.warehouse_file = self.root / "duckdb" / "warehouse.duckdb"

    @property
    def sockets(self) -> Path:
        """A short folder for sockets (their paths may have 107 characters), closed to other users."""
        digest = hashlib.sha256(str(self.root).encode()).hexdigest()[:12]
        folder = Path(tempfile.gettempdir()) / f"throughline-{digest}-run"
        folder.mkdir(mode=0o700, exist_ok=True)
        if folder.stat().st_uid != os.getuid():
            raise PermissionError(f"{folder} belongs to another user; remove it or set TMPDIR")
        return folder

    def create(self) -> Home:
        """Make the folders that are missing; what exists is left as it is."""
        self.root.mkdir(parents=True, exist_ok=True)
        for folder in (
            self.landing,
            self.quarantine,
            self.drop,
            self.models,
            self.releases,
            self.dagster,
            self.dbt,
            self.logs,
            self.warehouse_file.parent,
        ):
            folder.mkdir(exist_ok=True)
        return self

    def secret(self, name: str) -> str:
        """The installation's own random secret of that name, made on first use (file mode 0600)."""
        self.root.mkdir(parents=True, exist_ok=True)
        with locked(self.root / "secrets.lock"):
            known: dict[str, str] = read_json(self.secrets_file) or {}
            if name not in known:
                known[name] = secrets.token_urlsafe(32)
                write_json(self.secrets_file, known, mode=0o600)
            return known[name]

    def remember_secret(self, name: str, value: str) -> None:
        """Store a secret that was made elsewhere, such as a demo user's password."""
        self.root.mkdir(parents=True, exist_ok=True)
        with locked(self.root / "secrets.lock"):
            known: dict[str, str] = read_json(self.secrets_file) or {}
            write_json(self.secrets_file, known | {name: value}, mode=0o600)


def read_json(path: Path) -> Any:
    """The file's content, or None when there is no such file."""
    try:
        return json.loads(path.read_text())
    except FileNotFoundError:
        return None


def write_json(path: Path, content: Any, *, mode: int = 0o644) -> None:
    """Replace the file in one step: a reader sees the old content or the new, never a part."""
    write_atomic(path, json.dumps(content, indent=1, default=str).encode(), mode=mode)


def write_atomic(path: Path, content: bytes, *, mode: int = 0o644) -> None:
    """Write aside, fsync, rename, fsync the folder."""
    handle, aside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        os.replace(aside, path)
    except BaseException:
        Path(aside).unlink(missing_ok=True)
        raise
    fsync_folder(path.parent)


def fsync_folder(folder: Path) -> None:
    """Make renames inside the folder survive a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class Busy(RuntimeError):
    """Another process holds the lock and the caller did not want to wait."""


@contextmanager
def locked(path: Path, *, wait: bool = True) -> Iterator[None]:
    """Hold an exclusive lock on the file for the block; the kernel frees it when the process dies.

    Raises Busy when somebody else holds it and ``wait`` is false.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            flock(handle, LOCK_EX | (0 if wait else LOCK_NB))
        except BlockingIOError as error:
            raise Busy(f"{path.name} is held by another process") from error
        yield
        flock(handle, LOCK_UN)
    finally:
        os.close(handle)
