"""Where data lies: paths, PostgreSQL, contracts, landing zone, DuckDB file, releases, metric queries. No business rules."""
