"""The page behind a quote's link: it is read, options are chosen, and one of two buttons decides."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.conftest import Site, Visit, visiting
from tests.browser.desk import NAMELESS, ODD
from tests.browser.release import HOSTILE
from tests.serve.conftest import firm as firm  # the fixture
from tests.serve.crm.conftest import BOILER, QUOTES
from tests.serve.crm.conftest import customer as customer
from tests.serve.crm.conftest import offer as offer
from tests.serve.crm.conftest import owner as owner

pytestmark = pytest.mark.browser
PICTURES = os.environ.get("LOOK_PICTURES")
ENGLISH = re.compile(r"\b(Accept|Quote|Tax|Net|version|valid|chosen|Save|Decline|less)\b")
LARGE = {**BOILER, "description": "The larger boiler", "unit_price_cents": 300_000}
LINES = [
    {**BOILER, "option_group": "Boiler"},
    {**LARGE, "option_group": "Boiler", "is_chosen": False},
    {**BOILER, "description": "Labour", "quantity": "12.5", "unit": "h", "unit_price_cents": 6_850},
    {
        **BOILER,
        "description": f"Thermostats {HOSTILE}",
        "unit_price_cents": 10_000,
        "is_optional": True,
        "is_chosen": False,
    },
]


@pytest.fixture
def visit(browser: Browser, firm, tmp_path: Path) -> Iterator[Visit]:
    with visiting(browser, Site(firm.running.url, tmp_path, tmp_path)) as visit:
        yield visit


@pytest.fixture
def follow(firm, owner, visit):
    """``follow(quote)``: sends it, and opens the link of the mail."""

    def go(quote) -> Page:
        assert owner.post(f"{QUOTES}/{quote['id']}/send", json={}).status_code == 200
        return open_last(firm, visit)

    return go


def open_last(firm, visit: Visit) -> Page:
    ((text,),) = firm.sql("select text from mails order by created_at desc, id desc limit 1")
    link = re.search(r"/quotes/accept\S*#[\w-]+", text)[0]
    visit.page.goto("about:blank")
    visit.page.goto(f"{visit.site.url}{link}")
    expect(visit.page.get_by_role("heading", level=1).first).to_be_visible()
    return visit.page


def keep(visit: Visit, name: str) -> None:
    """Readable by everybody; and a picture, if pictures are asked for."""
    assert visit.page.evaluate(NAMELESS) == []
    assert visit.page.evaluate(ODD) == []
    assert visit.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    if PICTURES:
        visit.page.screenshot(path=Path(PICTURES) / f"{name}.png", full_page=True)


def status_of(owner, quote) -> str:
    return str(owner.get(f"{QUOTES}/{quote['id']}").json()["data"]["status"])


class TestQuote:
    def test_it_is_chosen_and_accepted(self, owner, offer, follow, visit):
        quote = offer(
            title="New boiler",
            lines=LINES,
            deposit_basis_points=3000,
            introduction="Thank you for showing us the house.",
            terms="Payable in 14 days.",
            recipient_name="Ada Byron",
        )
        page = follow(quote)
        assert page.url == f"{visit.site.url}/quotes/accept"  # the key is in no history
        expect(page.get_by_role("heading", level=1).first).to_have_text("New boiler")
        expect(page.locator("#sums")).to_contain_text("€3,874.94")
        keep(visit, "quote-open")
        page.get_by_label("The larger boiler").check()
        page.get_by_label("Thermostats").check()
        expect(page.get_by_role("button", name="Accept for €4,707.94")).to_be_visible()
        assert status_of(owner, quote) == "sent"
        page.get_by_label("Your name").fill("Ada Lovelace")
        page.get_by_role("button", name="Accept for").click()
        expect(page.locator("#state")).to_have_text("Accepted")
        expect(page.locator("#about")).to_contain_text("accepted by Ada Lovelace")
        expect(page.get_by_role("button", name="Accept")).to_have_count(0)
        keep(visit, "quote-accepted")
        row = owner.get(f"{QUOTES}/{quote['id']}").json()["data"]
        assert (row["status"], row["total_cents"], row["decided_by_name"]) == (
            "accepted",
            470_794,
            "Ada Lovelace",
        )

    def test_it_is_declined_with_a_reason(self, owner, offer, follow, visit):
        quote = offer()
        page = follow(quote)
        page.get_by_text("I do not want it").click()
        page.get_by_label("Why not?").fill("We go on with the old one.")
        keep(visit, "quote-declining")
        page.get_by_role("button", name="Decline").click()
        expect(page.locator("#state")).to_have_text("Declined")
        assert status_of(owner, quote) == "declined"

    def test_the_paper_is_saved(self, owner, offer, follow, visit):
        quote = offer()
        page = follow(quote)
        with page.expect_download() as saved:
            page.get_by_role("button", name="Save as PDF").click()
        assert saved.value.suggested_filename == f"{quote['number']}.pdf"
        sent = owner.get(f"{QUOTES}/{quote['id']}/pdf").content
        assert Path(saved.value.path()).read_bytes() == sent

    def test_a_newer_one_was_sent_meanwhile(self, firm, owner, offer, follow, visit):
        quote = offer()
        page = follow(quote)
        owner.patch(f"{QUOTES}/{quote['id']}", json={"discount_cents": 1})
        owner.post(f"{QUOTES}/{quote['id']}/send", json={})
        page.get_by_label("Your name").fill("Ada Byron")
        page.get_by_role("button", name="Accept for").click()
        expect(page.locator("#over")).to_contain_text("A newer version of this quote was sent.")
        keep(visit, "quote-replaced")
        visit.expects("410")
        page = open_last(firm, visit)
        expect(page.locator("#sums")).to_contain_text("€2,855.99")

    @pytest.mark.parametrize(
        ("language", "said"),
        [
            (
                "de-DE",
                ["gültig bis 31. Januar 2099", "Gesamtbetrag", "Für 2.856,00\u00a0€ annehmen", "Angenommen"],
            ),
            (
                "fr-CM",
                [
                    "valable jusqu’au 31 janvier 2099",
                    "Total taxes comprises",
                    "Accepter pour 2\u202f856,00\u00a0€",
                    "Accepté",
                ],
            ),
            (
                "es-ES",
                ["válido hasta el 31 de enero de 2099", "Total", "Aceptar por 2.856,00\u00a0€", "Aceptado"],
            ),
        ],
    )
    def test_it_speaks_the_customers_language(self, owner, offer, follow, visit, language, said):
        until, total, button, accepted = said
        quote = offer(
            language=language,
            valid_until="2099-01-31",
            lines=[BOILER, {**LARGE, "is_optional": True, "is_chosen": False, "option_group": "Boiler"}],
            recipient_name="Ada Byron",
        )
        page = follow(quote)
        expect(page.locator("html")).to_have_attribute("lang", language)
        expect(page.locator("#about")).to_contain_text(until)
        expect(page.locator("#sums")).to_contain_text(total)
        expect(page.locator("#accept [type=submit]")).to_have_text(button)
        keep(visit, f"quote-{language}")
        page.locator("#name").fill("Ada Lovelace")
        page.locator("#accept [type=submit]").click()
        expect(page.locator("#state")).to_have_text(accepted)
        keep(visit, f"quote-accepted-{language}")
        assert not ENGLISH.search(page.locator("body").inner_text())

    def test_a_link_of_another_language_leads_to_the_right_one(self, firm, owner, offer, visit):
        quote = offer(language="de-DE")
        assert owner.post(f"{QUOTES}/{quote['id']}/send", json={}).status_code == 200
        ((text,),) = firm.sql("select text from mails order by created_at desc, id desc limit 1")
        key = re.search(r"#([\w-]+)", text)[1]
        page = visit.page
        page.goto(f"{visit.site.url}/quotes/accept?language=es#{key}")
        # Words that the script writes: those of the document are there before it has taken the key.
        expect(page.locator("#quote-title")).to_have_text(f"Angebot {quote['number']}")
        expect(page.locator("#accept h2")).to_have_text("Annehmen")
        assert key not in page.url

    def test_what_stands_in_the_way_is_said_in_it(self, firm, owner, offer, follow, visit):
        quote = offer(language="fr-FR")
        page = follow(quote)
        owner.delete(f"{QUOTES}/{quote['id']}")
        page.locator("#name").fill("Ada Byron")
        page.locator("#accept [type=submit]").click()
        expect(page.locator("#over")).to_contain_text("Ce devis a été retiré.")
        page = open_last(firm, visit)
        expect(page.locator("#over")).to_contain_text("Ce lien n’ouvre plus rien")
        visit.expects("410")
        page.goto(f"{visit.site.url}/quotes/accept?language=de")
        expect(page.locator("#over")).to_contain_text("Dieser Link ist nicht vollständig")

    def test_a_link_without_its_key_says_so(self, visit):
        page = visit.page
        page.goto(f"{visit.site.url}/quotes/accept")
        expect(page.locator("#over")).to_contain_text("This link is not complete")

    def test_it_is_read_on_a_phone(self, browser, firm, owner, offer, tmp_path):
        quote = offer(lines=LINES, title="New boiler")
        owner.post(f"{QUOTES}/{quote['id']}/send", json={})
        site = Site(firm.running.url, tmp_path, tmp_path)
        phone = {"viewport": {"width": 360, "height": 740}, "is_mobile": True, "color_scheme": "dark"}
        with visiting(browser, site, **phone) as visit:
            open_last(firm, visit)
            keep(visit, "quote-phone")
