"""Headline figures, figures by section, and their series over time."""
