"""A lead: a person or a company that may become a customer, from its coming to its winning or losing.

What it is: ``models.py`` (columns), ``schemas.py`` (what clients write and read). What may happen to it, and where the
rule stands:

- It moves from status to status, has what the status needs, and its moments: ``rules.check_lead``, for every call.
- It is contacted; the first answer stops its clock; its timeline tells all of it: ``store.py``.
- It becomes a contact, an account, a quote, a job, and back for a while: ``converting.py``, ``check_convertible``.
- It has tags and notes: ``serve/crm/tags``, ``serve/crm/notes``.
- It gets an owner, by hand or by the tenant's rules: ``serve/crm/assignment`` (``rules.choose``).
- It is scored and analysed by the tenant's own model: ``serve/crm/scoring`` (``rules.next_step`` for what comes next).
- It is counted, from coming to winning, and how soon it was answered: ``serve/crm/funnel``.
- It belongs to a place: ``serve/crm/places``.

``endpoints.py`` has its calls and further addresses, ``errors.py`` what is said against them. Why it is so:
``docs/decisions/0026`` and ``0029``.
"""
