"""The links of mails about accounts, from the mail to what they change."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest
from playwright.sync_api import Page, expect

from tests.browser.desk import Desk
from tests.browser.desk import desk as desk
from tests.serve.conftest import firm as firm  # the fixture
from tests.serve.firm import PASSWORD
from tests.serve.identity.conftest import AUTH
from tests.serve.identity.conftest import somebody as somebody
from tests.serve.identity.test_accounts import register
from tests.serve.identity.test_factors import app_of, at

pytestmark = pytest.mark.browser
NEW = "another password of ours"


def address() -> str:
    return f"n{uuid4().hex[:12]}@example.com"


def invite(desk: Desk, email: str, role: str = "agent") -> str:
    wish = {"email": email, "role": role, "full_name": "Nora New"}
    sent = desk.firm.client("owner").post("/api/v1/employees/invite", json=wish)
    assert sent.status_code == 201, sent.text
    return str(sent.json()["data"]["id"])


def logs_in(desk: Desk, email: str, password: str) -> bool:
    asked = {"email": email, "password": password}
    return bool(desk.firm.running.client().post(f"{AUTH}/login", json=asked).is_success)


def roles(desk: Desk, email: str) -> dict[str, str]:
    return dict(
        desk.firm.sql(
            "select t.slug, m.role from memberships m join users u on u.id = m.user_id join tenants t on"
            " t.id = m.tenant_id where u.email = %s",
            email,
        )
    )


def card(page: Page, name: str):
    """The card of the door that is in sight."""
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    return page.locator("#door > .card:visible")


class TestRegistration:
    def test_the_account_begins_and_its_person_is_in(self, desk):
        email = address()
        assert register(desk.firm, email).status_code == 202
        page = desk.follow(email, "confirm")
        form = card(page, "Confirm your address")
        assert page.url == f"{desk.url}/account"
        assert desk.firm.sql("select 1 from users where email = %s", email) == []
        desk.keep("link-confirm")
        form.get_by_role("button", name="Begin").click()
        page.wait_for_url(f"{desk.url}/")
        expect(page.locator("#person")).to_have_text("Olga New")
        assert list(roles(desk, email).values()) == ["owner"]
        desk.see_no_figures()

    def test_who_has_an_account_is_led_to_a_new_password(self, desk, somebody):
        person = somebody()
        assert register(desk.firm, person.email).status_code == 202
        page = desk.follow(person.email, "forgot")
        form = card(page, "A new password")
        form.get_by_label("E-mail").fill(person.email)
        form.get_by_role("button", name="Send the link").click()
        expect(card(page, "Look into your mail")).to_contain_text(person.email)


class TestPassword:
    def test_forgotten_and_set_anew(self, desk, somebody):
        person = somebody()
        page = desk.open("/")
        page.get_by_role("link", name="Forgot your password?").click()
        form = card(page, "A new password")
        desk.keep("link-forgot")
        form.get_by_label("E-mail").fill(person.email)
        page.keyboard.press("Enter")
        expect(card(page, "Look into your mail").get_by_role("link")).to_have_text("Log in")
        page = desk.follow(person.email, "reset")
        form = card(page, "A new password")
        expect(form.get_by_label("New password")).to_be_focused()
        form.get_by_label("New password").fill("password12")
        form.get_by_role("button", name="Set it").click()
        field = form.get_by_label("New password")
        expect(field).to_have_attribute("aria-invalid", "true")
        expect(field).to_have_accessible_description("Is among the passwords that everybody tries first.")
        expect(field).to_be_focused()
        desk.keep("link-reset")
        desk.visit.expects("422")
        field.fill(NEW)
        page.keyboard.press("Enter")
        expect(card(page, "Your new password is set").get_by_role("heading")).to_be_focused()
        desk.keep("link-done")
        assert logs_in(desk, person.email, NEW)
        assert not logs_in(desk, person.email, PASSWORD)

    def test_a_link_that_was_used_offers_another(self, desk, somebody):
        person = somebody()
        desk.firm.running.client().post(f"{AUTH}/forgot-password", json={"email": person.email})
        page = desk.follow(person.email, "reset")
        desk.firm.sql("update account_tokens set used_at = now() where user_id = %s", person.id)
        card(page, "A new password").get_by_label("New password").fill(NEW)
        page.keyboard.press("Enter")
        over = card(page, "This link opens nothing any more")
        expect(over).to_contain_text("This link was used, or its time is over.")
        desk.keep("link-over")
        over.get_by_role("link", name="Ask for a new link").click()
        card(page, "A new password").get_by_label("E-mail").fill(person.email)
        page.keyboard.press("Enter")
        card(page, "Look into your mail")
        desk.visit.expects("410")
        assert logs_in(desk, person.email, PASSWORD)

    def test_a_link_without_its_key(self, desk):
        page = desk.open("/account#reset=")
        expect(card(page, "That did not work")).to_contain_text("Open it from the mail once more.")
        page.goto(f"{desk.url}/account#reset={'x' * 43}")  # the same page with another fragment
        page.wait_for_function("location.hash === ''")
        page.reload()  # what was in it is gone by now
        expect(page.locator("#login")).to_be_visible()


class TestAddress:
    def test_a_new_one_is_confirmed(self, desk, somebody):
        person, email = somebody(), address()
        changed = person.client().put(f"{AUTH}/me", json={"email": email, "current_password": PASSWORD})
        assert changed.status_code == 200, changed.text
        page = desk.follow(email, "email")
        card(page, "Confirm your new address").get_by_role("button", name="Confirm").click()
        expect(card(page, "Thank you")).to_contain_text(email)
        [(verified_at,)] = desk.firm.sql("select email_verified_at from users where id = %s", person.id)
        assert verified_at is not None


class TestInvitation:
    def test_somebody_new_comes_in(self, desk):
        email = address()
        row_id, asked = invite(desk, email, "viewer"), []
        desk.page.on("request", lambda request: asked.append(request.url))
        page = desk.follow(email, "invitation")
        form = card(page, "A invites you")
        expect(form).to_contain_text("To work there as viewer.")
        expect(form.get_by_label("Your name")).to_have_value("Nora New")
        desk.keep("link-invitation")
        form.get_by_label("Your name").fill("Nora Newer")
        form.get_by_label("Choose a password").fill("short")
        form.get_by_role("button", name="Accept").click()
        expect(form.get_by_label("Choose a password")).to_have_attribute("aria-invalid", "true")
        desk.visit.expects("422")
        form.get_by_label("Choose a password").fill(NEW)
        form.get_by_role("button", name="Accept").click()
        page.wait_for_url(f"{desk.url}/")
        expect(page.locator("#person")).to_have_text("Nora Newer")
        assert roles(desk, email) == {"a": "viewer"}
        assert [url for url in asked if "invitation/" in url] == []  # the token stands in no address
        [(accepted,)] = desk.firm.sql("select accepted_at is not null from invitations where id = %s", row_id)
        assert accepted
        desk.see_no_figures()

    def test_who_has_an_account_gives_its_password(self, desk, somebody):
        person = somebody(b="viewer")
        invite(desk, person.email)
        page = desk.follow(person.email, "invitation")
        form = card(page, "A invites you")
        expect(form.get_by_label("Your name")).to_be_hidden()
        desk.keep("link-invitation-known")
        form.get_by_label("Password of your account").fill(PASSWORD)
        page.keyboard.press("Enter")
        page.wait_for_url(f"{desk.url}/")
        expect(page.locator("#tenant")).to_have_value("a")
        assert roles(desk, person.email) == {"a": "agent", "b": "viewer"}
        desk.see_no_figures()

    def test_who_has_a_second_factor_logs_in_first(self, desk, somebody):
        person = somebody(b="viewer")
        app, _ = app_of(person.client())
        invite(desk, person.email)
        page = desk.follow(person.email, "invitation")
        form = card(page, "A invites you")
        form.get_by_label("Password of your account").fill(PASSWORD)
        page.keyboard.press("Enter")
        login = card(page, "Log in")
        expect(login).to_contain_text("Log in to it, then accept the invitation.")
        login.get_by_label("E-mail").fill(person.email)
        login.get_by_label("Password").fill(PASSWORD)
        page.keyboard.press("Enter")
        second = card(page, "One more proof")
        desk.visit.expects("401")  # the invitation's answer, and that of log-in
        second.get_by_label("Code of your app").fill(at(app))
        page.keyboard.press("Enter")
        form = card(page, "A invites you")
        expect(form).to_contain_text(f"You are logged in as {person.email}.")
        form.get_by_role("button", name="Accept").click()
        page.wait_for_url(f"{desk.url}/")
        assert roles(desk, person.email) == {"a": "agent", "b": "viewer"}
        expect(page.locator("#tenant")).to_have_value("a")
        desk.see_no_figures()

    def test_one_that_was_taken_back_says_so(self, desk):
        email = address()
        row_id = invite(desk, email)
        owner = desk.firm.client("owner")
        assert owner.post(f"/api/v1/employees/invitations/{row_id}/revoke").status_code == 200
        page = desk.follow(email, "invitation")
        over = card(page, "This link opens nothing any more")
        expect(over).to_contain_text("This invitation was taken back. Ask whoever invited you.")
        desk.visit.expects("410")

    def test_it_wears_the_look_of_who_invites(self, desk):
        owner = desk.firm.client("owner")
        look = {"branding": {"product_name": "Harbour Desk", "light": {"accent": "#9a1f4b"}}}
        assert owner.post("/api/v1/b2b/white-label/customization", json=look).is_success
        try:
            email = address()
            invite(desk, email)
            page = desk.follow(email, "invitation")
            expect(page.locator("#door .brand-name")).to_have_text("Harbour Desk")
            expect(page.locator("#look")).to_have_count(1)
        finally:
            owner.delete("/api/v1/b2b/white-label/customization")


def resolved(desk: Desk) -> tuple[dict, str]:
    """A ticket of which its customer was asked, and the link in the mail."""
    owner = desk.firm.client("owner")
    account = owner.post("/api/v1/accounts", json={"name": "Nordlicht", "country": "DE"}).json()["data"]
    ada = {"full_name": "Ada Byron", "email": address(), "account_id": account["id"]}
    contact = owner.post("/api/v1/contacts", json=ada).json()["data"]["id"]
    said = {"subject": "Nobody came", "contact_id": contact}
    ticket = owner.post("/api/v1/tickets", json=said).json()["data"]
    done = {"resolution": "Came on Tuesday", "ask_rating": True}
    assert owner.post(f"/api/v1/tickets/{ticket['id']}/resolve", json=done).status_code == 200
    [(text,)] = desk.firm.sql("select text from mails where to_address = %s", ada["email"])
    return ticket, re.search(r"http\S+(/tickets/rate\S*#\S+)", text)[1]


class TestRating:
    STORED = "select satisfaction, satisfaction_comment from tickets where id = %s"

    def test_a_customer_says_how_content_they_are_and_may_change_it(self, desk):
        ticket, link = resolved(desk)
        page = desk.open(link.replace("/tickets/rate#", "/account#rating="))  # as mails had it once
        expect(page.get_by_role("heading", level=1)).to_have_text("How content are you?")
        expect(page.locator("#about")).to_have_text(f"With what A did for request {ticket['number']}.")
        assert page.url == f"{desk.url}/tickets/rate"
        desk.keep("link-opinion")
        assert desk.firm.sql(self.STORED, ticket["id"]) == [(None, None)]
        page.get_by_label("From 1").select_option("4")
        page.get_by_label("Anything").fill("Friendly")
        page.get_by_role("button", name="Send").click()
        expect(page.locator("#over")).to_contain_text("Thank you")
        assert desk.firm.sql(self.STORED, ticket["id"]) == [(4, "Friendly")]

        # The link shows what was said, and changes it.
        page.goto("about:blank")
        page = desk.open(link)
        expect(page.get_by_label("From 1")).to_have_value("4")
        page.get_by_label("From 1").select_option("5")
        page.get_by_role("button", name="Send").click()
        expect(page.locator("#over")).to_contain_text("Thank you")
        assert desk.firm.sql(self.STORED, ticket["id"]) == [(5, "Friendly")]

    def test_it_asks_in_the_language_of_the_tenant(self, desk):
        owner = desk.firm.client("owner")
        assert owner.put("/api/v1/settings/general", json={"locale": "fr-FR"}).status_code == 200
        ticket, link = resolved(desk)
        desk.firm.sql("delete from settings where tenant_id = %s and category = 'general'", desk.firm.a)
        page = desk.open(link)
        expect(page.get_by_role("heading", level=1)).to_have_text("Qu’en pensez-vous\u202f?")
        expect(page.locator("html")).to_have_attribute("lang", "fr")
        told = f"Il s’agit de ce que A a fait pour votre demande {ticket['number']}."
        expect(page.locator("#about")).to_have_text(told)
        desk.keep("link-opinion-fr")

        # Opened again while the page is looked at, it is not rated; and the page says so.
        act = f"/api/v1/tickets/{ticket['id']}"
        assert owner.post(f"{act}/reopen").status_code == 200
        page.get_by_label("De 1").select_option("4")
        page.get_by_role("button", name="Envoyer").click()
        expect(page.locator("#opinion .error")).to_have_text(
            "Votre demande est de nouveau ouverte. Vous pourrez répondre quand elle sera réglée."
        )
        desk.visit.expects("409")
        assert owner.post(f"{act}/resolve", json={"resolution": "Came"}).status_code == 200
        page.get_by_role("button", name="Envoyer").click()
        expect(page.locator("#over")).to_contain_text("Merci")
        assert desk.firm.sql(self.STORED, ticket["id"]) == [(4, None)]

        desk.firm.sql("update account_tokens set used_at = now() where purpose = 'ticket_rating'")
        page.goto("about:blank")
        told = "Ce lien n’est plus valable, ou un courriel plus récent en contient un autre."
        expect(desk.open(link).locator("#over")).to_contain_text(told)
        desk.visit.expects("410")

    def test_english_says_it_to_customers_too(self, desk):
        """Not as the API tells it to whoever works there."""
        ticket, link = resolved(desk)
        page = desk.open(link)
        expect(page.locator("#about")).to_be_visible()
        assert desk.firm.client("owner").post(f"/api/v1/tickets/{ticket['id']}/reopen").status_code == 200
        page.get_by_label("From 1").select_option("4")
        page.get_by_role("button", name="Send").click()
        expect(page.locator("#opinion .error")).to_have_text(
            "Your request is open again. You can rate it once it is resolved."
        )
        desk.visit.expects("409")


class TestReview:
    def test_a_customer_reviews_the_work_and_is_shown_where_else(self, desk):
        owner = desk.firm.client("owner")
        publish_at = "https://reviews.example.org/a"
        assert owner.put("/api/v1/settings/reviews", json={"publish_at": publish_at}).status_code == 200
        purpose = {"key": "review_requests", "name": "Reviews", "lawful_basis": "legitimate_interests"}
        assert owner.post("/api/v1/privacy/purposes", json=purpose).status_code in (201, 409)
        ada = {"full_name": "Ada Byron", "email": address()}
        contact = owner.post("/api/v1/contacts", json=ada).json()["data"]["id"]
        [(job,)] = desk.firm.sql(
            "insert into jobs (tenant_id, service, status, requested_at, price_cents, cost_cents, currency)"
            " values (%s, 'Boiler <service>', 'completed', now(), 100, 50, 'EUR') returning id",
            desk.firm.a,
        )
        asked = owner.post("/api/v1/review-requests", json={"contact_id": contact, "job_id": str(job)})
        assert asked.status_code == 201, asked.text
        desk.firm.work()
        [(text,)] = desk.firm.sql("select text from mails where to_address = %s", ada["email"])
        link = re.search(r"http\S+(/reviews/answer#\S+)", text)[1]

        page = desk.open(link.replace("/reviews/answer#", "/account#review="))  # as mails had it once
        expect(page.get_by_role("heading", level=1)).to_have_text("How content are you?")
        expect(page.locator("#about")).to_have_text("With what A did (Boiler <service>).")
        assert page.url == f"{desk.url}/reviews/answer"
        desk.keep("link-review")
        stored = "select status, rating, comment from review_requests where contact_id = %s"
        assert desk.firm.sql(stored, contact) == [("opened", None, None)]
        page.get_by_label("From 1").select_option("5")
        page.get_by_role("button", name="Send").click()
        done = page.locator("#over")
        expect(done.get_by_role("heading", level=1)).to_have_text("Thank you")
        expect(done.get_by_role("link", name="Say it in public too")).to_have_attribute("href", publish_at)
        assert desk.firm.sql(stored, contact) == [("answered", 5, None)]

        # The link shows what was said, and changes it; once it is taken back it opens nothing.
        page.goto("about:blank")
        page = desk.open(link)
        expect(page.get_by_label("From 1")).to_have_value("5")
        page.get_by_label("Anything").fill("Tidy")
        page.get_by_role("button", name="Send").click()
        expect(page.locator("#over")).to_contain_text("Thank you")
        assert desk.firm.sql(stored, contact) == [("answered", 5, "Tidy")]
        desk.firm.sql("update account_tokens set used_at = now() where purpose = 'review'")
        page.goto("about:blank")
        expect(desk.open(link).locator("#over")).to_contain_text("This link opens nothing any more")
        desk.visit.expects("410")
        page.goto("about:blank")
        over = desk.open(link.replace("#", "?language=fr#")).locator("#over")
        expect(over).to_contain_text("Ce lien n’est plus valable, ou la demande a été retirée.")
        desk.visit.expects("410")

    def test_it_asks_in_the_language_of_the_tenant(self, desk):
        owner = desk.firm.client("owner")
        purpose = {"key": "review_requests", "name": "Reviews", "lawful_basis": "legitimate_interests"}
        assert owner.post("/api/v1/privacy/purposes", json=purpose).status_code in (201, 409)
        assert owner.put("/api/v1/settings/general", json={"locale": "de-AT"}).status_code == 200
        ada = {"full_name": "Ada Byron", "email": address()}
        contact = owner.post("/api/v1/contacts", json=ada).json()["data"]["id"]
        assert owner.post("/api/v1/review-requests", json={"contact_id": contact}).status_code == 201
        desk.firm.work()
        [(text,)] = desk.firm.sql("select text from mails where to_address = %s", ada["email"])
        desk.firm.sql("delete from settings where tenant_id = %s and category = 'general'", desk.firm.a)
        page = desk.open(re.search(r"http\S+(/reviews/answer\?language=de#\S+)", text)[1])
        expect(page.get_by_role("heading", level=1)).to_have_text("Wie zufrieden sind Sie?")
        expect(page.locator("html")).to_have_attribute("lang", "de")
        desk.keep("link-review-de")
        page.get_by_label("Von 1").select_option("4")
        page.get_by_role("button", name="Senden").click()
        expect(page.locator("#over")).to_contain_text("Vielen Dank")
        stored = "select status, rating from review_requests where contact_id = %s"
        assert desk.firm.sql(stored, contact) == [("answered", 4)]
