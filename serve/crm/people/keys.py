"""What rows of people and companies are compared by: columns that the database computes, each with an index.

Two ways to write one name, number or address are one key. They are computed from the row, so erasing a person empties
them too. The migration spells the same expressions; a test compares the two.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Column, Computed, Index, Text, text
from sqlalchemy.schema import SchemaItem

LEGAL_FORMS = (
    "gmbh|mbh|ag|kg|kgaa|ohg|gbr|ug|ev|eg|se|ltd|limited|llc|llp|inc|corp|plc|co|cie|sarl|sas|sa|spa|srl|"
    "bv|nv|oy|ab|as|aps|sp z o o|haftungsbeschrankt"
)
"""What a company's name ends with and nobody says, as the key writes it."""


def name_key(value: str) -> str:
    """SQL: without accents, capitals and signs; ``Müller`` and ``Mueller`` are one."""
    plain = f"lower(normalize({value}, NFKD))"
    plain = rf"regexp_replace({plain}, '[\u0300-\u036f]', '', 'g')"
    plain = f"replace(translate({plain}, 'øłđı', 'oldi'), 'ß', 'ss')"
    words = rf"regexp_replace({plain}, '[\s.,;:''\"`´’()/\\&+*#_–—-]+', ' ', 'g')"
    return f"nullif(btrim(regexp_replace({words}, '([aou])e', '\\1', 'g')), '')"


def company_key(value: str) -> str:
    """SQL: the name key without the words of its legal form."""
    bare = rf"regexp_replace(' ' || {name_key(value)} || ' ', '( ({LEGAL_FORMS}))+ ', ' ', 'g')"
    return f"nullif(btrim({bare}), '')"


def email_key(value: str) -> str:
    return f"nullif(lower(btrim({value})), '')"


def phone_key(value: str) -> str:
    """SQL: the last nine digits, or all of six to eight: the country is said or not."""
    return rf"substring(regexp_replace({value}, '\D', '', 'g') from '\d{{6,9}}$')"


EXPRESSIONS = {
    "contacts": {
        "name_key": name_key("full_name"),
        "email_key": email_key("email"),
        "phone_key": phone_key("phone"),
    },
    "leads": {
        "name_key": name_key("full_name"),
        "email_key": email_key("email"),
        "phone_key": phone_key("phone"),
        "company_key": company_key("company"),
    },
    "accounts": {"company_key": company_key("name")},
}
"""The keys of each table."""


def keys(table: str) -> Iterator[SchemaItem]:
    """Their columns and indexes, for the declaration of a table."""
    for name, expression in EXPRESSIONS[table].items():
        yield Column(name, Text, Computed(expression, persisted=True))
        yield Index(None, "tenant_id", name, postgresql_where=text(f"{name} is not null"))


def names(table: str) -> tuple[str, ...]:
    return tuple(EXPRESSIONS[table])
