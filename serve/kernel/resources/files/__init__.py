"""Rows as files, there and back: CSV, XLSX, JSON lines, Arrow."""

from __future__ import annotations

from typing import Literal

ExportFormat = Literal["csv", "xlsx", "jsonl", "arrow"]
ImportFormat = Literal["csv", "xlsx", "jsonl"]

XLSX_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
MEDIA_TYPES: dict[ExportFormat, str] = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": XLSX_TYPE,
    "jsonl": "application/x-ndjson",
    "arrow": "application/vnd.apache.arrow.stream",
}
NAMES: dict[str, ExportFormat] = {
    "*/*": "csv",
    "text/*": "csv",
    "text/csv": "csv",
    XLSX_TYPE: "xlsx",
    "application/x-ndjson": "jsonl",
    "application/jsonl": "jsonl",
    "application/vnd.apache.arrow.stream": "arrow",
}
"""What ``Accept`` may say, and the format that it means."""
