"""Will this vehicle fail within the horizon?"""

from ml.maintenance import evaluate, features, model

__all__ = ["evaluate", "features", "model"]
