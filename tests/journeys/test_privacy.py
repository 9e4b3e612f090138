"""People ask what is known of them, agree and take it back, and are forgotten; and somebody looks whether they are."""

from __future__ import annotations

import csv
import io
import json
import re
import zipfile

import httpx

from pipelines.ingest.erasing import erase_requested
from pipelines.ingest.operational import extract
from serve.platform.audit.seals import seal
from tests.serve.working import work
from warehouse.contracts import load_contracts
from warehouse.landing import Landing
from warehouse.settings import Home

ADA, GRACE = "ada@example.org", "grace@example.org"


def land(office) -> None:
    """What the pipeline does every hour."""
    contracts = {
        n: c for n, c in load_contracts().items() if n in ("contacts", "leads", "persons", "accounts")
    }
    with Landing(home_of(office)).writer("run") as writer:
        extract(office.firm.address, writer, contracts)


def home_of(office) -> Home:
    return Home(office.running.app.state.settings.throughline_home).create()


def finish(office) -> None:
    """Tasks, the pipeline's part, and the search after it."""
    office.work()
    erase_requested(home_of(office), office.firm.address)
    office.running.wait_for(work(office.running.app.state, waits_too=True))


def test_a_person_agrees_is_shown_and_is_forgotten(office):
    owner, agent, stranger = (
        office.person("owner"),
        office.person("agent"),
        office.person("owner", tenant="b"),
    )
    private = {"attributes": {"birthday": "1815-12-10", "note": f"writes as {ADA}"}}
    ada = owner(
        "POST /api/v1/contacts", {"full_name": "Ada Byron", "email": ADA, "phone": "+44 20 1", **private}
    ).data
    theirs = stranger("POST /api/v1/contacts", {"full_name": "Ada Byron", "email": ADA}).data
    grace = owner("POST /api/v1/contacts", {"full_name": "Grace Hopper", "email": GRACE}).data
    owner("PATCH /api/v1/contacts/{id}", {"job_title": "Countess", "full_name": "Ada Lovelace"}, id=ada["id"])
    place = {"entity_type": "contact", "entity_id": ada["id"]}
    paper = owner("POST /api/v1/files", files={"file": ("ada.txt", b"About Ada.")}, form=place).data
    for to in (ADA, GRACE):
        owner("POST /api/v1/mails", {"to_address": to, "subject": "Hello Ada", "text": f"Dear {to}"})
    office.work()
    office.catch_up()
    land(office)

    # She agrees, and takes it back.
    agent("GET /api/v1/privacy/consents", refused=403)
    purpose = owner(
        "POST /api/v1/privacy/purposes", {"key": "news", "name": "News", "lawful_basis": "consent"}
    ).data
    owner("POST /api/v1/privacy/purposes/{id}/texts", {"language": "en", "text": "Yes"}, id=purpose["id"])
    about = {
        "subject_kind": "contact",
        "subject_id": ada["id"],
        "purpose_id": purpose["id"],
        "channel": "email",
    }
    say = {**about, "source": "web form", "text_version": 1}
    owner("POST /api/v1/privacy/consents", {**say, "decision": "granted", "evidence": f"mail of {ADA}"})
    whose = {"subject_kind": "contact", "subject_id": ada["id"]}
    [now] = [
        each
        for each in owner("GET /api/v1/privacy/consents/current", **whose).data
        if each["channel"] == "email"
    ]
    assert (now["may"], now["why"]) == (True, "granted")
    owner("POST /api/v1/privacy/consents", {**say, "decision": "withdrawn"})
    assert not any(each["may"] for each in owner("GET /api/v1/privacy/consents/current", **whose).data)
    assert owner("GET /api/v1/privacy/consents", subject_id=ada["id"]).meta["total"] == 2

    # She asks what is known of her, and gets a file.
    asked = owner(
        "POST /api/v1/privacy/requests", {"kind": "access", "subject_kind": "address", "email": ADA}
    ).data
    owner("POST /api/v1/privacy/requests/{id}/approve", {}, id=asked["id"], refused=409)
    owner("POST /api/v1/privacy/requests/{id}/verify", {"method": "called back"}, id=asked["id"])
    begun = owner("POST /api/v1/privacy/requests/{id}/approve", {}, id=asked["id"]).data
    office.work()
    assert owner("GET /api/v1/privacy/requests/{id}", id=asked["id"]).data["status"] == "done"
    office.person("admin")("GET /api/v1/privacy/exports/{id}", id=begun["task_id"], refused=404)
    fetched = owner("GET /api/v1/privacy/exports/{id}", id=begun["task_id"]).response.content
    archive = zipfile.ZipFile(io.BytesIO(fetched))
    said = json.loads(archive.read("data.json"))["data"]
    assert said["contacts"][0]["attributes"]["birthday"] == "1815-12-10"
    assert "Ada Byron" in json.dumps(said["history"])
    assert archive.read(f"files/{paper['id']}-ada.txt") == b"About Ada."
    assert [row["to_address"] for row in csv.DictReader(io.StringIO(archive.read("mails.csv").decode()))] == [
        ADA
    ]
    assert GRACE not in archive.read("data.json").decode()

    # She asks to be forgotten. A lawsuit comes first.
    asked = owner(
        "POST /api/v1/privacy/requests",
        {"kind": "erasure", "subject_kind": "contact", "subject_id": ada["id"], "email": ADA},
    ).data
    owner("POST /api/v1/privacy/requests/{id}/verify", {"method": "called back"}, id=asked["id"])
    hold = owner("POST /api/v1/privacy/holds", {**whose, "reason": "lawsuit"}).data
    preview = owner("GET /api/v1/privacy/requests/{id}/preview", id=asked["id"]).data
    assert preview["hold"] == "lawsuit"
    assert {each["table"]: each["count"] for each in preview["tables"]}["mails"] == 1
    owner("POST /api/v1/privacy/requests/{id}/approve", {}, id=asked["id"], refused=409)
    owner("POST /api/v1/privacy/holds/{id}/release", id=hold["id"])
    owner("POST /api/v1/privacy/requests/{id}/approve", {"reason": "asked for"}, id=asked["id"])
    finish(office)
    done = owner("GET /api/v1/privacy/requests/{id}", id=asked["id"]).data
    assert (done["status"], done["email"]) == ("done", None), done["result"]
    assert done["result"]["proof"]["left_count"] == 0
    assert done["result"]["erased"]["contacts"] == 1
    assert {each["table"] for each in done["result"]["kept"]} >= {"privacy_holds"}

    # Whoever looks by other means finds nothing either.
    assert nowhere(office, ADA, "Byron", "Lovelace", "1815-12-10", tenant=str(office.firm.a)) == []
    owner("GET /api/v1/contacts/{id}", id=ada["id"], refused=404)
    owner("GET /api/v1/privacy/exports/{id}", id=begun["task_id"], refused=404)
    home = home_of(office)
    assert not (home.root / "files" / str(office.firm.a) / paper["id"]).exists()
    mails = [path.read_text() for path in (home.root / "outbox").glob("*.eml")]
    assert [ADA in mail for mail in mails] == [False]
    land(office)
    assert landed(home, ADA, tenant=str(office.firm.a)) == 0
    assert all(each["holds"] for each in verified(office))

    # The others are as they were: Grace here, and the same Ada at another company.
    assert owner("GET /api/v1/contacts/{id}", id=grace["id"]).data["email"] == GRACE
    assert stranger("GET /api/v1/contacts/{id}", id=theirs["id"]).data["email"] == ADA

    # An import brings her back: it is noticed.
    office.catch_up()
    back = owner("POST /api/v1/contacts", {"full_name": "A. L.", "email": ADA.upper()}).data
    office.catch_up()
    names = [each["name"] for each in owner("GET /api/audit", entity_id=back["id"]).data]
    assert "person.returned" in names


def test_colleagues_export_their_data_and_end_their_accounts(office):
    owner, agent = office.person("owner"), office.person("agent")
    agent("GET /api/v1/privacy/me/export", refused=404)
    agent("POST /api/v1/privacy/me/export")
    office.work()
    url = agent("GET /api/v1/privacy/me/export").data["url"]
    fetched = httpx.get(office.running.url + url, headers=agent.headers)
    said = json.loads(zipfile.ZipFile(io.BytesIO(fetched.content)).read("data.json"))["data"]
    assert said["users"][0]["email"] == agent.email
    assert said["sessions"]
    purpose = owner(
        "POST /api/v1/privacy/purposes", {"key": "photos", "name": "Photos", "lawful_basis": "consent"}
    ).data
    agent(
        "POST /api/v1/privacy/me/consents",
        {"purpose_id": purpose["id"], "decision": "granted", "source": "intranet"},
    )
    assert all(
        e["may"] for e in agent("GET /api/v1/privacy/me/consents").data if e["purpose_key"] == "photos"
    )

    owner("DELETE /api/v1/privacy/me", {"password": owner.password}, refused=409)
    agent("DELETE /api/v1/privacy/me", {"password": "wrong"}, refused=422)
    agent("DELETE /api/v1/privacy/me", {"password": agent.password})
    finish(office)
    log_in = {"email": agent.email, "password": agent.password}
    office.stranger()("POST /api/v1/auth/login", log_in, refused=401)
    assert office.firm.sql("select count(*) from users where email = %s", agent.email) == [(0,)]
    [request] = owner("GET /api/v1/privacy/requests", subject_id=agent.id).data
    assert (request["status"], request["result"]["proof"]["left_count"]) == ("done", 0), request["result"]


def test_things_are_kept_for_a_time(office):
    owner = office.person("owner")
    assert {each["kind"] for each in owner("GET /api/v1/privacy/retention-rules/kinds").data} >= {"mails"}
    rule = owner("POST /api/v1/privacy/retention-rules", {"kind": "notifications", "keep_days": 30}).data
    owner("POST /api/notifications", {"title": "Old", "user_ids": [owner.id]})
    owner("POST /api/notifications", {"title": "New", "user_ids": [owner.id]})
    office.firm.sql("update notifications set created_at = now() - interval '31 days' where title = 'Old'")
    assert owner("GET /api/v1/privacy/retention-rules/{id}/preview", id=rule["id"]).data["count"] == 1
    owner("POST /api/v1/privacy/retention-rules/{id}/run", id=rule["id"])
    office.work()
    ran = owner("GET /api/v1/privacy/retention-rules/{id}", id=rule["id"]).data
    assert ran["last_count"] == 1
    titles = [each["title"] for each in owner("GET /api/notifications").data]
    assert ("Old" in titles, "New" in titles) == (False, True)
    owner("PATCH /api/v1/privacy/retention-rules/{id}", {"is_active": True}, id=rule["id"])
    owner("DELETE /api/v1/privacy/retention-rules/{id}", id=rule["id"])


def nowhere(office, *words: str, tenant: str) -> list[str]:
    """Tables with a row of the tenant that says one of the words, whatever its columns are."""
    tables = [
        name
        for (name,) in office.firm.sql(
            "select c.relname from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attname = 'tenant_id'"
            " where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and not c.relispartition"
        )
    ]
    found = []
    for name in tables:
        for word in words:
            (count,) = office.firm.sql(
                f"select count(*) from {name} t where tenant_id = %s and to_jsonb(t)::text ilike %s",
                *(tenant, f"%{word}%"),
            )[0]
            found += [f"{name}: {word}"] * count
            if name == "idempotency_keys":
                (count,) = office.firm.sql(
                    "select count(*) from idempotency_keys"
                    " where tenant_id = %s and convert_from(body, 'UTF8') ilike %s",
                    *(tenant, f"%{word}%"),
                )[0]
                found += [f"{name}: {word}"] * count
    return found


def landed(home: Home, word: str, *, tenant: str) -> int:
    import duckdb

    files = [*map(str, home.landing.rglob("*.parquet"))]
    with duckdb.connect() as engine:
        return sum(
            engine.execute(
                f"select count(*) from read_parquet('{file}') t where t.tenant_id = ? and t::varchar ilike ?",
                [tenant, f"%{word}%"],
            ).fetchone()[0]
            for file in files
        )


def verified(office) -> list[dict[str, bool]]:
    """The chain of seals, as an auditor has it computed again."""
    office.running.wait_for(seal(office.running.app.state.worker_database))
    import psycopg

    with psycopg.connect(office.firm.address.url("api")) as connection:
        connection.execute(
            "select set_config('app.tenant_id', %s, true), set_config('app.tenant_ids', %s, true)",
            (str(office.firm.a),) * 2,
        )
        found = connection.execute("select number, holds from verify_seals()").fetchall()
    assert found
    assert re.fullmatch(r"\d+", str(found[0][0]))
    return [{"holds": holds} for _, holds in found]
