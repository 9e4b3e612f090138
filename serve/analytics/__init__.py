"""Analytics: answers over the current release."""
