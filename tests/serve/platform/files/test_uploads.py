"""How files come in: as large as they may be, once, whole or not at all."""

from __future__ import annotations

import io
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psutil
import pytest
from PIL import Image

from serve.platform.files.service import MOST_FILES
from serve.ports.storage import Storage
from tests.serve.platform.files.sending import (
    BOUNDARY,
    END,
    FILES,
    KIND,
    error,
    everything_in,
    part,
    send,
    sent,
)
from tests.surface.corpora.uploads import PNG, packed

LIMIT = 100_000


@pytest.fixture
def kept(firm, monkeypatch):
    """What the service keeps for files, with small limits."""
    kept = firm.running.app.state.files
    monkeypatch.setattr(kept, "most_file_bytes", LIMIT)
    return kept


def folder(firm) -> Path:
    return firm.running.app.state.settings.throughline_home / "files"


def count(firm) -> int:
    [(rows,)] = firm.sql("select count(*) from files where tenant_id = %s", firm.a)
    return rows


def pieces(content: bytes):
    for start in range(0, len(content), 7_000):
        yield content[start : start + 7_000]


class TestSizes:
    @pytest.mark.parametrize("is_declared", [True, False])
    @pytest.mark.parametrize(("size_bytes", "status"), [(LIMIT, 201), (LIMIT + 1, 413)])
    def test_the_limit_itself_is_taken_and_one_more_is_not(self, firm, kept, size_bytes, status, is_declared):
        before = everything_in(folder(firm))
        body = part("file", b"x" * size_bytes, file="a.txt") + END
        response = firm.client().post(FILES, content=body if is_declared else pieces(body), headers=KIND)
        assert response.status_code == status, response.text
        if status == 413:
            assert error(response, 413, "FILE_TOO_LARGE") == [("file", f"is larger than {LIMIT:,} bytes")]
            assert everything_in(folder(firm)) == before
        else:
            assert response.json()["data"]["size_bytes"] == size_bytes

    def test_a_file_far_beyond_it_is_answered_though_the_client_goes_on_writing(self, firm, kept):
        body = part("file", b"x" * 20_000_000, file="a.txt") + END
        error(firm.client().post(FILES, content=pieces(body), headers=KIND), 413, "FILE_TOO_LARGE")

    def test_the_body_has_its_limit_too(self, firm, kept, monkeypatch):
        monkeypatch.setattr(firm.running.app.state.manners, "max_upload_bytes", 3 * LIMIT)
        files = [("files", (f"{number}.txt", b"x" * LIMIT)) for number in range(3)]
        before = everything_in(folder(firm))
        error(firm.client().post(f"{FILES}/upload-multiple", files=files), 413, "BODY_TOO_LARGE")
        assert everything_in(folder(firm)) == before

    def test_it_is_never_held_in_memory(self, firm):
        size_mb = 48
        text = b"a line of a text that goes on and on\n" * 28_000  # about a megabyte

        def body():
            yield part("file", b"", file="long.txt")[:-2]
            for _ in range(size_mb):
                yield text
            yield b"\r\n" + END

        process, peak, done = psutil.Process(), 0, threading.Event()

        def watch() -> None:
            nonlocal peak
            while not done.wait(0.01):
                peak = max(peak, process.memory_info().rss)

        sent(firm.client(), "warm.txt", text)
        before = process.memory_info().rss
        watcher = threading.Thread(target=watch)
        watcher.start()
        response = firm.client().post(FILES, content=body(), headers=KIND)
        done.set()
        watcher.join()
        assert response.json()["data"]["size_bytes"] == size_mb * len(text), response.text
        grown_mb = (peak - before) / 2**20
        print(f"\n{size_mb} MB taken in, memory grew by {grown_mb:.1f} MB")
        assert grown_mb < 24

    def test_what_is_broken_off_leaves_nothing(self, firm):
        before, rows = everything_in(folder(firm)), count(firm)
        client = firm.client()
        with socket.create_connection(("127.0.0.1", client.base_url.port)) as connection:
            head = (
                f"POST {FILES} HTTP/1.1\r\nHost: x\r\nAuthorization: {client.headers['authorization']}\r\n"
                f"Content-Type: multipart/form-data; boundary={BOUNDARY}\r\nContent-Length: 900000\r\n\r\n"
            )
            connection.sendall(head.encode() + part("file", b"x" * 400_000, file="a.txt"))
            deadline = time.monotonic() + 30
            while everything_in(folder(firm)) == before:  # until it lies aside
                assert time.monotonic() < deadline
                time.sleep(0.005)
        while everything_in(folder(firm)) != before:  # and until that is gone
            assert time.monotonic() < deadline
            time.sleep(0.005)
        assert count(firm) == rows

    def test_a_company_has_only_so_much_room(self, firm, monkeypatch):
        kept = firm.running.app.state.files
        client = firm.client(tenant=firm.b)
        sent(client, "a.txt", b"x" * 1000)
        [(used,)] = firm.sql("select sum(size_bytes)::bigint from files where tenant_id = %s", firm.b)
        monkeypatch.setattr(kept, "quota_bytes", used + 5_000)
        before = everything_in(folder(firm))
        with ThreadPoolExecutor(6) as pool:
            clients = [firm.client(tenant=firm.b) for _ in range(6)]
            answers = list(pool.map(lambda each: send(each, "a.txt", b"x" * 1_250), clients))
        assert sorted(answer.status_code for answer in answers) == [201] * 4 + [413] * 2
        error(next(each for each in answers if each.status_code == 413), 413, "FILE_QUOTA_EXCEEDED")
        assert len(everything_in(folder(firm)) - before) == 4
        # What is deleted can be restored, so its bytes are still there.
        made = next(each for each in answers if each.status_code == 201).json()["data"]["id"]
        assert client.delete(f"{FILES}/{made}").status_code == 200
        assert send(client, "a.txt", b"x").status_code == 413
        other = firm.client(tenant=firm.umbrella)
        assert send(other, "a.txt", b"x").status_code == 201  # another company's room is its own


class TestForms:
    @pytest.mark.parametrize(
        ("body", "status", "field"),
        [
            (END, 422, "file"),
            (part("purpose", b"receipt") + END, 422, "file"),
            (part("file", b"text") + END, 422, "file"),
            (part("photo", b"text", file="a.txt") + END, 422, "photo"),
            (part("file", b"text", file="a.txt") * 2 + END, 422, "file"),
            (part("file", b"text", file="a.txt") + part("colour", b"red") + END, 422, "colour"),
            (part("purpose", b"a") * 2 + part("file", b"text", file="a.txt") + END, 422, "purpose"),
            (part("purpose", b"x" * 10_001) + part("file", b"text", file="a.txt") + END, 422, "purpose"),
            (part("purpose", b"\xff") + part("file", b"text", file="a.txt") + END, 422, "purpose"),
            (part("purpose", b"avatar") + part("file", b"text", file="a.txt") + END, 422, "purpose"),
            (part("entity_type", b"account") + part("file", b"text", file="a.txt") + END, 422, "entity_id"),
            (part("entity_id", b"7") + part("file", b"text", file="a.txt") + END, 422, "entity_id"),
            (b"".join(part(f"f{n}", b"") for n in range(21)) + END, 422, None),
            (part("file", b"text", file="a.txt"), 400, None),
            (part("file", b"text", file="a.txt", more="X: y\r\n" * 9) + END, 400, None),
            (part("file", b"text", file="a.txt", more=f"X: {'y' * 5_000}\r\n") + END, 400, None),
            (b"rubbish" + END, 400, None),
            (f"--{BOUNDARY}\r\nContent-Type: text/plain\r\n\r\ntext\r\n".encode() + END, 400, None),
        ],
    )
    def test_what_is_wrong_is_named(self, firm, body, status, field):
        before, rows = everything_in(folder(firm)), count(firm)
        response = firm.client().post(FILES, content=body, headers=KIND)
        assert response.status_code == status, response.text
        details = response.json()["error"]["details"]
        assert {detail["field"] for detail in details} == ({field} if field else set()), details
        assert (everything_in(folder(firm)), count(firm)) == (before, rows)

    @pytest.mark.parametrize(
        ("kind", "status"),
        [("application/json", 415), ("multipart/form-data", 400), ("multipart/mixed; boundary=edge", 415)],
    )
    def test_what_is_no_form(self, firm, kind, status):
        response = firm.client().post(
            FILES, content=part("file", b"x", file="a.txt") + END, headers={"content-type": kind}
        )
        assert response.status_code == status

    def test_names_in_camel_case_and_a_charset(self, firm):
        more = "Content-Type: text/csv; charset=windows-1252\r\n"
        body = part("externalId", b"scan-7") + part(
            "file", "Müller;Öl\n".encode("cp1252"), file="a.csv", more=more
        )
        row = firm.client().post(FILES, content=body + END, headers=KIND).json()["data"]
        assert (row["external_id"], row["charset"]) == ("scan-7", "cp1252")
        back = firm.client().get(f"{FILES}/{row['id']}/download")
        assert back.text == "Müller;Öl\n"
        error(firm.client().post(FILES, content=body + END, headers=KIND), 409, "DUPLICATE")

    def test_no_import_takes_more_than_one_file_into_memory_or_a_thousand_fields(self, firm):
        files = [("file", ("a.csv", b"full_name\nAda\n"))] * 2
        assert firm.client().post("/api/v1/contacts/import", files=files).status_code == 400
        fields = {f"f{number}": "x" for number in range(21)}
        response = firm.client().post("/api/v1/contacts/import", data=fields, files=files[:1])
        assert response.status_code == 400


class TestSeveral:
    def test_as_many_as_there_may_be_and_one_more(self, firm):
        for number, status in ((MOST_FILES, 201), (MOST_FILES + 1, 422)):
            files = [("files", (f"{each}.txt", b"text")) for each in range(number)]
            response = firm.client().post(f"{FILES}/upload-multiple", files=files)
            assert response.status_code == status
        assert response.json()["error"]["details"][0]["field"] == "files"

    def test_one_that_is_refused_takes_all_with_it(self, firm):
        before, rows = everything_in(folder(firm)), count(firm)
        files = [("files", ("a.txt", b"text")), ("files", ("b.png", b"text"))]
        response = firm.client().post(f"{FILES}/upload-multiple", files=files)
        assert [field for field, _ in error(response, 415, "FILE_TYPE_REFUSED")] == ["files[1]"]
        assert (everything_in(folder(firm)), count(firm)) == (before, rows)


class TestRepeated:
    def test_twenty_at_once_with_one_key_are_one_file(self, firm):
        before, rows = everything_in(folder(firm)), count(firm)
        with ThreadPoolExecutor(20) as pool:
            clients = [firm.client() for _ in range(20)]
            key = {"idempotency-key": "twenty at once"}
            answers = list(
                pool.map(
                    lambda each: each.post(FILES, files={"file": ("a.txt", b"once")}, headers=key), clients
                )
            )
        assert {answer.status_code for answer in answers} == {201}
        assert len({answer.content for answer in answers}) == 1
        assert sum("idempotency-replayed" in answer.headers for answer in answers) == 19
        assert count(firm) == rows + 1
        assert len(everything_in(folder(firm)) - before) == 1

    @pytest.mark.parametrize(
        ("name", "content", "fields"),
        [("a.txt", b"other", {}), ("b.txt", b"once", {}), ("a.txt", b"once", {"purpose": "receipt"})],
    )
    def test_with_the_key_of_another_file_it_is_refused(self, firm, name, content, fields):
        key = {"idempotency-key": f"of another {name}{content!r}{fields}"}
        client, before = firm.client(), None
        assert client.post(FILES, files={"file": ("a.txt", b"once")}, headers=key).status_code == 201
        before = everything_in(folder(firm))
        again = client.post(FILES, files={"file": (name, content)}, data=fields, headers=key)
        error(again, 422, "IDEMPOTENCY_KEY_REUSED")
        assert everything_in(folder(firm)) == before

    def test_a_refusal_does_not_use_the_key_up(self, firm):
        key = {"idempotency-key": "a second try"}
        client = firm.client()
        assert client.post(FILES, files={"file": ("a.png", b"text")}, headers=key).status_code == 415
        assert client.post(FILES, files={"file": ("a.png", PNG)}, headers=key).status_code == 201


class TestRecords:
    def test_names_stand_in_no_event_as_they_are(self, firm):
        row = sent(firm.client(), "Krankmeldung Ada Byron.txt", b"text")
        [(name, _, after)] = firm.events(row["id"])
        assert name == "file.created"
        assert after["sha256"] == row["sha256"]
        assert "Byron" not in str(after)
        history = firm.client().get(f"{FILES}/{row['id']}/history").json()["data"]
        assert history[0]["after"]["name"] == "Krankmeldung Ada Byron.txt"

    def test_a_name_may_change_but_not_what_the_content_is(self, firm):
        client = firm.client()
        path = f"{FILES}/{sent(client, 'a.txt', b'text')['id']}"
        assert client.patch(path, json={"name": "b.TXT"}).json()["data"]["name"] == "b.TXT"
        for wrong in ("b.pdf", "b", "../b.txt", "b\u202e.txt"):
            assert error(client.patch(path, json={"name": wrong}), 422, "INVALID")[0][0] == "name"
        account = client.post(
            "/api/v1/accounts", json={"name": "Byron and daughters", "country": "DE"}
        ).json()["data"]
        changed = {"entity_type": "account", "entity_id": account["id"]}
        assert client.patch(path, json=changed).json()["data"]["entity_id"] == changed["entity_id"]
        assert error(client.patch(path, json={"entity_id": None}), 422, "INVALID")[0][0] == "entity_id"
        assert error(client.patch(path, json={"size_bytes": 1}), 422, "INVALID")[0][0] == "size_bytes"
        assert error(client.patch(path, json={"purpose": "avatar"}), 409, "PICTURE_STAYS") == []

    def test_any_place_that_fsspec_knows(self, firm, monkeypatch):
        kept = firm.running.app.state.files
        monkeypatch.setattr(kept, "storage", Storage("memory://elsewhere"))
        client, before = firm.client(), everything_in(folder(firm))
        row = sent(client, "a.zip", packed({"a.txt": b"x" * 500_000}, 0))
        back = client.get(f"{FILES}/{row['id']}/download", headers={"range": "bytes=300000-300009"})
        assert (back.status_code, len(back.content)) == (206, 10)
        assert everything_in(folder(firm)) == before


class TestPictures:
    def photo(self, orientation: int = 6) -> bytes:
        """Left half red, right half blue, to be turned; with a place in its Exif."""
        image = Image.new("RGB", (400, 200), "red")
        image.paste("blue", (200, 0, 400, 200))
        exif = Image.Exif()
        exif[0x0112] = orientation
        exif[0x010E] = "Taken at home"
        exif.get_ifd(0x8825)[1] = "N"
        made = io.BytesIO()
        image.save(made, "JPEG", exif=exif, comment=b"Taken at home", quality=95)
        return made.getvalue()

    @pytest.mark.parametrize(("path", "size"), [("avatar", (256, 256)), ("logo", (200, 400))])
    def test_it_stands_upright_and_tells_nothing(self, firm, path, size):
        client = firm.client()
        row = send(client, "me.jpg", self.photo(), path=f"/upload-{path}").json()["data"]
        content = client.get(f"{FILES}/{row['id']}/download").content
        image = Image.open(io.BytesIO(content))
        assert image.size == (row["width_px"], row["height_px"]) == size
        assert not image.getexif()
        assert not {"exif", "icc_profile", "comment", "xmp"} & image.info.keys()
        assert b"home" not in content
        above = image.convert("RGB").getpixel((image.width // 2, image.height // 8))
        below = image.convert("RGB").getpixel((image.width // 2, image.height * 7 // 8))
        assert above[0] > 200 > below[0]  # red came to the top, blue to the bottom
        assert below[2] > 200 > above[2]

    @pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16"])
    def test_however_its_colours_are_written(self, firm, mode):
        made = io.BytesIO()
        Image.new("RGB", (30, 20), "teal").convert("L" if mode == "I;16" else mode).save(
            made, "TIFF" if mode == "I;16" else ("JPEG" if mode == "CMYK" else "PNG")
        )
        response = send(firm.client(), "l.png", made.getvalue(), path="/upload-logo")
        assert response.status_code == (415 if mode == "I;16" else 201), response.text

    def test_ten_at_once_leave_one(self, firm):
        with ThreadPoolExecutor(10) as pool:
            clients = [firm.client("manager") for _ in range(10)]
            answers = list(pool.map(lambda each: send(each, "me.png", PNG, path="/upload-avatar"), clients))
        assert [answer.status_code for answer in answers] == [201] * 10
        manager = firm.people[firm.a, "manager"]
        found = (
            firm.client().get(FILES, params={"purpose": "avatar", "entity_id": str(manager)}).json()["data"]
        )
        assert len(found) == 1
        # One of before cannot come back beside it.
        old = next(
            each.json()["data"]["id"] for each in answers if each.json()["data"]["id"] != found[0]["id"]
        )
        error(firm.client().post(f"{FILES}/{old}/restore"), 409, "DUPLICATE")

    def test_a_place_beyond_which_a_picture_is_not_decoded(self, firm):
        made = io.BytesIO()
        Image.new("1", (5_001, 5_000)).save(made, "PNG")
        said = error(send(firm.client(), "l.png", made.getvalue(), path="/upload-logo"), 422, "FILE_REFUSED")
        assert said == [("file", "has more than 25 million pixels")]


def test_whoever_may_not_write_is_told_before_the_body_is_read(firm):
    response = httpx.post(firm.running.url + FILES, files={"file": ("a.txt", b"x")})
    error(response, 401, "UNAUTHENTICATED")
    error(send(firm.client("viewer"), "a.txt", b"x"), 403, "FORBIDDEN")
