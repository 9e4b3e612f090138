"""Metrics, defined once in dbt's semantic layer, freely combined with their dimensions."""
