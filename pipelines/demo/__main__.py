"""`python -m pipelines.demo --size small --out DIR`: the simulated tables as Parquet, one file a table."""

import argparse
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.demo import Size, simulate


def write(out: Path, size: Size, seed: int, until: date) -> dict[str, int]:
    """Rows written by table; memory holds one chunk of telemetry at a time."""
    out.mkdir(parents=True, exist_ok=True)
    writers: dict[str, pq.ParquetWriter] = {}
    counts: dict[str, int] = {}
    try:
        for table, frame in simulate(size, seed, until=until).frames():
            rows: pa.Table = frame.to_arrow()
            if table not in writers:
                writers[table] = pq.ParquetWriter(out / f"{table}.parquet", rows.schema, compression="zstd")
            writers[table].write_table(rows)
            counts[table] = counts.get(table, 0) + frame.height
    finally:
        for writer in writers.values():
            writer.close()
    return counts


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m pipelines.demo", description=__doc__)
    parser.add_argument("--size", type=Size, choices=list(Size), default=Size.SMALL)
    parser.add_argument("--seed", type=int, default=2)
    parser.add_argument(
        "--until", type=date.fromisoformat, default=datetime.now(UTC).date() - timedelta(days=1)
    )
    parser.add_argument("--out", type=Path, required=True)
    chosen = parser.parse_args(arguments)
    for table, rows in write(chosen.out, chosen.size, chosen.seed, chosen.until).items():
        print(f"{table:24} {rows:>12,}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
