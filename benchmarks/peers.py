"""What a user would take instead of our ingest. Runs in the peers' own environment: imports nothing of ours.

``python peers.py METHOD URL FOLDER`` reads the table ``orders`` into Parquet files under FOLDER; ``python peers.py
versions`` says what is installed.
"""

import json
import sys
import time
from pathlib import Path

CHUNK_ROWS = 200_000
COLUMNS = ("id", "customer", "product", "ordered_at", "note", "quantity", "amount_cents", "weight_kg")


def dlt_to_parquet(backend: str, url: str, folder: str) -> float:
    """dlt's own way: ``sql_table`` into its filesystem destination."""
    import dlt
    from dlt.destinations import filesystem
    from dlt.sources.sql_database import sql_table

    began = time.perf_counter()
    address, _, host = url.partition(
        "/throughline?host="
    )  # connectorx wants the socket folder where a host stands
    conn = f"{address}{host}/throughline"
    more = {"backend_kwargs": {"conn": conn, "return_type": "arrow"}} if backend == "connectorx" else {}
    table = sql_table(
        credentials=url.replace("postgresql://", "postgresql+psycopg2://"),
        table="orders",
        backend=backend,
        chunk_size=CHUNK_ROWS,
        included_columns=list(COLUMNS),
        reflection_level="full",
        **more,
    )
    pipeline = dlt.pipeline(
        "peer",
        pipelines_dir=str(Path(folder, "state")),
        destination=filesystem(str(Path(folder, "files"))),
        dataset_name="peer",
    )
    pipeline.run(table, loader_file_format="parquet")
    return time.perf_counter() - began


def main(method: str, url: str = "", folder: str = "") -> None:
    if method == "versions":
        from importlib.metadata import version

        print(json.dumps({name: version(name) for name in ("dlt", "connectorx", "pyarrow")}))
        return
    seconds = dlt_to_parquet(method.removeprefix("dlt-"), url, folder)
    print(
        "\n"
        + json.dumps({"seconds": seconds, "files": str(Path(folder, "files", "peer", "orders", "*.parquet"))})
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
