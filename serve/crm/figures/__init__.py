"""Figures of customers and of selling, counted from the rows of now; and enterprise clients, which are accounts.

Published figures (margins, forecasts, scores of churn with their history) stand under ``serve/analytics``: those are of
the last release. These are of this moment, so what was just sold is in them.
"""
