"""How much revenue on each of the next 28 days?"""

from ml.revenue_forecast import evaluate, features, model

__all__ = ["evaluate", "features", "model"]
