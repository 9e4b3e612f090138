"""One search over everything that the caller may see.

``rules.py`` says how words may be written otherwise and how well a row answers (no database), ``targets.py`` what is
looked through, ``service.py`` asks. Nothing is stored for it: see docs/decisions/0032-global-search.md.
"""
