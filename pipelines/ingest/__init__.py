"""From sources to the landing zone: PostgreSQL by transaction id, files by profile."""
