"""What customers read of quotes, in their language: no word is missing, and what was sent stays as it was sent."""

from __future__ import annotations

import json
import re
from itertools import pairwise
from string import Formatter

import pytest

from serve.crm.quotes.paper import words
from serve.crm.quotes.words import PAGE, WORDS
from serve.crm.reviews.words import PAGE as REVIEW_PAGE
from serve.crm.reviews.words import WORDS as REVIEWS
from serve.kernel.speech import LANGUAGES
from serve.platform.pages.endpoints import PAGES
from tests.serve.crm.conftest import BOILER, ESTIMATES, LINK, QUOTES, accept, refused
from tests.serve.crm.test_quote_papers import LINE, document

SETTINGS = "/api/v1/settings/general"
WORDS_OF = {"quotes": WORDS, "reviews": REVIEWS}
SAME_AS_ENGLISH = {("quotes", "fr"): {"date", "version", "page_version"}, ("quotes", "es"): {"total"}}


@pytest.fixture
def live_in(firm, owner):
    """``live_in("de-DE")``: that is the tenant's locale for the length of a test."""

    def move(locale: str) -> None:
        assert owner.put(SETTINGS, json={"locale": locale}).status_code == 200

    yield move
    firm.sql("delete from settings where tenant_id = %s and category = 'general'", firm.a)


def last_mail(firm) -> tuple[str, str]:
    [mail] = firm.sql("select subject, text from mails order by created_at desc, id desc limit 1")
    return mail


def paper(client, quote, **params) -> bytes:
    answer = client.get(f"{QUOTES}/{quote['id']}/pdf", params=params)
    assert answer.status_code == 200, answer.text
    return answer.content


def parts(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


class TestWords:
    @pytest.mark.parametrize("domain", WORDS_OF)
    @pytest.mark.parametrize("language", LANGUAGES)
    def test_none_is_missing_and_all_say_as_much(self, domain, language):
        english, own = WORDS_OF[domain]["en"], WORDS_OF[domain][language]
        assert own.keys() == english.keys()
        assert {key: parts(text) for key, text in own.items()} == {
            key: parts(text) for key, text in english.items()
        }
        assert [key for key, text in own.items() if text != text.strip() or not text] == []

    @pytest.mark.parametrize(
        ("script", "keys"),
        [(("quote.js", "said.js"), PAGE), (("review.js", "said.js"), REVIEW_PAGE)],
    )
    def test_a_page_knows_every_word_that_it_says(self, script, keys):
        text = "".join((PAGES / each).read_text() for each in script)
        said = set(re.findall(r"\bwords\.(\w+)", text)) | set(re.findall(r'"(page_\w+)"', text))
        said |= set(re.findall(r'\bsay\("(\w+)"', text))
        assert len(said) > 8
        assert said <= set(keys)

    @pytest.mark.parametrize("domain", WORDS_OF)
    @pytest.mark.parametrize("language", sorted({*LANGUAGES} - {"en"}))
    def test_none_was_left_in_english(self, domain, language):
        english = WORDS_OF[domain]["en"]
        same = {key for key, text in WORDS_OF[domain][language].items() if text == english[key]}
        assert same == SAME_AS_ENGLISH.get((domain, language), set())

    def test_french_has_a_hard_space_before_what_stands_off(self):
        for text in (text for each in WORDS_OF.values() for text in each["fr"].values()):
            for before, sign in pairwise(text):
                assert sign not in ":;!?»" or before in "\u00a0\u202f", text

    @pytest.mark.parametrize(
        ("language", "currency", "said"),
        [
            (
                "de-DE",
                "EUR",
                ["7.800,00\u00a0€", "-390,00\u00a0€", "MwSt.\u00a07\u00a0% auf 2.280,00\u00a0€"],
            ),
            ("de-CH", "CHF", ["CHF\u00a07’800.00", "CHF-390.00", "MwSt.\u00a07% auf CHF\u00a02’280.00"]),
            (
                "fr-CM",
                "XAF",
                [
                    "780\u202f000\u00a0FCFA",
                    "-39\u202f000\u00a0FCFA",
                    "Taxe\u00a07\u00a0% sur 228\u202f000\u00a0FCFA",
                ],
            ),
            ("en-US", "USD", ["$7,800.00", "-$390.00", "Tax 7% on $2,280.00"]),
            ("es-MX", "MXN", ["$7,800.00", "-$390.00", "Impuesto\u00a07% sobre $2,280.00"]),
        ],
    )
    def test_amounts_are_written_as_they_are_there(self, language, currency, said):
        lines = [{**LINE, "quantity": "2.25"}, {**LINE, "tax_basis_points": 700}]
        made = words(document(lines, language=language, currency=currency, discount_basis_points=500))["sums"]
        assert [made[0][1], made[1][1], made[3][0]] == said


class TestLanguage:
    def test_a_quote_speaks_as_its_tenant_does(self, firm, owner, offer, send, live_in):
        live_in("de-DE")
        quote = offer(title="Neue Heizung", valid_until="2099-01-31")
        send(quote)
        subject, text = last_mail(firm)
        assert (
            subject
            == f"Angebot {quote['number']} von {owner.get(SETTINGS).json()['data']['name']}: Neue Heizung"
        )
        assert "Guten Tag Ada Byron," in text
        assert "Gesamtbetrag mit MwSt.: 2.856,00\u00a0€. Das Angebot gilt bis 31. Januar 2099." in text
        assert f"Angebot {quote['number']}".encode() in paper(owner, quote)
        [version] = owner.get(f"{QUOTES}/{quote['id']}/versions").json()["data"]
        assert version["language"] == "de-DE"

    def test_its_page_is_written_in_it(self, anybody, offer, send):
        key = send(offer(language="de-CH"))
        assert anybody.post(LINK, json={"token": key}).json()["data"]["language"] == "de-CH"

    @pytest.mark.parametrize(
        ("asked", "language"),
        [("de", "de"), ("fr-CM", "fr"), ("it", "en"), (None, "en"), ("</script><script>alert(1)", "en")],
    )
    def test_the_page_comes_with_its_words(self, anybody, asked, language):
        page = anybody.get("/quotes/accept", params={"language": asked} if asked else {})
        assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
        assert f'<html lang="{language}">' in page.text
        assert f"<h2>{WORDS[language]['page_accept']}</h2>" in page.text
        [embedded] = re.findall(r'<script type="application/json" id="words">(.*?)</script>', page.text)
        assert json.loads(embedded) == {key: WORDS[language][key] for key in PAGE}
        assert "$" not in page.text

    def test_the_link_of_the_mail_names_the_language(self, firm, offer, send):
        send(offer(language="fr-CM"))
        assert "/quotes/accept?language=fr#" in last_mail(firm)[1]
        send(offer(language="en-US"))
        assert "/quotes/accept#" in last_mail(firm)[1]

    def test_drafts_and_estimates_do_too(self, owner, offer, live_in):
        live_in("fr")
        assert f"Devis {(quote := offer())['number']}".encode() in paper(owner, quote)
        estimate = offer(ESTIMATES)
        made = owner.get(f"{ESTIMATES}/{estimate['id']}/pdf").content
        assert f"Estimation {estimate['number']}".encode() in made

    @pytest.mark.parametrize("locale", ["it-IT", "en"])
    def test_who_speaks_none_of_them_is_answered_in_english(self, firm, owner, offer, send, live_in, locale):
        live_in(locale)
        quote = offer(valid_until="2099-01-31")
        send(quote)
        subject, text = last_mail(firm)
        assert subject.startswith(f"Quote {quote['number']} of ")
        assert "Total with tax: 2,856.00\u00a0EUR. It is valid until 31 January 2099." in text
        assert f"Quote {quote['number']}".encode() in paper(owner, quote)

    def test_a_quote_may_have_a_language_of_its_own(self, firm, owner, offer, send, live_in):
        live_in("de-DE")
        quote = offer(language="es-MX", currency="MXN", valid_until="2099-01-31")
        send(quote)
        assert "Total con impuestos: $2,856.00. Es válido hasta el 31 de enero de 2099" in last_mail(firm)[1]
        assert owner.get(f"{QUOTES}/{quote['id']}").json()["data"]["language"] == "es-MX"

    def test_an_estimate_hands_it_on(self, owner, offer):
        estimate = offer(ESTIMATES, language="fr-CM")
        quote = owner.post(f"{ESTIMATES}/{estimate['id']}/quote", json={}).json()["data"]
        assert quote["language"] == "fr-CM"

    @pytest.mark.parametrize("language", ["it", "de-de", "DE", "de-DE-x", ""])
    def test_what_nobody_here_speaks_is_refused(self, owner, offer, customer, language):
        answer = owner.post(QUOTES, json={**customer, "lines": [BOILER], "language": language})
        assert refused(answer, 422, "INVALID")
        assert answer.json()["error"]["details"][0]["field"] == "language"
        answer = owner.patch(f"{QUOTES}/{offer()['id']}", json={"language": language})
        assert refused(answer, 422, "INVALID")

    def test_what_was_sent_stays_in_its_language(self, owner, anybody, offer, send, live_in):
        live_in("de-DE")
        quote = offer()
        key = send(quote)
        sent = paper(owner, quote)
        live_in("fr-FR")
        assert paper(owner, quote) == sent
        assert anybody.post(f"{LINK}/pdf", json={"token": key}).content == sent
        assert accept(anybody, key, 285_600).status_code == 200
        accepted = paper(owner, quote)
        assert accepted != sent
        assert f"Angebot {quote['number']}".encode() in accepted
        assert owner.get(f"{QUOTES}/{quote['id']}").json()["data"]["language"] is None

    def test_it_is_another_version_in_another_language(self, owner, offer, send):
        quote = offer()
        send(quote)
        changed = owner.patch(f"{QUOTES}/{quote['id']}", json={"language": "fr"}).json()["data"]
        assert (changed["version"], changed["sent_version"]) == (2, 1)
        send(quote)
        found = owner.get(f"{QUOTES}/{quote['id']}/versions").json()["data"]
        assert [each["language"] for each in found] == ["fr", "en"]

    def test_what_was_sent_before_languages_were_kept_is_english(self, firm, owner, offer, send, live_in):
        quote = offer()
        key = send(quote)
        firm.sql(
            "update quote_versions set document = document - 'language' where quote_id = %s", quote["id"]
        )
        live_in("de")
        assert accept(firm.running.client(), key, 285_600).status_code == 200
        assert f"Quote {quote['number']}".encode() in paper(owner, quote)
        [version] = owner.get(f"{QUOTES}/{quote['id']}/versions").json()["data"]
        assert version["language"] == "en"

    def test_the_deposit_is_billed_in_it(self, firm, owner, anybody, offer, send, live_in):
        live_in("de-DE")
        quote = offer(deposit_basis_points=3000)
        accept(anybody, send(quote), 285_600)
        live_in("fr-FR")
        done = owner.post(f"{QUOTES}/{quote['id']}/convert", json={}).json()["data"]
        [(said,)] = firm.sql(
            "select description from invoice_lines where invoice_id = %s", done["invoice_id"]
        )
        assert said == f"Anzahlung von 30\u00a0% auf Angebot {quote['number']}, MwSt.\u00a019\u00a0%"
