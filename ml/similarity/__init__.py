"""Which of these texts is about the same as that one?"""

from ml.similarity import features, model

__all__ = ["features", "model"]
