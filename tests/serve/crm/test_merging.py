"""Two rows become one, and come apart exactly as they were."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg.rows import dict_row

from serve.identity.privacy import people

CONTACTS, LEADS, ACCOUNTS, MERGES = "/api/v1/contacts", "/api/v1/leads", "/api/v1/accounts", "/api/v1/merges"
PURPOSES, CONSENTS = "/api/v1/privacy/purposes", "/api/v1/privacy/consents"
STAMPS = {"updated_at", "change_xid"}
OF_THE_MERGE = {
    *("events", "event_seals", "merges", "merge_moves", "idempotency_keys", "api_requests", "rate_limits"),
    *("event_readers", "number_series"),
}


def everything(firm) -> dict[str, Any]:
    """Every row of every table, but what tells of changes."""
    with psycopg.connect(firm.address.url("super"), row_factory=dict_row) as connection:
        names = [
            row["relname"]
            for row in connection.execute(
                "select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'"
                " where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition"
            )
        ]
        return {
            name: sorted(
                str({key: value for key, value in row["row"].items() if key not in STAMPS})
                for row in connection.execute(f"select to_jsonb(t) as row from {name} t").fetchall()  # type: ignore[call-overload]
            )
            for name in names
            if name not in OF_THE_MERGE
        }


def data(answer, status: int = 200):
    assert answer.status_code == status, answer.text
    return answer.json()["data"]


def code(answer):
    return answer.status_code, answer.json()["error"]["code"]


@pytest.fixture
def make(owner):
    def made(path: str, **fields: Any):
        return data(owner.post(path, json=fields), 201)

    return made


@pytest.fixture
def pair(make):
    """Two contacts, each with something of its own, and a note on the second."""
    first = make(CONTACTS, full_name="Ada Byron", email="ada@example.org", tags=["vip"])
    second = make(CONTACTS, full_name="A. Byron", phone="+49 30 901820", tags=["van"], job_title="Countess")
    make(f"{CONTACTS}/{second['id']}/notes", body="Likes trains")
    return first, second


def merge(client, first, second, path: str = CONTACTS, **more: Any):
    return client.post(f"{path}/{first['id']}/merge", json={"from_id": second["id"], **more})


def undo(client, made, **more: Any):
    return client.post(f"{MERGES}/{made['id']}/undo", json=more)


class TestMerge:
    def test_one_has_what_both_had(self, owner, pair, firm):
        first, second = pair
        made = data(merge(owner, first, second))
        row = data(owner.get(f"{CONTACTS}/{first['id']}"))
        assert (row["full_name"], row["email"], row["phone"]) == (
            "Ada Byron",
            "ada@example.org",
            "+49 30 901820",
        )
        assert (row["job_title"], row["tags"]) == ("Countess", ["vip", "van"])
        assert [note["body"] for note in data(owner.get(f"{CONTACTS}/{first['id']}/notes"))] == [
            "Likes trains"
        ]
        assert (made["moved"], made["taken_fields"]) == ({"notes": 1}, ["job_title", "phone", "tags"])
        assert made["evidence"]
        assert [name for name, *_ in firm.events(second["id"])][-1] == "contact.merged"
        assert [name for name, *_ in firm.events(first["id"])][-1] == "contact.took_over"

    def test_who_asks_for_the_other_is_told_where_it_went(self, owner, pair):
        first, second = pair
        made = data(merge(owner, first, second))
        for asked in (
            owner.get(f"{CONTACTS}/{second['id']}"),
            owner.patch(f"{CONTACTS}/{second['id']}", json={}),
        ):
            assert code(asked) == (404, "CONTACT_NOT_FOUND")
            said = {each["field"]: each["message"] for each in asked.json()["error"]["details"]}
            assert said == {"merged_into_id": first["id"], "merge_id": made["id"]}
            assert f"{CONTACTS}/{first['id']}" in asked.headers["link"]
        assert code(owner.post(f"{CONTACTS}/{second['id']}/restore")) == (409, "IS_MERGED")
        assert second["id"] not in {row["id"] for row in data(owner.get(CONTACTS))}

    def test_values_are_chosen_field_by_field(self, owner, pair):
        first, second = pair
        data(merge(owner, first, second, take=["full_name"], fill_gaps=False))
        row = data(owner.get(f"{CONTACTS}/{first['id']}"))
        assert (row["full_name"], row["phone"], row["job_title"]) == ("A. Byron", None, None)
        assert code(merge(owner, first, {"id": str(uuid4())}, take=["id"])) == (422, "INVALID")

    def test_asked_twice_it_is_done_once(self, owner, pair, firm):
        first, second = pair
        made = data(merge(owner, first, second))
        assert data(merge(owner, first, second))["id"] == made["id"]
        assert firm.sql("select count(*) from merges where merged_id = %s", second["id"]) == [(1,)]

    def test_what_does_not_go_is_refused(self, owner, pair, make, firm):
        first, second = pair
        assert code(merge(owner, first, first)) == (422, "INVALID")
        assert code(merge(owner, first, {"id": str(uuid4())})) == (422, "INVALID")
        assert merge(owner, {"id": str(uuid4())}, second).status_code == 404
        assert merge(firm.client("owner", firm.b), first, second).status_code == 404
        assert code(merge(firm.client("agent"), first, second)) == (403, "FORBIDDEN")
        data(merge(owner, first, second))
        third = make(CONTACTS, full_name="Third")
        assert code(merge(owner, third, second)) == (409, "MERGED_ALREADY")
        household = make(ACCOUNTS, kind="household", name="Byron", country="DE")
        company = make(ACCOUNTS, name="Byron GmbH", country="DE")
        assert code(merge(owner, company, household, ACCOUNTS)) == (422, "INVALID")

    def test_two_that_cross_do_not_wait_for_each_other(self, firm, pair):
        first, second = pair
        with ThreadPoolExecutor(2) as both:
            answers = list(
                both.map(
                    lambda way: merge(firm.client("owner"), *way).status_code,
                    ((first, second), (second, first)),
                )
            )
        assert sorted(answers) in ([200, 404], [200, 409])


class TestUndo:
    def test_both_are_as_they_were(self, owner, pair, firm):
        before = everything(firm)
        made = data(merge(owner, *pair))
        assert everything(firm) != before
        undone = data(undo(owner, made))
        assert everything(firm) == before
        assert undone["undone_at"] is not None
        assert data(undo(owner, made)) == undone
        assert firm.events(pair[1]["id"])[-1][0] == "contact.unmerged"
        assert data(owner.get(f"{CONTACTS}/{pair[1]['id']}"))["phone"] == "+49 30 901820"

    def test_what_was_changed_since_is_named_and_may_stay(self, owner, pair, firm):
        first, second = pair
        made = data(merge(owner, first, second))
        owner.patch(f"{CONTACTS}/{first['id']}", json={"phone": "+49 30 1234567"})
        refused = undo(owner, made)
        assert code(refused) == (409, "CHANGED_SINCE_MERGE")
        assert [each["field"] for each in refused.json()["error"]["details"]] == ["phone"]
        assert data(owner.get(f"{CONTACTS}/{first['id']}"))["job_title"] == "Countess"
        undone = data(undo(owner, made, leave_changed=True))
        assert [each["field"] for each in undone["left_as_changed"]] == ["phone"]
        row = data(owner.get(f"{CONTACTS}/{first['id']}"))
        assert (row["phone"], row["job_title"]) == ("+49 30 1234567", None)
        assert data(owner.get(f"{CONTACTS}/{second['id']}"))["phone"] == "+49 30 901820"

    def test_what_came_since_stays_with_the_survivor(self, owner, pair, make):
        first, second = pair
        made = data(merge(owner, first, second))
        make(f"{CONTACTS}/{first['id']}/notes", body="Came later")
        data(undo(owner, made))
        assert [n["body"] for n in data(owner.get(f"{CONTACTS}/{first['id']}/notes"))] == ["Came later"]
        assert [n["body"] for n in data(owner.get(f"{CONTACTS}/{second['id']}/notes"))] == ["Likes trains"]

    def test_merges_upon_each_other_come_apart_from_the_last(self, owner, pair, make, firm):
        third = make(CONTACTS, full_name="Countess of Lovelace")
        before = everything(firm)
        one = data(merge(owner, *pair))
        two = data(merge(owner, third, pair[0]))
        assert code(undo(owner, one)) == (409, "MERGE_STANDS")
        assert len(data(owner.get(f"{CONTACTS}/{third['id']}/notes"))) == 1
        data(undo(owner, two))
        data(undo(owner, one))
        assert everything(firm) == before

    def test_values_taken_are_sealed_and_end_with_the_person(self, owner, pair, firm):
        made = data(merge(owner, *pair))
        [(taken,)] = firm.sql("select taken::text from merges where id = %s", made["id"])
        assert "901820" not in taken
        assert "sealed" in taken

    def test_of_others_there_is_nothing(self, owner, pair, firm):
        made = data(merge(owner, *pair))
        stranger = firm.client("owner", firm.b)
        assert undo(stranger, made).status_code == 404
        assert stranger.get(f"{MERGES}/{made['id']}").status_code == 404
        assert data(stranger.get(MERGES)) == []
        assert code(undo(firm.client("agent"), made)) == (403, "FORBIDDEN")
        assert data(firm.client("agent").get(f"{MERGES}/{made['id']}"))["survivor_id"] == pair[0]["id"]


def test_tasks_and_notifications_follow_it_and_come_back(owner, pair, firm):
    first, second = pair
    person = firm.people[firm.a, "agent"]
    about = (firm.a, "contact", second["id"])
    firm.sql(
        "insert into tasks (tenant_id, kind, queue, title, most_attempts, status, entity_type, entity_id)"
        " values (%s, 'contacts.write', 'default', 'Write to Ada', 3, 'succeeded', %s, %s)",
        *about,
    )
    firm.sql(
        "insert into notifications (tenant_id, kind, title, entity_type, entity_id, user_id)"
        " values (%s, 'note', 'Ada called', %s, %s, %s)",
        *about,
        person,
    )
    before = everything(firm)
    made = data(merge(owner, first, second))
    assert (made["moved"]["tasks"], made["moved"]["notifications"]) == (1, 1)
    for table in ("tasks", "notifications"):
        found = firm.sql(f"select entity_id::text from {table} where entity_type = 'contact'")
        assert first["id"] in {row_id for (row_id,) in found}
        assert second["id"] not in {row_id for (row_id,) in found}
    data(undo(owner, made))
    assert everything(firm) == before


class TestOwnIds:
    """What another system calls a row leads to the row that it is part of."""

    def put(self, owner, *rows: dict[str, Any], mode: str = "upsert"):
        return owner.post(f"{CONTACTS}/bulk", params={"mode": mode}, json={"rows": rows}).json()["data"][
            "results"
        ]

    @pytest.fixture
    def own(self, owner, make):
        """Three that are one: the ids of the first, and of the second, which the third was merged into."""

        def made(mark: str):
            rows = [make(CONTACTS, full_name="Ada", external_id=f"{mark}{n}") for n in (1, 2, 3)]
            data(merge(owner, rows[1], rows[2]))
            data(merge(owner, rows[0], rows[1]))
            return rows

        return made

    def test_they_change_the_survivor(self, owner, own):
        first, *_ = own("X")
        results = self.put(owner, {"external_id": "X3", "full_name": "Ada King"})
        assert [(each["status"], each["id"]) for each in results] == [("updated", first["id"])]
        row = data(owner.get(f"{CONTACTS}/{first['id']}"))
        assert (row["full_name"], row["external_id"]) == ("Ada King", "X1")
        assert self.put(owner, {"external_id": "X2", "full_name": "Ada King"})[0]["status"] == "unchanged"

    def test_several_of_one_row_are_taken_in_their_order(self, owner, own):
        first, *_ = own("Y")
        rows = [{"external_id": f"Y{n}", "full_name": f"Name {n}", "phone": "1"} for n in (1, 3, 2)]
        results = self.put(owner, {"external_id": "Y9", "full_name": "New"}, *rows)
        assert [each["status"] for each in results] == ["created", "updated", "updated", "updated"]
        assert data(owner.get(f"{CONTACTS}/{first['id']}"))["full_name"] == "Name 2"

    def test_what_was_deleted_is_still_refused(self, owner, make, own):
        gone = make(CONTACTS, full_name="Gone", external_id="Z0")
        owner.delete(f"{CONTACTS}/{gone['id']}")
        first, *_ = own("Z")
        owner.delete(f"{CONTACTS}/{first['id']}")
        results = self.put(owner, *({"external_id": f"Z{n}", "full_name": "Back"} for n in (9, 0, 1, 3)))
        assert [(each["error"] or {}).get("code") for each in results] == [None, *["CONTACT_NOT_FOUND"] * 3]


REFERRING = """
    select c.conrelid::regclass::text, a.attname, c.confrelid::regclass::text
    from pg_constraint c cross join lateral unnest(c.conkey, c.confkey) k (own, other)
    join pg_attribute a on a.attrelid = c.conrelid and a.attnum = k.own
    join pg_attribute o on o.attrelid = c.confrelid and o.attnum = k.other and o.attname = 'id'
    where c.contype = 'f' and c.confrelid in ('contacts'::regclass, 'leads'::regclass, 'accounts'::regclass)
    order by 1, 2
"""
PATHS = {"contacts": CONTACTS, "leads": LEADS, "accounts": ACCOUNTS}
NEW = {
    "contacts": {"full_name": "Ada Byron"},
    "leads": {"full_name": "Ada Byron"},
    "accounts": {"name": "Byron", "country": "DE"},
}


def refer(firm, table: str, column: str, row_id: str, tenant) -> None:
    """A row of that table that names the one; nothing else of it is asked for."""
    from tests.surface.tenancy import MORE_VALUES, minimal_row

    with psycopg.connect(firm.address.url("super")) as connection:
        values = minimal_row(connection, table, tenant) | MORE_VALUES.get(table, {})
        if table == "notes":
            values = {name: value for name, value in values.items() if not name.endswith("_id")}
        values |= {"tenant_id": tenant, column: row_id}
        names, places = ", ".join(values), ", ".join(["%s"] * len(values))
        connection.execute("set local session_replication_role = replica")
        connection.execute(f"insert into {table} ({names}) values ({places})", list(values.values()))  # type: ignore[call-overload]


@pytest.mark.parametrize("kind", ["contacts", "leads", "accounts"])
def test_every_table_that_refers_to_it_follows_and_comes_back(kind, owner, make, firm):
    first, second = make(PATHS[kind], **NEW[kind]), make(PATHS[kind], **NEW[kind])
    tables = [(table, column) for table, column, target in firm.sql(REFERRING) if target == kind]
    assert tables
    for table, column in tables:
        refer(firm, table, column, second["id"], firm.a)
    before = everything(firm)
    made = data(merge(owner, first, second, PATHS[kind]))
    left = {
        (table, column)
        for table, column in tables
        if firm.sql(f"select count(*) from {table} where {column} = %s", second["id"]) != [(0,)]
    }
    assert left == set()
    data(undo(owner, made))
    assert everything(firm) == before


WORDS = st.text(alphabet="abcdeé ", min_size=1, max_size=8).filter(lambda text: text.strip())
PERSON = st.fixed_dictionaries(
    {"full_name": WORDS},
    optional={
        "email": st.sampled_from(["a@example.org", "b@example.org"]),
        "phone": WORDS,
        "job_title": WORDS,
        "tags": st.lists(st.sampled_from(["one", "two", "three"]), unique=True),
        "attributes": st.dictionaries(st.sampled_from(["x", "y"]), st.integers(0, 3)),
        "consent_email": st.booleans(),
    },
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    people=st.lists(PERSON, min_size=3, max_size=4),
    notes=st.lists(st.integers(0, 3), max_size=4),
    steps=st.lists(
        st.tuples(
            st.integers(0, 3), st.integers(0, 3), st.booleans(), st.sets(st.sampled_from(["phone", "email"]))
        ),
        min_size=1,
        max_size=3,
    ),
)
def test_whatever_is_merged_comes_apart_exactly(people, notes, steps, owner, make, firm):
    rows = [make(CONTACTS, **person) for person in people]
    for place in notes:
        make(f"{CONTACTS}/{rows[place % len(rows)]['id']}/notes", body="Said something")
    before = everything(firm)
    done = []
    for one, other, fills, takes in steps:
        pair = rows[one % len(rows)], rows[other % len(rows)]
        answer = merge(owner, *pair, fill_gaps=fills, take=sorted(takes))
        assert answer.status_code in (200, 404, 409, 422)
        if answer.status_code == 200 and answer.json()["data"]["id"] not in done:
            done.append(answer.json()["data"]["id"])
    for merge_id in reversed(done):
        data(undo(owner, {"id": merge_id}))
    assert everything(firm) == before


def test_who_was_merged_is_erased_with_the_other(owner, make, firm):
    first = make(CONTACTS, full_name="Mary Somerville", email="mary@example.org")
    second = make(CONTACTS, full_name="M. Somerville", email="somerville@example.org")
    made = data(merge(owner, first, second))

    async def person() -> Any:
        database = firm.running.app.state.database
        caller = await _owner_of(firm)
        async with database.transaction(caller) as db:
            return await people.find(db, "contact", first["id"])

    found = firm.running.wait_for(person())
    assert set(found.ids("contact")) == {first["id"], second["id"]}
    firm.sql("update merges set erased_at = now(), taken = '{}' where id = %s", made["id"])
    assert code(undo(owner, made)) == (409, "ERASED_SINCE_MERGE")


def test_who_said_no_to_one_has_said_it_to_the_other(owner, pair):
    first, second = pair
    purpose = data(owner.post(PURPOSES, json={"key": "news", "name": "News", "lawful_basis": "consent"}), 201)
    said = {"subject_kind": "contact", "purpose_id": purpose["id"], "source": "telephone"}
    data(owner.post(CONSENTS, json={**said, "subject_id": first["id"], "decision": "granted"}), 201)
    data(owner.post(CONSENTS, json={**said, "subject_id": second["id"], "decision": "withdrawn"}), 201)

    def may_be_written_to() -> bool:
        asked = {"subject_kind": "contact", "subject_id": first["id"]}
        shown = data(owner.get(f"{CONSENTS}/current", params=asked))
        return {row["may"] for row in shown if row["purpose_key"] == "news"} == {True}

    assert may_be_written_to()
    made = data(merge(owner, first, second))
    assert not may_be_written_to()
    data(undo(owner, made))
    assert may_be_written_to()


async def _owner_of(firm) -> Any:
    from serve.kernel.actions.principals import principal_of

    return await principal_of(firm.running.app.state.database, firm.a, user_id=firm.people[firm.a, "owner"])
