"""Dagster: ingest, sources, demo, transform, learn, publish, write-back. Never imports ``serve``."""
