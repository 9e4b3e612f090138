"""How likely a lead is won, why, and what is known of it: the trained model's answer, kept with what it came from.

``features.py`` is what the model looks at, the same for one lead here as for all in the warehouse; ``predicting.py``
asks the tenant's own model; ``rules.py`` says what would be the next step; ``sweeping.py`` scores anew what changed.
"""
