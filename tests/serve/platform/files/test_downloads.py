"""How files go out: whole, in part, under their name, to whoever may; and by links."""

from __future__ import annotations

import base64
import time
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from serve.platform.files.errors import LinkExpired, LinkNotFound
from serve.platform.files.links import Link, Links
from tests.serve.platform.files.sending import FILES, error, sent

TEXT = bytes(range(32, 127)) * 11  # 1,045 bytes


@pytest.fixture(scope="module")
def row(firm):
    return sent(firm.client(), 'Müller "2" 100%.txt', TEXT)


@pytest.fixture(scope="module")
def path(row):
    return f"{FILES}/{row['id']}/download"


class TestDownload:
    def test_it_is_saved_under_its_name_and_never_run(self, firm, row, path):
        answer = firm.client("manager").get(path)
        assert answer.content == TEXT
        assert answer.headers["content-disposition"] == (
            "attachment; filename=\"M_ller _2_ 100_.txt\"; filename*=UTF-8''M%C3%BCller%20%222%22%20100%25.txt"
        )
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        assert answer.headers["etag"].strip('W/"') == row["sha256"]

    @pytest.mark.parametrize(
        ("asked", "first", "last"),
        [
            ("bytes=0-0", 0, 0),
            ("bytes=10-19", 10, 19),
            ("bytes=1000-", 1000, 1044),
            ("bytes=1000-5000", 1000, 1044),
            ("bytes=-5", 1040, 1044),
            ("bytes=-9999", 0, 1044),
            ("bytes=0-", 0, 1044),
        ],
    )
    def test_a_part(self, firm, path, asked, first, last):
        answer = firm.client().get(path, headers={"range": asked})
        assert answer.status_code == 206
        assert answer.headers["content-range"] == f"bytes {first}-{last}/1045"
        assert answer.content == TEXT[first : last + 1]

    @pytest.mark.parametrize("asked", ["bytes=1045-", "bytes=2000-3000", "bytes=-0"])
    def test_a_part_that_is_not_there(self, firm, path, asked):
        answer = firm.client().get(path, headers={"range": asked})
        error(answer, 416, "RANGE_NOT_SATISFIABLE")
        assert answer.headers["content-range"] == "bytes */1045"

    @pytest.mark.parametrize(
        "asked",
        [
            "bytes=",
            "bytes=-",
            "bytes=5-2",
            "bytes=a-b",
            "bytes=0-1,5-6",
            "lines=0-1",
            "bytes=" + "9" * 40 + "-",
        ],
    )
    def test_what_asks_for_no_part_gets_the_whole(self, firm, path, asked):
        answer = firm.client().get(path, headers={"range": asked})
        assert (answer.status_code, answer.content) == (200, TEXT)

    def test_a_part_only_of_the_same_content(self, firm, row, path):
        for tag, status in ((f'"{row["sha256"]}"', 206), ('"other"', 200), (f'W/"{row["sha256"]}"', 200)):
            answer = firm.client().get(path, headers={"range": "bytes=0-9", "if-range": tag})
            assert answer.status_code == status

    def test_who_has_it_is_told_so(self, firm, row, path):
        for tag, status in ((f'"{row["sha256"]}"', 304), (f'W/"{row["sha256"]}", "x"', 304), ('"x"', 200)):
            assert firm.client().get(path, headers={"if-none-match": tag}).status_code == status

    def test_the_head_alone(self, firm, path):
        answer = firm.client().head(path, headers={"accept-encoding": "identity"})
        assert (answer.status_code, answer.content) == (200, b"")
        assert answer.headers["content-length"] == "1045"
        part = firm.client().head(path, headers={"range": "bytes=0-9"})
        assert (part.status_code, part.headers["content-length"]) == (206, "10")

    def test_whose_it_is(self, firm, path):
        assert (
            firm.client(tenant=firm.umbrella).get(path).content == TEXT
        )  # a parent reads what its child has
        assert firm.client(tenant=firm.b).get(path).status_code == 404
        assert firm.running.client().get(path).status_code == 401

    def test_content_that_is_gone(self, firm):
        client = firm.client()
        row = sent(client, "a.txt", b"text")
        storage = firm.running.app.state.files.storage
        storage.remove(firm.a, row["id"])
        error(client.get(f"{FILES}/{row['id']}/download"), 410, "FILE_LOST")


class TestLinks:
    def link(self, firm, row, **wish) -> str:
        made = firm.client("manager").post(f"{FILES}/{row['id']}/link", json=wish)
        assert made.status_code == 201, made.text
        return made.json()["data"]["url"]

    def test_it_opens_the_file_for_whoever_has_it(self, firm, row):
        stranger, url = firm.running.client(), self.link(firm, row)
        assert stranger.get(url).content == TEXT
        assert stranger.get(url, headers={"range": "bytes=0-4"}).content == TEXT[:5]
        assert stranger.head(url).status_code == 200
        assert stranger.get(url).headers["content-disposition"].startswith("attachment")

    def test_nothing_but_what_we_signed_opens_anything(self, firm, row):
        stranger, (path, _, token) = firm.running.client(), self.link(firm, row).partition("?token=")
        for place in range(len(token)):
            other = "A" if token[place] != "A" else "B"
            answer = stranger.get(path, params={"token": token[:place] + other + token[place + 1 :]})
            error(answer, 404, "LINK_NOT_FOUND")
        for odd in (token[:-4], token + "AAAA", "x", "=" * 96, "é" * 90, token.upper()):
            error(stranger.get(path, params={"token": odd}), 404, "LINK_NOT_FOUND")

    def test_a_signature_stands_for_its_tenant_file_and_time(self, firm, row):
        links = firm.running.app.state.files.links
        good = Link(firm.a, uuid4(), int(time.time()) + 60)
        token = base64.urlsafe_b64decode(links.token(good))
        others = (Link(firm.b, *good[1:]), Link(firm.a, uuid4(), good[2]), Link(*good[:2], good[2] + 1))
        for other in others:
            said = base64.urlsafe_b64decode(links.token(other))[:40]
            with pytest.raises(LinkNotFound):
                links.read(base64.urlsafe_b64encode(said + token[40:]).decode(), now_s=0)
        with pytest.raises(LinkNotFound):
            links.read(Links("another installation").token(good), now_s=0)

    def test_it_ends_with_its_time(self, firm, row):
        links = firm.running.app.state.files.links
        token = links.token(Link(firm.a, uuid4(), 1_000))
        assert links.read(token, now_s=999.9).expires_at_s == 1_000
        with pytest.raises(LinkExpired):
            links.read(token, now_s=1_000.0)
        error(firm.running.client().get(f"{FILES}/shared", params={"token": token}), 410, "LINK_EXPIRED")

    def test_it_ends_with_its_file_and_comes_back_with_it(self, firm):
        client, stranger = firm.client(), firm.running.client()
        row = sent(client, "a.txt", b"text")
        url = self.link(firm, row)
        client.delete(f"{FILES}/{row['id']}")
        error(stranger.get(url), 404, "LINK_NOT_FOUND")
        client.post(f"{FILES}/{row['id']}/restore")
        assert stranger.get(url).content == b"text"

    @pytest.mark.parametrize(
        ("seconds", "status"), [(1, 201), (604_800, 201), (604_801, 422), (0, 422), (-1, 422)]
    )
    def test_a_week_at_most(self, firm, row, seconds, status):
        made = firm.client().post(f"{FILES}/{row['id']}/link", json={"expires_in_s": seconds})
        assert made.status_code == status
        if status == 201:
            ends_at = datetime.fromisoformat(made.json()["data"]["expires_at"])
            assert 0 <= seconds + 2 - (ends_at - datetime.now(UTC)).total_seconds() < 30

    def test_who_may_make_one_and_that_it_is_noted(self, firm, row):
        path = f"{FILES}/{row['id']}/link"
        error(firm.client("viewer").post(path, json={}), 403, "FORBIDDEN")
        error(firm.client(tenant=firm.b).post(path, json={}), 404, "FILE_NOT_FOUND")
        error(firm.client(tenant=firm.umbrella).post(path, json={}), 404, "FILE_NOT_FOUND")
        look = "select count(*) from events where name = 'file.link_made' and entity_id = %s"
        [(before,)] = firm.sql(look, row["id"])
        self.link(firm, row)
        assert firm.sql(look, row["id"]) == [(before + 1,)]
        refused = firm.client().post(path, json={}, headers={"x-dry-run": "true"})
        assert refused.status_code == 422  # a link that was made for a try would work

    def test_no_log_keeps_it(self, firm, row, caplog):
        with caplog.at_level("INFO", logger="throughline.access"):
            url = self.link(firm, row)
            firm.running.client().get(url)
            deadline = time.monotonic() + 20
            while "/files/shared" not in caplog.text:  # the line comes when the answer is wholly sent
                assert time.monotonic() < deadline
                firm.running.app.state.manners.accesses.write()
        assert url.partition("token=")[2] not in caplog.text
