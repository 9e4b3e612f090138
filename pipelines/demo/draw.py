"""Seeded chance, ids and columns: the few helpers that every simulated table uses.

Moments are numpy int64 microseconds since 1970 UTC and dates are int64 days; `NEVER` stands for a missing
one and becomes NULL. It is the smallest int64, so `np.maximum` over moments ignores it.
"""

from hashlib import blake2b

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

NEVER = int(np.iinfo(np.int64).min)
MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US

_HEX = np.array([[ord(digit) for digit in f"{byte:02x}"] for byte in range(256)], dtype=np.uint8)
_UUID_GROUPS = (
    (0, 8, 0),
    (9, 13, 8),
    (14, 18, 12),
    (19, 23, 16),
    (24, 36, 20),
)  # text start, end, first hex digit


def stream(seed: int, *names: str | int) -> np.random.Generator:
    """A generator of its own for each name, so that drawing more in one table never changes another."""
    digest = blake2b("/".join(map(str, (seed, *names))).encode(), digest_size=16).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest, "big")))


def uuids(at_us: Ints, rng: np.random.Generator) -> pl.Series:
    """UUIDv7 texts whose time is the row's own, so that ids sort by it."""
    count = len(at_us)
    raw = np.empty((count, 16), dtype=np.uint8)
    raw[:, :6] = (at_us // 1000).astype(">i8").view(np.uint8).reshape(count, 8)[:, 2:]
    raw[:, 6:] = np.frombuffer(rng.bytes(count * 10), dtype=np.uint8).reshape(count, 10)
    raw[:, 6] = raw[:, 6] & 0x0F | 0x70
    raw[:, 8] = raw[:, 8] & 0x3F | 0x80
    digits = _HEX[raw].reshape(count, 32)
    text = np.full((count, 36), ord("-"), dtype=np.uint8)
    for start, end, digit in _UUID_GROUPS:
        text[:, start:end] = digits[:, digit : digit + end - start]
    offsets = np.arange(0, 36 * count + 1, 36, dtype=np.int64)
    column = pa.LargeStringArray.from_buffers(count, pa.py_buffer(offsets), pa.py_buffer(text))
    return pl.Series(pl.from_arrow(column))


def moments(at_us: Ints) -> pl.Series:
    return pl.Series(at_us.view("datetime64[us]")).dt.replace_time_zone("UTC")


def dates(days: Ints) -> pl.Series:
    return pl.Series(days.astype("datetime64[D]"))


def given(values: pl.Series | NDArray | list, where: Bools) -> pl.Series:
    """The values, NULL where the condition does not hold."""
    column = pl.Series(values)
    return column.zip_with(pl.Series(where), pl.Series([None], dtype=column.dtype))


def pick(values: pl.Series | tuple[str, ...], index: NDArray) -> pl.Series:
    """The values at these positions, NULL for a negative position."""
    column = pl.Series(values)
    if not len(column):
        return pl.Series([None] * len(index), dtype=column.dtype if column.dtype != pl.Null else pl.String)
    return given(column.gather(pl.Series(np.maximum(index, 0))), np.asarray(index) >= 0)


def cents(values: NDArray) -> Ints:
    return np.rint(values).astype(np.int64)


def choose(rng: np.random.Generator, weights: NDArray | tuple[float, ...], count: int) -> Ints:
    """Positions drawn in proportion to the weights."""
    edges = np.cumsum(np.asarray(weights, dtype=np.float64))
    return np.searchsorted(edges, rng.random(count) * edges[-1], side="right").astype(np.int64)


def seen(at_us: Ints, now_us: int) -> Ints:
    """The moments that have come by now; the others have not happened."""
    return np.where(at_us < now_us, at_us, NEVER)


def rows(
    tenant_id: str, ids: pl.Series, created_us: Ints, changed_us: Ints | None, now_us: int, **columns: object
) -> pl.DataFrame:
    """A tenant's table as it stands now: rows of the future are left out.

    `changed_us` None makes a table without `updated_at`.
    """
    data: dict[str, object] = {"id": ids, "tenant_id": pl.repeat(tenant_id, len(ids), eager=True)}
    for name, values in columns.items():
        data[name] = pl.repeat(values, len(ids), eager=True) if isinstance(values, str | bool) else values
    data["created_at"] = moments(created_us)
    if changed_us is not None:
        data["updated_at"] = moments(np.maximum(created_us, seen(changed_us, now_us)))
    return pl.DataFrame(data).filter(pl.Series(created_us < now_us))
