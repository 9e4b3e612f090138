"""How content customers are, in their own words: the form that reviews and tickets ask with, and what both say."""

from pathlib import Path

FORM = Path(__file__).with_name("form.html")
"""Filled by ``serve/pages/opinion.js``."""
