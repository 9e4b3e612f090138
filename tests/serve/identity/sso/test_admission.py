"""Whom a provider may let in: its own tenant's people, and never anybody else's."""

from __future__ import annotations

from uuid import uuid4

import pytest

from tests.serve.firm import CHEAP, PASSWORD
from tests.serve.identity.conftest import AUTH as PASSWORD_WAY
from tests.serve.identity.conftest import code
from tests.serve.identity.sso.houses import (
    SSO,
    browser,
    by_oidc,
    by_saml,
    me,
    oidc_house,
    said,
    saml_house,
)


@pytest.fixture(scope="module")
def house(firm, names, provider):
    return oidc_house(firm, names, provider)


@pytest.fixture(scope="module")
def other_house(firm, names, provider):
    """Of tenant b, by the very same provider."""
    return oidc_house(firm, names, provider, firm.b)


def refused(firm, house) -> str:
    client = browser(firm)
    response = by_oidc(client, house)
    assert code(response) == (403, "SSO_NOT_ADMITTED"), response.text
    assert "throughline_access" not in client.cookies
    return response.json()["error"]["message"]


class TestTakeover:
    """An attacker who has a tenant, its provider and whatever it says."""

    def test_an_account_of_another_tenant_by_its_mail(self, firm, house, other_house, provider):
        """B's provider says the address of A's member. It is of no domain of B's."""
        victim = house.member("manager")
        provider.says("takeover-1", victim.email)
        assert "domain" in refused(firm, other_house)
        assert other_house.identities() == []

    def test_an_account_elsewhere_with_an_address_of_the_own_domain(self, firm, other_house, provider):
        """B proves a domain, and somebody who works for A has an address of it: still no way into their account."""
        victim = other_house.member("owner", tenant=firm.a)
        provider.says("takeover-2", victim.email)
        assert "invited" in refused(firm, other_house)
        assert firm.sql("select count(*) from memberships where user_id = %s", victim.id) == [(1,)]

    def test_a_session_by_b_is_never_for_a(self, firm, house, other_house, provider):
        """One person in both tenants; B's provider lets them into B, and there they stay."""
        person = other_house.member("manager")
        firm.sql(
            "insert into memberships (user_id, tenant_id, role) values (%s, %s, 'owner')", person.id, firm.a
        )
        provider.says("takeover-3", person.email)
        client = browser(firm)
        assert by_oidc(client, other_house).status_code == 303
        assert me(client)["tenant"]["slug"] == "b"
        answer = client.post(
            f"{PASSWORD_WAY}/refresh", json={"tenant": "a"}, headers={"X-Requested-With": "page"}
        )
        assert code(answer) == (403, "SSO_ONE_TENANT")

    def test_no_way_into_the_account_beside_the_provider(self, firm, house, provider):
        """A passkey or a second factor made in a session by A's provider would open B too."""
        provider.says(f"keys-{uuid4().hex}", house.mail())
        client = browser(firm)
        assert by_oidc(client, house).status_code == 303
        page = {"X-Requested-With": "page"}
        answer = client.post("/api/v1/auth/passkeys/options", headers=page)
        assert code(answer) == (401, "STEP_UP_NEEDED")

    def test_the_subject_of_one_connection_is_nobody_at_another(self, firm, house, other_house, provider):
        provider.says("subject-1", house.mail())
        assert by_oidc(browser(firm), house).status_code == 303
        assert "domain" in refused(firm, other_house)

    def test_a_domain_that_somebody_else_has(self, firm, names, house, other_house):
        asked = {"domain": house.domain, "connection_id": other_house.id}
        claimed = said(other_house.owner().post(f"{SSO}/domains", json=asked))
        names.texts[claimed["record_name"]].append(claimed["record_value"])  # even if the DNS says so
        answer = other_house.owner().post(f"{SSO}/domains/{claimed['id']}/verify")
        assert code(answer) == (409, "SSO_DOMAIN_TAKEN")

    def test_a_domain_that_is_not_proven(self, firm, names, provider):
        house = oidc_house(firm, names, provider)
        domain = f"claimed-{uuid4().hex[:6]}.example"
        said(house.owner().post(f"{SSO}/domains", json={"domain": domain, "connection_id": house.id}))
        provider.says("unproven", f"ada@{domain}")
        assert "domain" in refused(firm, house)

    def test_a_domain_below_or_above_ones_own(self, firm, house, provider):
        for domain in (f"below.{house.domain}", house.domain.partition(".")[2], f"x{house.domain}"):
            provider.says(f"near-{uuid4().hex}", f"ada@{domain}")
            assert "domain" in refused(firm, house) or "does not say" in refused(firm, house)

    def test_nobody_is_told_of_an_account_elsewhere(self, firm, names, provider):
        """Where nobody is made, an address with an account and one without are refused in the same words."""
        house = oidc_house(firm, names, provider, firm.b, makes_people=False)
        elsewhere = house.member("manager", tenant=firm.a)
        provider.says("elsewhere-1", elsewhere.email)
        of_somebody, told = refused(firm, house), firm.events(house.id)[-1][2]
        provider.says("elsewhere-2", house.mail())
        assert refused(firm, house) == of_somebody
        assert firm.events(house.id)[-1][2]["reason"] == told["reason"]

    def test_a_word_for_the_mail_is_none_for_another_claim(self, firm, names, provider):
        """``email_verified`` is about ``email``; a name that people choose themselves is as good as theirs."""
        house = oidc_house(firm, names, provider, email="preferred_username")
        victim = house.member("manager")
        provider.says("chosen-1", "me@elsewhere.example", claims={"preferred_username": victim.email})
        assert "vouch" in refused(firm, house)
        house.change(user_mapping={"vouches_for_mail": True})
        assert by_oidc(browser(firm), house).status_code == 303

    @pytest.mark.parametrize("verified", [False, None, "false", 0, 1, "yes", [True]])
    def test_mail_that_the_provider_does_not_vouch_for(self, firm, house, provider, verified):
        provider.says(f"vouch-{uuid4().hex}", house.mail(), verified=verified)
        assert "vouch" in refused(firm, house)

    def test_unless_the_tenant_vouches_for_its_own_domain(self, firm, names, provider):
        house = oidc_house(firm, names, provider, vouches_for_mail=True)
        provider.says("vouched", house.mail(), verified=None)
        assert by_oidc(browser(firm), house).status_code == 303
        provider.says("vouched-2", "ada@elsewhere.example", verified=None)
        assert "domain" in refused(firm, house)

    @pytest.mark.parametrize("mail", ["no mail", "a@b@c", "@", "x" * 300, 7, None, [], {"a": 1}, "a\0b@x.de"])
    def test_mail_that_is_none(self, firm, house, provider, mail):
        provider.says(f"odd-{uuid4().hex}", claims={"email": mail, "email_verified": True})
        assert "mail address" in refused(firm, house)

    def test_a_mail_address_that_somebody_else_had(self, firm, house, provider):
        """People leave, and their address is given to others: those get no account of theirs."""
        email = house.mail()
        provider.says("first-holder", email)
        assert by_oidc(browser(firm), house).status_code == 303
        provider.says("second-holder", email)
        assert "already" in refused(firm, house)

    def test_another_provider_means_other_people(self, firm, names, provider):
        """Whoever may change the connection cannot make their own provider's subjects into those of before."""
        house = oidc_house(firm, names, provider)
        provider.says("before", house.mail())
        by_oidc(browser(firm), house)
        assert len(house.identities()) == 1
        changed = house.change(configuration={"issuer": "https://login.evil.example"})
        assert house.identities() == []
        assert not changed["configuration"]["client_secret_is_set"]


class TestCeiling:
    def test_nobody_comes_in_as_more_than_who_set_it_up(self, firm, names, provider):
        """An administrator whose provider says that it is the owner who comes."""
        house = oidc_house(firm, names, provider)
        owner = house.member("owner")
        provider.says("ceiling-1", owner.email)
        assert by_oidc(browser(firm), house).status_code == 303  # set up by an owner
        said(firm.client("admin").patch(f"{SSO}/connections/{house.id}", json={"name": f"N{uuid4().hex}"}))
        assert "above" in refused(firm, house)  # those known before too
        firm.sql("update sso_connections set changed_by_role = 'technician' where id = %s", house.id)
        provider.says("ceiling-2", house.member("manager").email)
        assert "above" in refused(firm, house)
        provider.says("ceiling-3", house.mail(), claims={"groups": ["bosses"]})
        assert "above" in refused(firm, house)

    def test_nobody_is_brought_below_it_first(self, firm, names, provider):
        """A connection that keeps roles in step, and says of those above whoever set it up that they are less."""
        house = oidc_house(firm, names, provider, keeps_roles_in_step=True)
        member = house.member("manager")
        firm.sql("update sso_connections set changed_by_role = 'technician' where id = %s", house.id)
        provider.says("demoted", member.email, claims={"groups": ["crew"]})
        assert "above" in refused(firm, house)
        assert firm.sql("select role from memberships where user_id = %s", member.id) == [("manager",)]

    def test_no_mapping_makes_owners(self, firm, names, provider):
        house = oidc_house(firm, names, provider)
        for mapping in ({"default_role": "owner"}, {"roles": [{"value": "x", "role": "owner"}]}):
            answer = house.owner().patch(f"{SSO}/connections/{house.id}", json={"user_mapping": mapping})
            assert code(answer) == (422, "INVALID")
        firm.sql(
            'update sso_connections set user_mapping = user_mapping || \'{"default_role": "owner"}\' where id = %s',
            house.id,
        )
        provider.says("no-owner", house.mail())
        assert "no role" in refused(firm, house)

    def test_no_mapping_to_what_is_none(self, firm, house):
        answer = house.owner().patch(
            f"{SSO}/connections/{house.id}", json={"user_mapping": {"default_role": "emperor"}}
        )
        [detail] = answer.json()["error"]["details"]
        assert detail["field"] == "user_mapping.default_role"


class TestMembers:
    def test_without_a_role_nobody_comes_in(self, firm, names, provider):
        house = oidc_house(firm, names, provider, default_role=None)
        provider.says("no-role", house.mail(), claims={"groups": ["choir"]})
        assert "no role" in refused(firm, house)
        assert firm.sql("select count(*) from users where email like %s", f"%@{house.domain}") == [(0,)]

    def test_who_loses_the_role_is_not_let_in(self, firm, names, provider):
        house = oidc_house(firm, names, provider, default_role=None, keeps_roles_in_step=True)
        email = house.mail()
        provider.says("loses", email, claims={"groups": ["crew"]})
        assert by_oidc(browser(firm), house).status_code == 303
        provider.says("loses", email, claims={"groups": []})
        assert "no role" in refused(firm, house)

    def test_where_nobody_is_made(self, firm, names, provider):
        house = oidc_house(firm, names, provider, makes_people=False)
        provider.says("unmade", house.mail())
        assert "invited" in refused(firm, house)
        provider.says("unmade", house.member().email)
        assert by_oidc(browser(firm), house).status_code == 303

    @pytest.mark.parametrize(
        "change",
        [
            "update users set is_active = false where id = %s",
            "update memberships set state = 'suspended' where user_id = %s",
            "delete from memberships where user_id = %s",
        ],
    )
    def test_who_was_sent_away_stays_out(self, firm, house, provider, change):
        member = house.member()
        subject = f"away-{uuid4().hex}"
        provider.says(subject, member.email)
        assert by_oidc(browser(firm), house).status_code == 303
        firm.sql(change, member.id)
        assert "any more" in refused(firm, house)

    def test_two_first_sign_ins_at_once_make_one_person(self, firm, house, provider):
        from concurrent.futures import ThreadPoolExecutor

        email = house.mail()
        provider.says("at-once", email)
        with ThreadPoolExecutor(6) as pool:
            answers = list(pool.map(lambda client: by_oidc(client, house), [browser(firm) for _ in range(6)]))
        assert {answer.status_code for answer in answers} == {303}
        assert firm.sql("select count(*) from users where email = %s", email) == [(1,)]

    def test_refusals_are_on_record(self, firm, house, provider):
        provider.says("recorded", "ada@elsewhere.example")
        refused(firm, house)
        name, _, after = firm.events(house.id)[-1]
        assert (name, after["code"]) == ("sso.refused", "SSO_NOT_ADMITTED")
        assert "ada@" not in str(after)


class TestOnlyByProvider:
    """A domain whose people have no other way in; but for owners."""

    @pytest.fixture
    def closed(self, firm, names, provider):
        house = oidc_house(firm, names, provider)
        [domain] = [
            each
            for each in said(house.owner().get(f"{SSO}/domains", params={"per_page": 1000}))
            if each["connection_id"] == house.id
        ]
        said(house.owner().patch(f"{SSO}/domains/{domain['id']}", json={"is_enforced": True}))
        return house

    def log_in(self, firm, email, **more):
        firm.sql("update users set password_hash = %s where email = %s", CHEAP.hash(PASSWORD), email)
        return firm.running.client().post(
            f"{PASSWORD_WAY}/login", json={"email": email, "password": PASSWORD, **more}
        )

    def test_a_password_opens_nothing(self, firm, closed, provider):
        member = closed.member()
        assert code(self.log_in(firm, member.email)) == (403, "SSO_REQUIRED")
        wrong = firm.running.client().post(
            f"{PASSWORD_WAY}/login", json={"email": member.email, "password": "wrong"}
        )
        assert code(wrong) == (401, "WRONG_CREDENTIALS")  # it tells nobody who does not know the password
        provider.says("closed-1", member.email)
        assert by_oidc(browser(firm), closed).status_code == 303

    def test_owners_keep_a_way_in(self, firm, closed):
        assert self.log_in(firm, closed.member("owner").email).status_code == 200

    def test_people_of_other_domains_do_too(self, firm, closed):
        answer = firm.running.client().post(
            f"{PASSWORD_WAY}/login", json={"email": "manager@a.example", "password": PASSWORD}
        )
        assert answer.status_code == 200

    def test_no_way_round_by_another_tenant(self, firm, closed):
        """A session for another tenant, by password, does not become one for the closed one."""
        member = closed.member()
        firm.sql(
            "insert into memberships (user_id, tenant_id, role) values (%s, %s, 'viewer')", member.id, firm.b
        )
        session = self.log_in(firm, member.email, tenant="b")
        assert session.status_code == 200
        token = session.json()["data"]["refresh_token"]
        answer = firm.running.client().post(
            f"{PASSWORD_WAY}/refresh", json={"refresh_token": token, "tenant": "a"}
        )
        assert code(answer) == (403, "SSO_REQUIRED")

    def test_a_connection_that_is_off_closes_nobody_out(self, firm, closed):
        member = closed.member()
        closed.owner().post(f"{SSO}/connections/{closed.id}/disable")
        assert self.log_in(firm, member.email).status_code == 200


class TestSaml:
    """The same rules, by the other language."""

    def test_takeover(self, firm, names, idp):
        house, other = saml_house(firm, names, idp), saml_house(firm, names, idp, firm.b)
        victim = house.member("manager")
        response = by_saml(browser(firm), other, idp, "takeover", attributes={"email": [victim.email]})
        assert code(response) == (403, "SSO_NOT_ADMITTED")
        assert other.identities() == []

    def test_the_first_mail_counts(self, firm, names, idp):
        house = saml_house(firm, names, idp)
        mails = ["ada@elsewhere.example", house.mail()]
        response = by_saml(browser(firm), house, idp, "two-mails", attributes={"email": mails})
        assert code(response) == (403, "SSO_NOT_ADMITTED")

    def test_an_attribute_is_not_the_name(self, firm, names, idp):
        house = saml_house(firm, names, idp)
        attributes = {"sub": ["somebody"], "name_id": ["somebody"], "email": [house.mail()]}
        assert by_saml(browser(firm), house, idp, "true-name", attributes=attributes).status_code == 303
        assert [row[0] for row in house.identities()] == ["true-name"]
