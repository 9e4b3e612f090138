"""Ways out to services that are not ours: one small adapter for each kind."""
