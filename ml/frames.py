"""Small manners of frames from the warehouse."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import polars as pl

from ml.terms import Texts, Times

MOMENT = pl.Datetime("us", "UTC")


def moments(frame: pl.DataFrame, names: Iterable[str]) -> pl.DataFrame:
    """The named columns as UTC moments; naive ones are read as UTC, absent ones become empty."""
    return frame.with_columns(
        _moment(frame, name).alias(name) if name in frame.columns else pl.lit(None, MOMENT).alias(name)
        for name in names
    )


def times(frame: pl.DataFrame, name: str) -> Times:
    return np.asarray(frame[name].dt.replace_time_zone(None).to_numpy(), dtype="datetime64[us]")


def units(frame: pl.DataFrame, name: str) -> Texts:
    return np.asarray(frame[name].cast(pl.String).to_list(), dtype=np.str_)


def is_snapshot(frame: pl.DataFrame) -> bool:
    """Whether the whole table is one moment without history (a source that declares a snapshot date)."""
    return (
        "is_snapshot" in frame.columns
        and bool(frame["is_snapshot"].fill_null(False).all())
        and frame.height > 0
    )


def _moment(frame: pl.DataFrame, name: str) -> pl.Expr:
    dtype = frame.schema[name]
    if isinstance(dtype, pl.Datetime) and dtype.time_zone:
        return pl.col(name).dt.convert_time_zone("UTC").cast(MOMENT)
    return pl.col(name).cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
