"""Bytes under names of our own making: ``<tenant>/<file>``, both ids, so nothing that a client says reaches a path.

What comes in is written aside, in ``incoming``, and renamed once it is whole. All of this blocks: it is for threads.
"""

from __future__ import annotations

import os
from contextlib import suppress
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import IO, Any
from uuid import UUID, uuid4

import fsspec
from fsspec.implementations.local import LocalFileSystem

from warehouse.settings import fsync_folder

INCOMING = "incoming"


class Storage:
    """``url`` is what ``fsspec`` takes: a folder, ``memory://files``, ``s3://bucket/files`` …"""

    def __init__(self, url: str) -> None:
        self._fs, root = fsspec.core.url_to_fs(url)
        self._root = str(root).rstrip("/")
        self._is_local = isinstance(self._fs, LocalFileSystem)

    def aside(self) -> Aside:
        """A new file of nobody."""
        path = f"{self._root}/{INCOMING}/{uuid4().hex}"
        self._fs.makedirs(f"{self._root}/{INCOMING}", exist_ok=True)
        return Aside(self, path, self._fs.open(path, "wb"))

    def keep(self, aside: Aside, tenant_id: UUID, file_id: UUID) -> None:
        """Give it its name. It is there from now on, also after a power cut."""
        path = self._path(tenant_id, file_id)
        folder = f"{self._root}/{tenant_id}"
        self._fs.makedirs(folder, exist_ok=True)
        self._fs.mv(aside.path, path)
        if self._is_local:
            fsync_folder(Path(folder))
            fsync_folder(Path(self._root))

    def open(self, tenant_id: UUID, file_id: UUID) -> IO[bytes]:
        """Raises FileNotFoundError."""
        return self._open(self._path(tenant_id, file_id))

    def exists(self, tenant_id: UUID, file_id: UUID) -> bool:
        return bool(self._fs.exists(self._path(tenant_id, file_id)))

    def remove(self, tenant_id: UUID, file_id: UUID) -> None:
        """Nothing happens where there is nothing."""
        self._remove(self._path(tenant_id, file_id))

    def tenants(self) -> set[UUID]:
        """Whoever has files here, and whatever else is named by an id."""
        return _ids(self._names(self._root))

    def files(self, tenant_id: UUID) -> set[UUID]:
        return _ids(self._names(f"{self._root}/{tenant_id}"))

    def age_s(self, tenant_id: UUID, file_id: UUID, now: datetime) -> float | None:
        """Seconds since its last byte was written; None when it is gone."""
        return self._age_s(self._path(tenant_id, file_id), now)

    def sweep(self, now: datetime, *, older_than_s: float) -> int:
        """Remove what uploads that died have left aside; how many there were."""
        count = 0
        for name in self._names(f"{self._root}/{INCOMING}"):
            path = f"{self._root}/{INCOMING}/{name}"
            age_s = self._age_s(path, now)
            if age_s is not None and age_s > older_than_s:
                self._remove(path)
                count += 1
        return count

    def _age_s(self, path: str, now: datetime) -> float | None:
        try:
            modified: datetime = self._fs.modified(path)
        except FileNotFoundError:
            return None
        return (now - (modified if modified.tzinfo else modified.replace(tzinfo=UTC))).total_seconds()

    def _path(self, tenant_id: UUID, file_id: UUID) -> str:
        return f"{self._root}/{UUID(str(tenant_id))}/{UUID(str(file_id))}"

    def _names(self, folder: str) -> list[str]:
        try:
            found = self._fs.ls(folder, detail=False, refresh=True)
        except FileNotFoundError:
            return []
        return [str(path).rstrip("/").rpartition("/")[2] for path in found]

    def _open(self, path: str) -> IO[bytes]:
        file: IO[bytes] = self._fs.open(path, "rb")
        return file

    def _remove(self, path: str) -> None:
        with suppress(FileNotFoundError):
            self._fs.rm_file(path)


class Aside:
    """A file on its way in: written once, hashed and counted on the way."""

    def __init__(self, storage: Storage, path: str, file: Any) -> None:
        self._storage, self._file, self.path = storage, file, path
        self._hash = sha256()
        self.size_bytes = 0

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    def write(self, part: bytes) -> None:
        self._file.write(part)
        self._hash.update(part)
        self.size_bytes += len(part)

    def finish(self) -> None:
        """All of it is written, and on the disk where that is ours."""
        if self._storage._is_local:
            self._file.flush()
            os.fsync(self._file.fileno())
        self._file.close()

    def open(self) -> IO[bytes]:
        """To look at it, once it is finished."""
        return self._storage._open(self.path)

    def discard(self) -> None:
        """Nothing of it stays; no harm when it has its name by now."""
        self._file.close()
        self._storage._remove(self.path)


def _ids(names: list[str]) -> set[UUID]:
    found = set()
    for name in names:
        with suppress(ValueError):
            found.add(UUID(name))
    return found
