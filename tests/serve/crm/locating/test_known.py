"""Leads with an address and without coordinates get them, and what a person gave stays."""

from __future__ import annotations

import json
from typing import Final
from uuid import uuid4

import psycopg
import pytest

from serve.crm.leads.rules import check_lead
from serve.crm.places import locating
from serve.crm.places.cells import cell_of
from tests.serve.crm.conftest import LEADS
from tests.serve.crm.locating.conftest import NOWHERE, read, where
from tests.serve.crm.test_places import LOCATIONS
from tests.serve.crm.test_provenance import told
from tests.serve.resources.sending import taken_in


class TestKnown:
    def test_a_lead_lies_where_the_tenants_place_of_that_town_lies(self, firm, owner, lead, place, look):
        place(53.1, 8.8, city="Bremen", country="DE")
        ada = lead(city="bremen", country="DE")
        assert (ada["coordinates_source"], ada["located_at"]) == (None, None)
        assert look() == 1
        assert where(owner, ada) == (53.1, 8.8, "known_place")
        assert read(owner, ada)["located_at"] > ada["created_at"]
        assert firm.sql("select cell from leads where id = %s", ada["id"]) == [(cell_of(53.1, 8.8),)]
        on_map = owner.get("/api/v1/map/leads", params={"bbox": "8,53,9,54"}).json()["data"]
        assert ada["id"] in json.dumps(on_map)
        assert look() == 0

    def test_by_the_postcode_before_the_town_and_by_leads_that_somebody_placed(
        self, owner, lead, place, look
    ):
        place(53.1, 8.8, city="Bremen")
        placed = lead(postcode="28195", city="Bremen", latitude=53.08, longitude=8.81)
        assert placed["coordinates_source"] == "given"
        by_code, by_town = lead(postcode="28195", city="Bremen"), lead(postcode="28777", city="BREMEN")
        assert look() == 2
        assert where(owner, by_code) == (53.08, 8.81, "known_place")
        middle = where(owner, by_town)
        assert middle[2] == "known_place"
        assert middle[0] == pytest.approx(53.09, abs=0.001)
        # What was found by an address says nothing new of that address.
        assert owner.delete(f"{LEADS}/{placed['id']}").is_success
        later = lead(postcode="28195")
        assert look() == 0
        assert where(owner, later) == NOWHERE

    def test_the_history_says_that_nobody_of_the_tenant_did_it(self, firm, owner, lead, place, look):
        place(53.1, 8.8, city="Bremen")
        ada = lead(city="Bremen")
        version = owner.get(f"{LEADS}/{ada['id']}").headers["etag"]
        look()
        assert owner.get(f"{LEADS}/{ada['id']}").headers["etag"] != version
        name, _, after = firm.events(ada["id"])[-1]
        assert (name, after["coordinates_source"]) == ("lead.located", "known_place")
        [(kind, user)] = firm.sql(
            "select actor_kind, actor_id from events where entity_id = %s and name = 'lead.located'",
            ada["id"],
        )
        assert (kind, user) == ("platform", None)
        fields = told(owner, LEADS, ada["id"])
        assert (fields["latitude"]["source"], fields["city"]["source"]) == ("geocoding", "person")

    def test_what_somebody_gave_is_never_written_over(self, owner, lead, place, look):
        place(53.1, 8.8, city="Bremen")
        ada = lead(city="Bremen", latitude=53.0, longitude=8.7)
        owner.patch(f"{LEADS}/{ada['id']}", json={"postcode": "28195", "city": "bremen"})
        assert look() == 0
        assert where(owner, ada) == (53.0, 8.7, "given")
        found = lead(city="Bremen")
        look()
        assert where(owner, found)[2] == "known_place"
        owner.patch(f"{LEADS}/{found['id']}", json={"latitude": 3.5, "longitude": 4.5})
        owner.patch(f"{LEADS}/{found['id']}", json={"city": "Bremen-Nord"})
        assert look() == 0
        assert where(owner, found) == (3.5, 4.5, "given")

    def test_a_changed_address_takes_what_was_found_by_the_old_one_along(
        self, firm, owner, lead, place, look
    ):
        place(53.1, 8.8, city="Bremen")
        place(48.1, 11.6, city="Munich")
        ada = lead(city="Bremen")
        look()
        changed = owner.patch(f"{LEADS}/{ada['id']}", json={"city": "Munich"}).json()["data"]
        assert (changed["latitude"], changed["coordinates_source"], changed["located_at"]) == (
            None,
            None,
            None,
        )
        assert firm.sql("select cell from leads where id = %s", ada["id"]) == [(None,)]
        assert look() == 1
        assert where(owner, ada) == (48.1, 11.6, "known_place")
        owner.patch(f"{LEADS}/{ada['id']}", json={"full_name": "Ada King"})
        assert where(owner, ada) == (48.1, 11.6, "known_place")
        owner.patch(f"{LEADS}/{ada['id']}", json={"city": None})
        assert look() == 0
        assert where(owner, ada) == NOWHERE

    def test_what_changes_meanwhile_is_not_written_to(self, firm, owner, lead, place, look, monkeypatch):
        """The address changes between the look at it and the answer."""
        place(53.1, 8.8, city="Bremen")
        ada = lead(city="Bremen")
        know = locating._know

        async def slowly(*asked):
            firm.sql("update leads set city = 'Elsewhere' where id = %s", ada["id"])
            await know(*asked)

        monkeypatch.setattr(locating, "_know", slowly)
        assert look() == 0
        assert where(owner, ada) == NOWHERE

    def test_an_address_that_nobody_knows_is_remembered(self, firm, owner, lead, place, look):
        ada, bob = lead(city="Atlantis"), lead(city="El Dorado")
        assert look() == 0
        assert read(owner, ada)["located_at"] is None  # nobody could know anything
        place(53.1, 8.8, city="Bremen")
        version = owner.get(f"{LEADS}/{ada['id']}").headers["etag"]
        assert look() == 0
        looked_at = read(owner, ada)["located_at"]
        assert looked_at is not None
        assert owner.get(f"{LEADS}/{ada['id']}").headers["etag"] == version
        assert [name for name, *_ in firm.events(ada["id"])] == ["lead.created"]
        assert look() == 0
        assert read(owner, ada)["located_at"] == looked_at
        # A place of there is news for the leads of there.
        spot = place(10.0, 20.0, city="Nowhere")
        assert look() == 0
        owner.patch(f"{LOCATIONS}/{spot['id']}", json={"city": "atlantis"})
        assert look() == 1
        assert where(owner, ada) == (10.0, 20.0, "known_place")
        assert (
            read(owner, bob)["located_at"] == read(owner, bob)["located_at"] < read(owner, ada)["located_at"]
        )
        owner.patch(f"{LEADS}/{bob['id']}", json={"city": "Atlantis"})
        assert look() == 1

    def test_no_tenant_knows_what_another_one_knows(self, firm, owner, lead, place, look):
        place(53.1, 8.8, city="Bremen")
        other = firm.client("owner", firm.b)
        theirs = other.post(LEADS, json={"full_name": "Eve", "city": "Bremen"}).json()["data"]
        ours = lead(city="Bremen")
        assert look() == 1
        assert where(owner, ours)[2] == "known_place"
        assert where(other, theirs) == NOWHERE

    def test_a_firm_that_stands_still_is_not_looked_after(self, firm, lead, place, look):
        place(53.1, 8.8, city="Bremen")
        lead(city="Bremen")
        with firm.standing_still():
            assert look() == 0
        assert look() == 1

    def test_rows_of_a_file_wait_until_all_of_them_are_there(self, firm, owner, place, look):
        place(53.1, 8.8, city="Bremen")
        done = taken_in(firm, "full_name,city\nAda,Bremen\nBob,Bremen\n", path=LEADS)
        assert done["created_count"] == 2, done
        firm.sql("update imports set status = 'running' where id = %s", done["id"])
        assert look() == 0
        firm.sql("update imports set status = 'done' where id = %s", done["id"])
        assert look() == 2

    def test_an_import_is_undone_although_its_leads_were_found(self, firm, owner, place, look, lead):
        place(53.1, 8.8, city="Bremen")
        key = str(uuid4())
        before = lead(external_id=key)
        text = f"full_name,city,external_id\nAda,Bremen,{key}\nBob,Bremen,{uuid4()}\n"
        done = taken_in(firm, text, path=LEADS, mode="upsert")
        assert (done["created_count"], done["updated_count"]) == (1, 1), done
        assert look() == 2
        assert where(owner, before)[2] == "known_place"
        assert owner.post(f"/api/v1/imports/{done['id']}/undo").is_success
        firm.work()
        undone = owner.get(f"/api/v1/imports/{done['id']}").json()["data"]
        assert (undone["removed_count"], undone["reverted_count"], undone["left_count"]) == (1, 1, 0)
        assert where(owner, before) == NOWHERE

    def test_what_was_loaded_counts_as_given(self, firm, owner, lead, place, look):
        place(53.1, 8.8, city="Bremen")
        ada = lead(city="Bremen", latitude=1.5, longitude=2.5)
        firm.sql("update leads set coordinates_source = null where id = %s", ada["id"])
        owner.patch(f"{LEADS}/{ada['id']}", json={"city": "Munich"})
        assert look() == 0
        assert where(owner, ada) == (1.5, 2.5, None)

    def test_a_merge_takes_what_was_given_and_not_what_was_found(self, owner, lead, place, look):
        place(53.1, 8.8, city="Bremen")
        found, stays = lead(city="Bremen"), lead()
        look()
        merged = owner.post(f"{LEADS}/{stays['id']}/merge", json={"from_id": found["id"]})
        assert merged.is_success, merged.text
        assert where(owner, stays) == NOWHERE
        assert look() == 1  # it has the town now
        assert where(owner, stays) == (53.1, 8.8, "known_place")

    def test_many_new_places_and_many_leads_that_nobody_knew_meet_in_no_time(self, firm):
        rows = "select %s, 'x' || n, 'Town ' || n, 'P' || n"
        firm.sql(
            "insert into locations (tenant_id, name, city, postcode, latitude, longitude)"
            f" {rows}, 50, 8 from generate_series(1, 2000) n",
            firm.a,
        )
        firm.sql(
            "insert into leads (tenant_id, full_name, city, postcode, source, currency, cost_cents, located_at)"
            f" {rows}, 'manual', 'EUR', 0, now() from generate_series(1996, 22000) n",
            firm.a,
        )
        with psycopg.connect(firm.address.url("super")) as connection:
            connection.execute("select set_config('app.tenant_id', %s, true)", [str(firm.a)])
            # Each with each are 40 million.
            connection.execute("set local statement_timeout = '5s'")
            assert connection.execute(locating._LOOK_AGAIN).rowcount == 5
            connection.rollback()


class TestRule:
    LEAD: Final = {"full_name": "Ada", "status": "new", "city": "Bremen", "postcode": None, "country": "DE"}

    def test_a_new_one_without_coordinates_costs_nothing_more(self):
        assert check_lead(None, self.LEAD | {"latitude": None, "longitude": None}) == {"full_name": "Ada"}
