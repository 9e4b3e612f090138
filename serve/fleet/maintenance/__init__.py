"""Which vehicles are likely to fail soon."""
