"""Models inside Dagster: train what is due, score, write ``ml.*``."""
