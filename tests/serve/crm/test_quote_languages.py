"""What customers read of quotes, in their language, and that what was sent stays as it was sent."""

from __future__ import annotations

import pytest

from serve.crm.quotes.paper import words
from tests.serve.crm.conftest import BOILER, ESTIMATES, LINK, QUOTES, SETTINGS, accept, last_mail, refused
from tests.serve.crm.test_quote_papers import LINE, document


def paper(client, quote, **params) -> bytes:
    answer = client.get(f"{QUOTES}/{quote['id']}/pdf", params=params)
    assert answer.status_code == 200, answer.text
    return answer.content


class TestAmounts:
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
    def test_they_are_written_as_they_are_there(self, language, currency, said):
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
