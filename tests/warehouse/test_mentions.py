"""The same pattern in three engines: each finds what is said of a person, and nothing of whoever is called alike."""

from __future__ import annotations

import json
import re

import duckdb
import psycopg
import pytest

from warehouse.mentions import DUCKDB, POSTGRES, mention, mentions

AN = "an.o'hara+x@mail.example.org"
SAID = [  # (the word's kind, the word, a text, whether it says the word)
    *(
        ("email", AN, text.format(AN), True)
        for text in (
            *("{0}", "<{0}>", "to {0}.", "to {0}.\n", "{0},{0}", "{0};joan", "mailto:{0}?subject=x", "'{0}'"),
            *("…{0}", "a\n{0}\nb", "({0})", "{0}.Please call", "{0}/x", "a=%20{0}&b", "{0}-", "{0}--"),
        )
    ),
    ("email", AN, AN.upper(), True),
    ("email", "an@example.org", "https://x.example/?to=an%40example.org&b", True),
    ("email", "an@example.org", "https://x.example/?to=joan%40example.org&b", False),
    *(
        ("email", AN, text.format(AN), False)
        for text in (
            "jo{0}",
            "jo.{0}",
            "jo-{0}",
            "jo+{0}",
            "jo_{0}",
            "ö{0}",
            "{0}a",
            "{0}.uk",
            "{0}.uk.",
            "{0}-x",
        )
    ),
    ("email", AN, AN.replace(".", "x"), False),
    ("phone", "+44 20 7946 0001", "call +44 20 7946 0001!", True),
    ("phone", "+44 20 7946 0001", "+44 20 7946 00011", False),
    ("phone", "+44 20 7946 0001", "call +442079460001.", True),
    ("phone", "+442079460001", "+44 (20) 7946-0001", True),
    ("phone", "+44 20 7946 0001", "44 20 7946, 0001", False),
    ("phone", "1234", "12 34", False),
    ("phone", "7946 0001", "17946 0001", False),
    ("name", "Ann Lee", "for ann lee: call", True),
    ("name", "Ann Lee", "Joann Leeds", False),
    ("name", "Ann Lee", "Ann Leeds", False),
    ("name", "Zoë (Z.)", "our Zoë (Z.)", True),
    ("name", "Zoë", "ZOË", True),
]


def in_python(pattern: str, text: str) -> bool:
    return bool(re.search(pattern, text))


def in_duckdb(pattern: str, text: str) -> bool:
    ((found,),) = duckdb.sql("select regexp_matches($1, $2)", params=[text, pattern]).fetchall()
    return bool(found)


@pytest.fixture(scope="module")
def postgres(pg):
    address = pg.clone()
    with psycopg.connect(address.url("super")) as connection:
        yield connection
    pg.drop(address)


@pytest.mark.parametrize(("kind", "word", "text", "is_said"), SAID)
def test_three_engines_find_the_same(postgres, kind, word, text, is_said):
    row = "select %s::text ~ %s, to_jsonb(%s::text)::text ~ %s"
    pattern = mention(kind, word, POSTGRES)
    plain, as_json = postgres.execute(row, [text, pattern, text, pattern]).fetchone()
    found = {"postgres": plain, "postgres, json": as_json}
    found |= {"python": in_python(mention(kind, word), text)}
    found |= {"duckdb": in_duckdb(mention(kind, word, DUCKDB), text)}
    found |= {"duckdb, json": in_duckdb(mention(kind, word, DUCKDB), json.dumps(text, ensure_ascii=False))}
    assert found == dict.fromkeys(found, is_said)


def test_every_place_is_replaced_and_what_stands_around_it_stays(postgres):
    text = f"{AN} {AN},{AN}\n{AN}; jo{AN} {AN}.uk"
    replaced = "select regexp_replace(to_jsonb(%s::text)::text, %s, '\\1-', 'g')::jsonb #>> '{}'"
    assert postgres.execute(replaced, [text, mention("email", AN, POSTGRES)]).fetchone() == (
        f"- -,-\n-; jo{AN} {AN}.uk",
    )


def test_words_of_all_kinds():
    assert mentions({"email": ["a@b.de"], "phone": ["", "1"]}) == [
        mention("email", "a@b.de"),
        mention("phone", "1"),
    ]
