"""The way out: a release for the API, scores for the operational rows."""
