"""Will this account leave within 90 days?"""

from ml.churn import evaluate, features, model

__all__ = ["evaluate", "features", "model"]
