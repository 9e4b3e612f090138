"""A quote as a paper: what stands on it, and pages that hold together."""

from __future__ import annotations

from io import BytesIO

import orjson
import pytest
from PIL import Image

from serve.crm.quotes.paper import breakable, words
from serve.crm.quotes.rules import counted
from serve.crm.quotes.words import WORDS
from serve.identity.branding import papers
from serve.identity.branding.brand import Brand
from serve.identity.branding.schemas import Look
from serve.kernel.speech import Speech

LINE = {
    "description": "Replace the boiler",
    "quantity": "1",
    "unit": None,
    "unit_price_cents": 240_000,
    "discount_basis_points": None,
    "discount_cents": None,
    "tax_basis_points": 1900,
    "is_optional": False,
    "option_group": None,
    "is_chosen": True,
}
SOURCE = (papers.FOLDER / "quote.typ").read_text()
ONE_A_PAGE = """
#let said = json("data.json").paper
#set page(width: 20pt, height: 20pt, margin: 2pt)
#set text(font: said.font, fallback: false)
#for sign in said.signs { page(sign) }
"""
BARE = Brand(Look())


def document(lines: list[dict], **fields: object) -> dict:
    offered = {"lines": lines, "discount_basis_points": None, "deposit_basis_points": None}
    texts = dict.fromkeys(("title", "introduction", "terms", "recipient_name", "customer_name"))
    usual = {
        "number": "Q-2026-0001",
        "kind": "quote",
        "is_draft": False,
        "version": 1,
        "currency": "EUR",
        "dated": "2026-11-22",
        "valid_until": "2026-12-22",
        "sender": "Example Fleet",
        "language": "en",
    }
    return {**offered, **counted({**offered, **fields}), **texts, **usual, **fields}


def plain(said: object) -> object:
    """With spaces that may be broken at instead of hard ones."""
    return orjson.loads(orjson.dumps(said).decode().replace("\u00a0", " "))


def pages(said: dict) -> list[Image.Image]:
    made = papers.typeset(SOURCE, said, BARE, format="png")
    return [Image.open(BytesIO(page)).convert("L") for page in made]


def right_of(page: Image.Image) -> int:
    """Where the last dark dot of it stands."""
    return page.point(lambda value: 255 * (value < 128)).getbbox()[2]


class TestWords:
    def test_amounts_discounts_and_taxes_are_told(self):
        lines = [
            {**LINE, "quantity": "2.5", "unit": "h", "discount_basis_points": 1000},
            {**LINE, "tax_basis_points": 700},
        ]
        said = plain(words(document(lines, discount_basis_points=500, deposit_basis_points=3000)))
        assert said["lines"][0]["quantity"] == "2.5 h"
        assert said["lines"][0]["notes"] == ["6,000.00 EUR less 10 %, 600.00 EUR", "Tax 19 %"]
        assert said["sums"] == [
            ["Sum of the lines", "7,800.00 EUR"],
            ["Discount of 5 %", "-390.00 EUR"],
            ["Net", "7,410.00 EUR"],
            ["Tax 7 % on 2,280.00 EUR", "159.60 EUR"],
            ["Tax 19 % on 5,130.00 EUR", "974.70 EUR"],
        ]
        assert said["total"] == ["Total", "8,544.30 EUR"]
        assert said["after"] == [["Of it in advance (30 %)", "2,563.29 EUR"]]

    @pytest.mark.parametrize(
        ("fields", "closing"),
        [
            ({}, "We are bound by this offer until the end of 22 December 2026."),
            ({"is_draft": True}, "This is a draft. It was not sent, and binds nobody."),
            ({"kind": "estimate"}, "This is an estimate. It says what the work may cost, and binds nobody."),
            (
                {"accepted_on": "2026-11-30", "accepted_by": "Ada Byron"},
                "Accepted by Ada Byron on 30 November 2026.",
            ),
            ({"accepted_on": "2026-11-30", "accepted_by": None}, "Accepted on 30 November 2026."),
        ],
    )
    def test_what_it_binds_to_is_said(self, fields, closing):
        assert words(document([LINE], **fields))["closing"] == [closing]


class TestPages:
    def test_a_long_one_has_several_pages_and_all_of_them_lines(self):
        made = pages(words(document([LINE] * 60)))
        assert len(made) >= 3
        assert all(page.point(lambda value: 255 * (value < 128)).getbbox() for page in made)

    def test_nothing_of_it_is_markup(self):
        hostile = '#panic("owned") $x$ *b* @preview/x:1.0.0 </script>'
        said = document(
            [{**LINE, "description": hostile, "option_group": hostile}], title=hostile, terms=hostile
        )
        assert len(pages(words(said))) == 1

    @pytest.mark.parametrize("font", [papers.SERIF, papers.MONO])
    def test_every_letter_that_is_said_is_in_the_fonts(self, font):
        amounts = [
            Speech(each, {}).amount(-123_456_789, "EUR") for each in ("en-US", "de-CH", "fr-CM", "es-ES")
        ]
        said = sorted({*"".join((*amounts, *(text for own in WORDS.values() for text in own.values())))})
        absent = "\ue000"
        [box, *drawn] = papers.typeset(
            ONE_A_PAGE, {"font": font, "signs": [absent, *said]}, BARE, format="png"
        )
        assert {sign for sign, page in zip(said, drawn, strict=True) if page == box} == set()

    def test_a_long_word_is_divided_by_the_rules_of_its_language(self):
        long = "Warmwasserspeicherreglertauschvorrichtungen"
        assert breakable(long[:40]) == long[:40]
        usual = pages(words(document([LINE], language="de")))[0]
        made = pages(words(document([{**LINE, "description": long[:40]}], language="de")))[0]
        assert right_of(made) == right_of(usual)

    def test_words_that_never_end_do_not_push_amounts_off_the_page(self):
        usual, long = (pages(words(document([{**LINE, "description": "x" * n}])))[0] for n in (5, 1000))
        assert right_of(usual) == right_of(long)
