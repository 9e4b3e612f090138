"""Which rows of people are one person: see CARD.md."""

from ml.matching import features, model

__all__ = ["features", "model"]
