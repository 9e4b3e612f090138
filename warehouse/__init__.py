"""Where data lies: paths, PostgreSQL, contracts, landing, DuckDB file, releases, metrics. No business rules."""
