"""Who gets a lead that nobody works on: the tenant's rules, and the clock that follows them.

``rules.py`` chooses (no database, no clock), ``sweeping.py`` hands out what waits, ``endpoints.py`` keeps the rules and
assigns one lead by hand. A lead waits while ``leads.assign_at`` is set: the database sets it for new leads without an
owner where the tenant has a rule, and for the open leads of somebody who leaves.
"""
