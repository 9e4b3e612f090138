"""The knowledge base: drafts and what readers see of them, versions, and whether an article helped."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import count
from uuid import uuid4

import psycopg
import pytest

from tests.serve.realtime.listening import lines, token_of

KB = "/api/v1/knowledge-base"
NUMBERS = count(1)


@pytest.fixture
def editor(firm):
    return firm.client("agent")


@pytest.fixture
def reader(firm):
    return firm.client("technician")


@pytest.fixture
def write(editor):
    """``write(body="…")``: a new draft, as its making showed it."""

    def make(**fields: object):
        made = editor.post(KB, json={"title": f"Article {next(NUMBERS)}", "body": "Text.", **fields})
        assert made.status_code == 201, made.text
        return made.json()["data"]

    return make


def publish(client, article, **more):
    answer = client.post(f"{KB}/{article['id']}/publish", **more)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def change(client, article, **fields):
    answer = client.patch(f"{KB}/{article['id']}", json=fields)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


def code(answer) -> str:
    return answer.json()["error"]["code"]


class TestWhoSeesWhat:
    def test_readers_see_what_was_published_and_editors_the_draft(self, editor, reader, write):
        tag = f"tyres-{uuid4()}"
        article = write(title="Tyres", body="Old pressure.", category="Vans", tags=[tag])
        address = f"{KB}/{article['id']}"
        assert (article["state"], article["published_number"]) == ("draft", None)
        assert reader.get(address).status_code == 404
        assert article["id"] not in {row["id"] for row in reader.get(KB).json()["data"]}

        shown = publish(editor, article)
        assert (shown["state"], shown["published_number"], shown["published_revision"]) == ("published", 1, 1)
        change(editor, article, title="Tyres in winter", body="New pressure.")
        seen = reader.get(address).json()["data"]
        assert (seen["title"], seen["body"], seen["revision"]) == ("Tyres", "Old pressure.", 1)
        drafted = editor.get(address).json()["data"]
        assert (drafted["title"], drafted["revision"]) == ("Tyres in winter", 2)
        assert editor.get(address, params={"view": "published"}).json()["data"]["title"] == "Tyres"
        assert reader.get(KB, params={"search": "winter", "tags": tag}).json()["data"] == []
        [found] = reader.get(KB, params={"search": "pressure", "tags": tag}).json()["data"]
        assert found["title"] == "Tyres"
        assert "body" not in found
        asked = {"search": "tyres", "tags": tag, "fields": "title,body"}
        [whole] = reader.get(KB, params=asked).json()["data"]
        assert whole == {"title": "Tyres", "body": "Old pressure."}

        publish(editor, article)
        assert reader.get(address).json()["data"]["title"] == "Tyres in winter"

    def test_readers_may_not_look_at_drafts_or_change_anything(self, editor, reader, write):
        article = write()
        publish(editor, article)
        address = f"{KB}/{article['id']}"
        for answer in (
            reader.get(address, params={"view": "draft"}),
            reader.get(KB, params={"view": "draft"}),
            reader.get(f"{address}/rendered", params={"view": "draft"}),
            reader.get(f"{address}/versions"),
            reader.get(f"{address}/history"),
            reader.get(f"{KB}/export"),
            reader.patch(address, json={"title": "Mine"}),
            reader.post(f"{address}/publish"),
            reader.delete(address),
        ):
            assert answer.status_code == 403, answer.url

    def test_readers_hear_of_what_is_published_and_not_of_drafts(self, firm, editor, reader, write):
        [(begin,)] = firm.sql("select id::text from events where entity_id = %s", write()["id"])
        article = write(title="Secret")
        publish(editor, article)
        change(editor, article, title="More secret")
        editor.post(f"{KB}/{article['id']}/archive")

        def heard(client):
            with lines(firm.running, token_of(client), last_event_id=begin, follow="false") as stream:
                return [each["name"] for each in stream.all() if each["entity"]["id"] == article["id"]]

        told = ["article.published", "article.archived"]
        assert heard(reader) == told
        assert heard(editor) == ["article.created", told[0], "article.updated", told[1]]

    def test_what_is_archived_or_deleted_is_gone_for_readers(self, editor, reader, write):
        article = write()
        publish(editor, article)
        address = f"{KB}/{article['id']}"
        assert editor.post(f"{address}/archive").json()["data"]["state"] == "archived"
        assert reader.get(address).status_code == 404
        assert publish(editor, article)["published_number"] == 1  # nothing new to freeze
        assert reader.get(address).status_code == 200
        editor.delete(address)
        assert reader.get(address).status_code == 404
        editor.post(f"{address}/restore")
        assert reader.get(address).status_code == 200

    def test_another_tenants_article_looks_absent(self, firm, editor, write):
        article = write()
        publish(editor, article)
        stranger = firm.client("owner", firm.b)
        for answer in (
            stranger.get(f"{KB}/{article['id']}"),
            stranger.post(f"{KB}/{article['id']}/publish"),
            stranger.post(f"{KB}/{article['id']}/feedback", json={"is_helpful": True}),
            stranger.get(f"{KB}/{article['id']}/versions/1"),
        ):
            assert answer.status_code == 404
            assert code(answer) == "ARTICLE_NOT_FOUND"


class TestAddress:
    def test_it_is_made_of_the_title_and_stays(self, editor, write):
        first, second = write(title="Öl & Filter wechseln"), write(title="Öl & Filter wechseln")
        assert (first["slug"], second["slug"]) == ("ol-filter-wechseln", "ol-filter-wechseln-2")
        assert change(editor, first, title="Something else", slug=None)["slug"] == "ol-filter-wechseln"
        assert change(editor, first, slug="oil")["slug"] == "oil"

    def test_two_cannot_have_one(self, editor, write):
        taken = write()["slug"]
        answer = editor.post(KB, json={"title": "Other", "slug": taken})
        assert answer.status_code == 409, answer.text

    @pytest.mark.parametrize(
        ("fields", "named"),
        [
            ({"title": "  "}, "title"),
            ({"slug": "Not A Slug"}, "slug"),
            ({"language": "german"}, "language"),
            ({"body": "x" * 50_001}, "body"),
            ({"body": "a\0b"}, "body"),
            ({"tags": ["x" * 51]}, "tags.0"),
            ({"state": "published"}, "state"),
        ],
    )
    def test_what_is_wrong_is_named(self, editor, fields, named):
        answer = editor.post(KB, json={"title": "T", **fields})
        assert answer.status_code == 422
        assert [each["field"].replace("[0]", ".0") for each in answer.json()["error"]["details"]] == [named]


class TestVersions:
    def test_each_publication_freezes_one_and_they_can_be_compared(self, editor, write):
        article = write(title="A", body="one\ntwo\nthree")
        publish(editor, article, json={"note": "First"})
        publish(editor, article)  # nothing has changed
        change(editor, article, body="one\n2\nthree", tags=["x"])
        publish(editor, article)
        change(editor, article, title="B")
        address = f"{KB}/{article['id']}/versions"
        listed = editor.get(address).json()
        assert [(row["number"], row["note"], row["is_current"]) for row in listed["data"]] == [
            (2, None, True),
            (1, "First", False),
        ]
        assert listed["meta"]["total"] == 2
        assert editor.get(f"{address}/1").json()["data"]["body"] == "one\ntwo\nthree"
        between = editor.get(f"{address}/1/compare", params={"with": 2}).json()["data"]
        assert [part["field"] for part in between["differences"]] == ["body", "tags"]
        assert between["differences"][0]["lines"] == [
            {"change": "same", "text": "one"},
            {"change": "removed", "text": "two"},
            {"change": "added", "text": "2"},
            {"change": "same", "text": "three"},
        ]
        with_draft = editor.get(f"{address}/2/compare").json()["data"]
        assert [(part["before"], part["after"]) for part in with_draft["differences"]] == [("A", "B")]
        assert code(editor.get(f"{address}/3")) == "ARTICLE_VERSION_NOT_FOUND"
        assert editor.get(f"{address}/1/compare", params={"with": 3}).status_code == 404

    def test_what_readers_see_already_is_not_published_again(self, firm, editor, write):
        article = write()
        publish(editor, article)
        address = f"{KB}/{article['id']}"
        seen = editor.get(address)
        assert publish(editor, article) == seen.json()["data"]
        assert editor.get(address).headers["etag"] == seen.headers["etag"]
        back = editor.post(f"{address}/versions/1/rollback")
        assert back.json()["data"] == seen.json()["data"]
        names = [name for name, *_ in firm.events(article["id"])]
        assert names == ["article.created", "article.published"]

    def test_rolling_back_is_a_new_version(self, editor, reader, write):
        article = write(body="Right.")
        publish(editor, article)
        change(editor, article, body="Wrong.")
        publish(editor, article)
        address = f"{KB}/{article['id']}"
        back = editor.post(f"{address}/versions/1/rollback").json()["data"]
        assert (back["body"], back["published_number"]) == ("Right.", 3)
        assert reader.get(address).json()["data"]["body"] == "Right."
        newest = editor.get(f"{address}/versions/3").json()["data"]
        assert (newest["restored_from"], newest["note"]) == (1, "As version 1")
        names = [change["name"] for change in editor.get(f"{address}/history").json()["data"]]
        assert names[:2] == ["article.rolled_back", "article.rolled_back"]
        assert names[-2:] == ["article.published", "article.created"]

    def test_a_version_never_changes(self, firm, editor, write):
        article = write()
        publish(editor, article)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            firm.sql("update article_versions set body = 'Something else'")

    def test_nothing_is_published_empty(self, editor, write):
        article = write(body=" \n")
        answer = editor.post(f"{KB}/{article['id']}/publish")
        assert (answer.status_code, code(answer)) == (409, "ARTICLE_EMPTY")

    @pytest.mark.parametrize("call", ["publish", "archive", "versions/1/rollback"])
    def test_a_lost_update_is_refused(self, editor, write, call):
        article = write()
        publish(editor, article)
        address = f"{KB}/{article['id']}"
        seen = editor.get(address).headers["etag"]
        change(editor, article, title="Newer")
        answer = editor.post(f"{address}/{call}", headers={"if-match": seen})
        assert answer.status_code == 412
        assert editor.get(address).json()["data"]["state"] == "published"

    def test_two_publish_at_once(self, firm, editor, write):
        article = write()
        clients = [firm.client("agent"), firm.client("manager")]
        with ThreadPoolExecutor(2) as pool:
            numbers = list(pool.map(lambda each: publish(each, article)["published_number"], clients))
        assert numbers == [1, 1]
        assert len(editor.get(f"{KB}/{article['id']}/versions").json()["data"]) == 1


class TestPage:
    def test_it_is_safe_html(self, editor, reader, write):
        body = (
            "# Hello\n\n**bold** <script>alert(1)</script>\n\n[bad](javascript:alert(1)) [good](https://example.org)"
            "\n\n![mine](/api/v1/files/1) ![theirs](https://example.org/pixel.gif)\n\n| a | b |\n|---|---|\n| 1 | 2 |"
        )
        article = write(body=body)
        publish(editor, article)
        page = reader.get(f"{KB}/{article['id']}/rendered").json()["data"]
        assert page["number"] == 1
        html = page["html"]
        assert "<h1>Hello</h1>" in html
        assert "<table>" in html
        assert 'src="/api/v1/files/1"' in html
        assert 'href="https://example.org"' in html
        assert "noopener" in html
        for bad in ("<script", 'javascript:"', 'href="javascript', "pixel.gif"):
            assert bad not in html

    def test_a_preview_shows_it_without_keeping_it(self, editor):
        shown = editor.post(f"{KB}/preview", json={"body": "# One\n\n*two* `three`"}).json()["data"]
        assert shown["html"] == "<h1>One</h1>\n<p><em>two</em> <code>three</code></p>\n"
        assert shown["text"] == "One\ntwo three"


class TestFeedback:
    def test_each_person_counts_once_and_may_think_again(self, firm, editor, reader, write):
        article = write()
        address = f"{KB}/{article['id']}"
        early = reader.post(f"{address}/feedback", json={"is_helpful": True})
        assert early.status_code == 409
        publish(editor, article)
        version = editor.get(address).headers["etag"]
        for client, said, counts in (
            (reader, True, (1, 0)),
            (reader, True, (1, 0)),
            (editor, False, (1, 1)),
            (reader, False, (0, 2)),
        ):
            told = client.post(f"{address}/feedback", json={"is_helpful": said}).json()["data"]
            assert (told["helpful_count"], told["unhelpful_count"]) == counts
        seen = editor.get(address)
        assert (seen.json()["data"]["unhelpful_count"], seen.headers["etag"]) == (2, version)
        firm.sql("delete from article_feedback where article_id = %s", article["id"])  # an erasure
        assert editor.get(address).json()["data"]["unhelpful_count"] == 0


class TestManyAtOnce:
    def test_rows_of_a_file_become_drafts(self, firm, editor):
        text = "title,body,language,external_id\nBrakes,Check them.,en,kb-1\nBremsen,Prüfen.,de,kb-2\n"
        sent = editor.post(f"{KB}/import", files={"file": ("kb.csv", text.encode())})
        assert sent.status_code in (200, 202), sent.text
        firm.work()
        made = editor.get(KB, params={"external_id": "kb-1,kb-2", "sort": "external_id"}).json()["data"]
        assert [(row["slug"], row["state"]) for row in made] == [("brakes", "draft"), ("bremsen", "draft")]

    def test_each_row_of_a_bulk_call_gets_its_own_address(self, editor):
        rows = [{"title": "Same"}, {"title": "Same"}]
        results = editor.post(f"{KB}/bulk", json={"rows": rows}).json()["data"]["results"]
        slugs = {editor.get(f"{KB}/{row['id']}").json()["data"]["slug"] for row in results}
        assert slugs == {"same", "same-2"}
