"""What a manifest says: one committed batch of one table from one source."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from warehouse.settings import read_json, write_json


@dataclass(frozen=True)
class Part:
    """One Parquet file; the path is relative to the folder it lies in (landing or quarantine)."""

    path: str
    rows: int
    bytes: int
    checksum: str


@dataclass(frozen=True)
class Load:
    """A committed batch. ``rows_read`` equals landed plus quarantined plus erased, to the row."""

    number: int
    source: str
    table: str
    mode: str  # "full" supersedes every earlier load of its source and table; "incremental" adds to them
    run_id: str
    committed_at: str
    rows_read: int
    rows_landed: int
    rows_quarantined: int
    reasons: Mapping[str, int] = field(default_factory=dict)
    parts: tuple[Part, ...] = ()
    quarantine: tuple[Part, ...] = ()
    replayed: tuple[str, ...] = ()  # quarantine parts of earlier loads that this load read again
    watermark: Mapping[str, Any] = field(default_factory=dict)
    origin: str | None = None  # the file it came from, if it came from one
    rows_erased: int = 0  # taken out since, with the people that they were of

    def write(self, folder: Path) -> None:
        """Commit: from the moment the manifest is there, so is the load."""
        folder.mkdir(parents=True, exist_ok=True)
        write_json(folder / f"{self.number:010d}.json", asdict(self))

    @classmethod
    def read(cls, path: Path) -> Load:
        content = read_json(path)
        for name in ("parts", "quarantine"):
            content[name] = tuple(Part(**part) for part in content[name])
        content["replayed"] = tuple(content["replayed"])
        return cls(**content)


def checksum(path: Path) -> str:
    """BLAKE2b of the file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
