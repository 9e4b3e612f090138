"""Will this lead be won within 30 days?"""

from ml.lead_score import evaluate, features, model

__all__ = ["evaluate", "features", "model"]
