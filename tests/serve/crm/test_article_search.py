"""Searching the knowledge base by words and by meaning, and whether what was suggested was of use."""

from __future__ import annotations

from concurrent.futures import Future
from itertools import count
from threading import Event, Semaphore
from uuid import uuid4

import pytest

from serve.crm.articles import learning
from serve.kernel.tasks.runner import Runner
from tests.faults.platform import until

KB = "/api/v1/knowledge-base"
NUMBERS = count(1)
ARTICLES = {
    "Fuel card refused": (
        "The pump refuses the card. Wait two minutes, then try another pump or pay and hand in the receipt."
    ),
    "Reset your password": "Choose forgotten password on the login page. A link comes by mail and lasts an hour.",
    "Book a day off": "Ask for leave in the calendar two weeks ahead. Your manager is told and says yes or no.",
    "Report a damaged van": "Photograph the scratch or dent, note the place and tell the workshop the same day.",
}


@pytest.fixture(scope="module")
def filled(firm):
    """The firm with a few published articles; the worker has not been at work yet."""
    client = firm.client("agent")
    ids = {}
    for title, body in ARTICLES.items():
        category = "Vans" if "van" in title or "Fuel" in title else "Office"
        made = client.post(KB, json={"title": title, "body": body, "category": category, "tags": ["new"]})
        ids[title] = made.json()["data"]["id"]
        assert client.post(f"{KB}/{ids[title]}/publish").status_code == 200
    return ids


@pytest.fixture
def learned(firm, filled):
    firm.work()
    return filled


@pytest.fixture
def reader(firm):
    return firm.client("technician")


def search(client, q, **asked):
    answer = client.get(f"{KB}/search", params={"q": q, **asked})
    assert answer.status_code == 200, answer.text
    return answer.json()


def titles(found) -> list[str]:
    return [row["title"] for row in found["data"]]


class TestWords:
    def test_before_anything_is_learned_it_goes_by_words_and_says_so(self, filled, reader):
        found = search(reader, "refusing cards")  # by their stems
        assert titles(found) == ["Fuel card refused"]
        assert (found["meta"]["meaning"], found["meta"]["model_number"]) == ("not_trained", None)
        [hit] = found["data"]
        assert (hit["words_rank"], hit["meaning_rank"], hit["alike"]) == (1, None, None)
        assert "<mark>refuses</mark>" in hit["snippet"]

    def test_a_word_of_the_title_counts_more_than_one_of_the_body(self, firm, reader, filled):
        client = firm.client("agent")
        for title, body in (
            ("About mirrors", "Nothing."),
            ("Nothing", "It has mirrors here and there. " * 3),
        ):
            row = client.post(KB, json={"title": title, "body": body}).json()["data"]
            client.post(f"{KB}/{row['id']}/publish")
        assert titles(search(reader, "mirrors", limit=2)) == ["About mirrors", "Nothing"]

    def test_each_language_has_its_own_stems(self, firm, reader):
        client = firm.client("agent")
        row = client.post(KB, json={"title": "Häuser", "body": "Die Häuser der Kunden.", "language": "de"})
        client.post(f"{KB}/{row.json()['data']['id']}/publish")
        assert "Häuser" in titles(search(reader, "Haus"))
        assert titles(search(reader, "Haus", language="en")) == []

    def test_drafts_and_what_is_gone_are_not_found(self, firm, reader, filled):
        client, (old, new) = firm.client("agent"), (f"bird{uuid4().hex}" for _ in range(2))
        row = client.post(KB, json={"title": old, "body": "Flies."}).json()["data"]
        assert titles(search(reader, old)) == []
        client.post(f"{KB}/{row['id']}/publish")
        client.patch(f"{KB}/{row['id']}", json={"title": new, "body": "Flies."})
        assert titles(search(reader, old)) == [old]
        assert titles(search(reader, new)) == []
        for call in ("archive", "publish"):
            client.post(f"{KB}/{row['id']}/{call}")
            assert titles(search(reader, old)) == []
        assert titles(search(reader, new)) == [new]
        client.delete(f"{KB}/{row['id']}")
        assert titles(search(reader, new)) == []

    def test_what_is_shown_is_escaped(self, firm, reader):
        client = firm.client("agent")
        word = f"zanzibar{uuid4().hex}"
        body = f"`<img src=x onerror=alert(1)>` {word} & more"
        row = client.post(KB, json={"title": "Bad", "body": body}).json()["data"]
        client.post(f"{KB}/{row['id']}/publish")
        [hit] = search(reader, word)["data"]
        assert f"onerror=alert(1)&gt; <mark>{word}</mark> &amp; more" in hit["snippet"]
        assert "<img" not in hit["snippet"]

    @pytest.mark.parametrize(
        "q", ["'", '"', "\\", "a & | ! b", "<->", ":*", "the", "(", "'; drop", "x" * 500, "%"]
    )
    def test_odd_words_are_answered(self, filled, reader, q):
        search(reader, q)

    @pytest.mark.parametrize(
        ("params", "named"),
        [
            ({}, "q"),
            ({"q": ""}, "q"),
            ({"q": "a\0"}, "q"),
            ({"q": "a", "limit": 51}, "limit"),
            ({"q": "a", "x": 1}, "x"),
        ],
    )
    def test_what_is_wrong_is_named(self, reader, params, named):
        answer = reader.get(f"{KB}/search", params=params)
        assert answer.status_code == 422
        assert [each["field"] for each in answer.json()["error"]["details"]] == [named]


class TestMeaning:
    def test_what_has_none_of_the_words_together_is_found(self, learned, reader):
        found = search(reader, "forgot passwort for logging in")
        assert found["meta"]["meaning"] == "used"
        hit = found["data"][0]
        assert (hit["title"], hit["words_rank"], hit["meaning_rank"]) == ("Reset your password", None, 1)
        assert 0 < hit["alike"] <= 1

    def test_nonsense_finds_nothing(self, learned, reader):
        assert titles(search(reader, "xqzt blorf wibble")) == []

    def test_with_operators_words_alone_decide(self, learned, reader):
        for q in ('"damaged van"', "van -damaged"):
            found = search(reader, q)
            assert found["meta"]["meaning"] == "not_asked"
        assert "Report a damaged van" not in titles(search(reader, "van -damaged"))

    def test_filters_hold_for_neighbours_too(self, learned, reader):
        assert "Fuel card refused" in titles(search(reader, "card at the pump does not work", tag="new"))
        for asked in ({"category": "Office"}, {"tag": "other"}, {"language": "de"}):
            assert "Fuel card refused" not in titles(
                search(reader, "card at the pump does not work", **asked)
            )

    def test_what_is_filtered_out_takes_nobodys_place(self, learned, reader):
        asked = "the pump refuses the card, where do I pay, and my leave in the calendar"
        assert titles(search(reader, asked))[0] == "Fuel card refused"
        assert titles(search(reader, asked, category="Office", limit=1)) == ["Book a day off"]

    def test_nothing_of_another_tenant_is_in_it(self, firm, learned):
        found = search(firm.client("owner", firm.b), "fuel card refused")
        assert (found["data"], found["meta"]["meaning"]) == ([], "not_trained")

    def test_one_learns_at_a_time_one_waits_and_nobody_else(self, firm, learned, reader, monkeypatch):
        """Publications come while a model is being learned from what was there before them."""
        client, may_end, begun, fit = firm.client("agent"), Event(), Semaphore(0), learning.fit
        runner = Runner(firm.running.app.state.worker_database, "tests", firm.running.app.state)

        def slowly(*given, **named):
            begun.release()
            assert may_end.wait(60)
            return fit(*given, **named)

        def published(title: str) -> str:
            row = client.post(KB, json={"title": title, "body": "Something more to learn from."}).json()[
                "data"
            ]
            client.post(f"{KB}/{row['id']}/publish")
            return row["id"]

        def started() -> Future:
            queued = "select tenant_id::text, id::text, run from tasks where kind = %s and status = 'queued'"
            [task] = firm.sql(queued, learning.KIND)
            future = firm.running.begin(runner.run(*task))
            is_running = "select count(*) from tasks where id = %s and status <> 'queued'"
            until(lambda: firm.sql(is_running, task[1]) == [(1,)])
            return future

        monkeypatch.setattr(learning, "fit", slowly)
        waits = (
            "select count(*) from pg_locks where locktype = 'advisory' and not granted and database = "
            "(select oid from pg_database where datname = current_database())"
        )
        rows, runs = [published("First")], [started()]
        try:
            assert begun.acquire(timeout=20)
            rows.append(published("Second"))
            runs.append(started())
            until(lambda: firm.sql(waits) == [(1,)], timeout_s=10, what="the second one waits")
            rows.append(published("Third"))
            runs.append(started())
            runs[2].result(20)  # it did not wait
            assert not any(each.done() for each in runs[:2])
        finally:
            may_end.set()
            for each in runs:
                each.result(60)
        results = "select result from tasks where kind = %s order by id desc limit 3"
        third, second, first = (result for (result,) in firm.sql(results, learning.KIND))
        assert (third["is_new"], third["reason"]) == (False, "another task is about to learn the same")
        assert (first["is_new"], second["is_new"]) == (True, True)
        assert second["model_number"] == first["model_number"] + 1
        assert second["article_count"] == first["article_count"] + 2
        [(ids,)] = firm.sql("select article_ids from article_models order by number desc limit 1")
        assert set(rows) <= set(map(str, ids))
        for row in rows:
            client.post(f"{KB}/{row}/archive")
        for call in ("archive", "publish"):  # so that the newest model is of the usual articles again
            client.post(f"{KB}/{learned['Book a day off']}/{call}")
        firm.work()

    def test_the_same_articles_are_not_learned_twice(self, firm, learned, reader):
        before = search(reader, "card")["meta"]["model_number"]
        [(digest,)] = firm.sql("select digest from article_models order by number desc limit 1")
        client = firm.client("agent")
        row = client.post(KB, json={"title": "Short-lived", "body": "Gone soon."}).json()["data"]
        client.post(f"{KB}/{row['id']}/publish")
        firm.work()
        assert search(reader, "card")["meta"]["model_number"] == before + 1
        client.post(f"{KB}/{row['id']}/archive")
        other = learned["Book a day off"]
        for call in ("archive", "publish"):
            client.post(f"{KB}/{other}/{call}")
        firm.work()
        firm.work()
        found = firm.sql("select number, digest from article_models order by number")
        assert found[-1] == (before + 2, digest)
        assert len(found) == 2  # older ones go


@pytest.fixture
def ticket(firm):
    """``ticket("subject")``: its id."""

    def make(subject: str, tenant=None):
        tenant = tenant or firm.a
        customer = {"name": "Customer", "country": "DE"}
        account = firm.client("owner", tenant).post("/api/v1/accounts", json=customer).json()["data"]["id"]
        [(row_id,)] = firm.sql(
            "insert into tickets (tenant_id, account_id, subject, opened_at) values (%s, %s, %s, now()) returning id",
            *(tenant, account, subject),
        )
        return str(row_id)

    return make


class TestSuggestions:
    def test_a_ticket_gets_articles_and_what_was_used_is_the_hit_rate(self, firm, learned, ticket):
        agent = firm.client("agent")
        before = agent.get(f"{KB}/stats").json()["data"]["suggestions"]
        tickets = [ticket("My card was refused when I wanted to pay at the pump"), ticket("xqzt blorf")]
        looked = agent.get(f"{KB}/suggestions", params={"ticket_id": tickets[0]}).json()
        assert looked["data"][0]["title"] == "Fuel card refused"
        assert agent.get(f"{KB}/stats").json()["data"]["suggestions"] == before

        made = [agent.post(f"{KB}/suggestions", json={"ticket_id": each}).json()["data"] for each in tickets]
        assert [row["id"] for row in made[0]["articles"]] == [row["id"] for row in looked["data"]]
        assert made[1]["articles"] == []
        by_text = agent.post(f"{KB}/suggestions", json={"text": "the van has a dent"}).json()["data"]
        assert by_text["articles"][0]["title"] == "Report a damaged van"
        card = learned["Fuel card refused"]
        address = f"{KB}/suggestions/{made[0]['id']}/use"
        first = agent.post(address, json={"article_id": card}).json()["data"]
        again = agent.post(address, json={"article_id": card}).json()["data"]
        assert first == again
        assert first["rank"] == 1

        answer = agent.get(f"{KB}/stats").json()
        rates = answer["data"]["suggestions"]
        assert {name: rates[name] - before[name] for name in rates if name.endswith("_count")} == {
            "asked_count": 3,
            "shown_count": 2,
            "used_count": 1,
            "used_first_count": 1,
            "used_top_3_count": 1,
        }
        assert rates["hit_rate"] == rates["used_count"] / rates["shown_count"]
        assert card in {row["id"] for row in answer["data"]["most_used"]}
        used = firm.sql(
            "select after ->> 'rank' from events where name = 'article.used' and entity_id = %s"
            " and after ->> 'suggestion_id' = %s",
            *(card, made[0]["id"]),
        )
        assert used == [("1",)]
        old = agent.get(f"{KB}/stats", params={"start": "2020-01-01", "end": "2020-01-31"}).json()["data"]
        assert (old["suggestions"]["asked_count"], old["suggestions"]["hit_rate"]) == (0, None)

    def test_what_is_not_shown_any_more_is_not_named_either(self, firm, reader):
        agent, word = firm.client("agent"), f"gargoyle{uuid4().hex}"
        row_id = agent.post(KB, json={"title": word, "body": "Text."}).json()["data"]["id"]
        agent.post(f"{KB}/{row_id}/publish")
        made = agent.post(f"{KB}/suggestions", json={"text": word}).json()["data"]
        assert agent.post(f"{KB}/suggestions/{made['id']}/use", json={"article_id": row_id}).is_success

        def most_used():
            return {row["id"] for row in reader.get(f"{KB}/stats").json()["data"]["most_used"]}

        assert row_id in most_used()
        for call, is_named in (("archive", False), ("publish", True)):
            agent.post(f"{KB}/{row_id}/{call}")
            assert (row_id in most_used()) is is_named
        agent.delete(f"{KB}/{row_id}")
        assert row_id not in most_used()

    def test_what_was_not_suggested_cannot_be_used(self, firm, learned):
        agent = firm.client("agent")
        made = agent.post(f"{KB}/suggestions", json={"text": "the van has a dent"}).json()["data"]
        for suggestion, article in ((made["id"], str(uuid4())), (str(uuid4()), learned["Fuel card refused"])):
            answer = agent.post(f"{KB}/suggestions/{suggestion}/use", json={"article_id": article})
            assert answer.status_code == 404
        stranger = firm.client("owner", firm.b)
        body = {"article_id": made["articles"][0]["id"]}
        assert stranger.post(f"{KB}/suggestions/{made['id']}/use", json=body).status_code == 404

    def test_another_tenants_ticket_looks_absent(self, firm, learned, ticket):
        agent, theirs = firm.client("agent"), ticket("Theirs", firm.b)
        for answer in (
            agent.get(f"{KB}/suggestions", params={"ticket_id": theirs}),
            agent.post(f"{KB}/suggestions", json={"ticket_id": theirs}),
        ):
            assert answer.status_code == 404
            assert answer.json()["error"]["code"] == "TICKET_NOT_FOUND"

    @pytest.mark.parametrize("body", [{}, {"text": ""}, {"text": "a", "ticket_id": str(uuid4())}])
    def test_a_text_or_a_ticket_is_needed(self, firm, body):
        answer = firm.client("agent").post(f"{KB}/suggestions", json=body)
        assert answer.status_code == 422
        assert [each["field"] for each in answer.json()["error"]["details"]] == ["text"]

    def test_at_the_ticket_by_whoever_may_read_both(self, firm, learned, ticket):
        agent, row_id = firm.client("agent"), ticket("My card was refused when I wanted to pay at the pump")
        looked = agent.get(f"{KB}/suggestions", params={"ticket_id": row_id, "limit": 2}).json()
        at_ticket = agent.get(f"/api/v1/tickets/{row_id}/suggestions", params={"limit": 2}).json()
        assert at_ticket["data"] == looked["data"]
        assert at_ticket["data"][0]["title"] == "Fuel card refused"
        body = {"ticket_id": row_id}
        for scopes, status in (
            (["tickets:read"], 403),
            (["articles:read"], 403),
            (["tickets:read", "articles:read"], 200),
        ):
            program = with_key(firm, scopes)
            assert program.get(f"/api/v1/tickets/{row_id}/suggestions").status_code == status, scopes
            assert program.get(f"{KB}/suggestions", params=body).status_code == status, scopes
        stranger = firm.client("owner", firm.b)
        assert stranger.get(f"/api/v1/tickets/{row_id}/suggestions").status_code == 404

    def test_whoever_may_not_read_tickets_suggests_for_a_question_alone(self, firm, learned, ticket):
        program = with_key(firm, ["articles:read", "articles:write"])
        refused = program.post(f"{KB}/suggestions", json={"ticket_id": ticket("My card was refused")})
        assert refused.status_code == 403, refused.text
        made = program.post(f"{KB}/suggestions", json={"text": "My card was refused"})
        assert made.status_code == 201, made.text


def with_key(firm, scopes: list[str]):
    """A program that may do this much."""
    asked = {"name": f"Key {uuid4()}", "scopes": scopes}
    made = firm.client("owner").post("/api/v1/auth/api-keys", json=asked).json()["data"]
    return firm.running.client(Authorization=f"Bearer {made['key']}")
