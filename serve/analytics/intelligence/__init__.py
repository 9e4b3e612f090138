"""Business intelligence: the pulse of the day, clients at risk, margin, forecast, compliance, best clients."""
