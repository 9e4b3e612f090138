"""dbt inside Dagster: every model an asset, every test a check."""
