"""Conditions kept by name: who is in a segment follows from the rows as they are when it is asked."""
