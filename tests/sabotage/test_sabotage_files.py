"""Guards of files taken away one at a time: what stands for each must notice."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import pytest
from PIL import Image

from serve.platform.files import archives, downloads, forms, kinds, links, names, pictures, service
from serve.platform.files.collector import Collected, Collector
from serve.platform.files.links import Link, Links
from serve.ports.storage import Aside, Storage
from tests.sabotage.test_sabotage import Patch, Sabotage, instead, of, sql
from tests.surface import checks, tenancy
from tests.surface.calls import Surface
from tests.surface.corpora.uploads import BOMBS, DISGUISED, PNG, POLYGLOTS
from tests.surface.operations import BY_NAME

FILES = "/api/v1/files"


def client_of(surface: Surface) -> Any:
    return surface.firm.client()


def sent(surface: Surface, name: str, content: bytes, path: str = "") -> Any:
    return client_of(surface).post(f"{FILES}{path}", files={"file": (name, content)})


def refuses(*harms: Any) -> Callable[[Surface], None]:
    """None of these files is taken."""

    def check(surface: Surface) -> None:
        for harm in harms:
            name, content = harm() if callable(harm) else harm
            assert sent(surface, name, content).status_code in (415, 422), name

    return check


def a_stranger_opens_nothing(surface: Surface) -> None:
    """A token that somebody made up for a file that is there."""
    row = sent(surface, "a.txt", b"text").json()["data"]
    forged = Links("a guess").token(Link(surface.firm.a, UUID(row["id"]), in_a_minute()))
    answer = surface.firm.running.client().get(f"{FILES}/shared", params={"token": forged})
    assert answer.status_code == 404


def in_a_minute() -> int:
    return int(time.time()) + 60


def links_end(surface: Surface) -> None:
    row = sent(surface, "a.txt", b"text").json()["data"]
    over = surface.firm.running.app.state.files.links.token(
        Link(surface.firm.a, UUID(row["id"]), in_a_minute() - 120)
    )
    assert surface.firm.running.client().get(f"{FILES}/shared", params={"token": over}).status_code == 410


def too_large_is_refused(surface: Surface) -> None:
    kept = surface.firm.running.app.state.files
    kept.most_file_bytes = 1_000
    assert sent(surface, "a.txt", b"x" * 1_001).status_code == 413


def the_quota_holds(surface: Surface) -> None:
    kept = surface.firm.running.app.state.files
    kept.quota_bytes = 1_000
    assert sent(surface, "a.txt", b"x" * 1_001).status_code == 413


def nothing_stays_of_a_refusal(surface: Surface) -> None:
    folder = surface.firm.running.app.state.settings.throughline_home / "files"
    sent(surface, "a.png", b"text")
    assert [path for path in folder.rglob("*") if path.is_file()] == []


def pictures_tell_nothing(surface: Surface) -> None:
    exif = Image.Exif()
    exif[0x010E] = "Taken at home"
    made = io.BytesIO()
    Image.new("RGB", (30, 20)).save(made, "PNG", exif=exif)
    row = sent(surface, "a.png", made.getvalue(), "/upload-logo").json()["data"]
    assert b"home" not in client_of(surface).get(f"{FILES}/{row['id']}/download").content


def files_are_attachments(surface: Surface) -> None:
    row = sent(surface, "a.txt", b"text").json()["data"]
    said = client_of(surface).get(f"{FILES}/{row['id']}/download").headers["content-disposition"]
    assert said.startswith("attachment")


def what_is_going_on_is_left_alone(surface: Surface) -> None:
    """Bytes whose row is not committed yet look like an orphan."""
    state = surface.firm.running.app.state
    aside = state.files.storage.aside()
    aside.write(b"text")
    aside.finish()
    state.files.storage.keep(aside, surface.firm.a, uuid4())
    collector = Collector(state.worker_database, state.files.storage, kept_s=0)
    assert surface.firm.running.wait_for(collector.collect()) == Collected()


def out_of_reach(surface: Surface) -> None:
    surface.send(surface.ready(BY_NAME[f"POST {FILES}"]), tenant=surface.firm.b)
    tenancy.is_out_of_reach(surface.firm.address, "files", theirs=surface.firm.b, mine=surface.firm.a)


# Ways to do harm that take more than a line


def metadata_stays(surface: Surface, patch: Patch) -> None:
    def made_anew(file: Any, shape: Any, target: Any) -> tuple[int, int]:
        image = Image.open(file)
        image.save(target, shape.format, exif=image.getexif())
        return image.size

    patch.setattr(pictures, "made_anew", made_anew)


def without_end(surface: Surface, patch: Patch) -> None:
    async def write(self: Any, aside: Any) -> None:
        aside.write(bytes(self._text))
        self._text.clear()

    patch.setattr(forms._Reading, "_write", write)


def the_name_says_it(surface: Surface, patch: Patch) -> None:
    by_name = {ending: kinds.Found(kind) for kind in kinds.KINDS for ending in kind.extensions}
    patch.setattr(service, "recognise", lambda file, size, name, charset: by_name[names.extension(name)])


def pictures_of_any_size(surface: Surface, patch: Patch) -> None:
    patch.setattr(pictures, "MOST_PIXELS", 10**12)
    patch.setattr(Image, "MAX_IMAGE_PIXELS", None)


def links_never_end(surface: Surface, patch: Patch) -> None:
    read = Links.read
    patch.setattr(Links, "read", lambda self, token, *, now_s: read(self, token, now_s=0))


SABOTAGES = {
    "polyglots are not looked for": Sabotage(
        instead(kinds, "refuse_foreign", lambda upload: None),
        refuses(POLYGLOTS["GIF and JAR"], POLYGLOTS["JPEG with a page in its comment"]),
    ),
    "what lies behind a PNG is not looked at": Sabotage(
        lambda surface, patch: patch.setitem(kinds._CHECKS, "image/png", lambda upload: None),
        refuses(POLYGLOTS["PNG and anything"]),
    ),
    "the name alone says what it is": Sabotage(
        the_name_says_it,
        refuses(DISGUISED["page as PNG"], DISGUISED["program as JPEG"]),
    ),
    "archives are not looked through": Sabotage(
        instead(archives, "look_through", lambda file, size: archives.Archive(frozenset(), b"")),
        refuses(BOMBS["a hundred megabytes of zeros"], BOMBS["an entry above"]),
    ),
    "no ratio": Sabotage(
        instead(archives, "MOST_RATIO", 10**9), refuses(BOMBS["a hundred megabytes of zeros"])
    ),
    "no total": Sabotage(
        instead(archives, "MOST_UNPACKED_BYTES", 10**12),
        refuses(BOMBS["two hundred megabytes, just below the ratio"]),
    ),
    "no levels": Sabotage(instead(archives, "MOST_LEVELS", 10**6), refuses(BOMBS["four levels"])),
    "entities are let in": Sabotage(
        instead(archives, "check_prolog", lambda text: None), refuses(BOMBS["billion laughs in a letter"])
    ),
    "places in archives are not looked at": Sabotage(
        instead(archives, "_check_place", lambda entry: None),
        refuses(BOMBS["an entry above"], BOMBS["an entry that leads elsewhere"]),
    ),
    "pictures of any size": Sabotage(
        pictures_of_any_size,
        refuses(BOMBS["a picture of ten thousand megapixels"]),
    ),
    "names are taken as they are": Sabotage(
        instead(service, "plain_name", lambda given: given), refuses(("a/../../b.png", PNG))
    ),
    "files of any size": Sabotage(without_end, too_large_is_refused),
    "no quota": Sabotage(
        instead(service, "_USED", "select 0::bigint - 10^9::bigint as bytes where $1::uuid is not null"),
        the_quota_holds,
    ),
    "what was refused stays": Sabotage(
        instead(Aside, "discard", lambda self: None), nothing_stays_of_a_refusal
    ),
    "metadata stays in pictures": Sabotage(metadata_stays, pictures_tell_nothing),
    "files are shown in the page": Sabotage(
        instead(downloads, "attachment", lambda name: "inline"), files_are_attachments
    ),
    "signatures are not compared": Sabotage(
        instead(links, "_is_same", lambda one, other: True), a_stranger_opens_nothing
    ),
    "links never end": Sabotage(links_never_end, links_end),
    "rows of all tenants may be downloaded": Sabotage(
        sql("alter table files disable row level security"),
        of(checks.hides_other_tenants, f"GET {FILES}/{{id}}/download"),
    ),
    "policies of files are gone": Sabotage(
        sql("drop policy tenant_reads on files; create policy tenant_reads on files for select using (true)"),
        out_of_reach,
    ),
    "orphans are removed at once": Sabotage(
        instead(Storage, "age_s", lambda self, tenant_id, file_id, now: 10**9), what_is_going_on_is_left_alone
    ),
    "an upload is never the same again": Sabotage(
        instead(service, "_digest", lambda fields, incoming: uuid4().bytes),
        of(checks.repeats_are_one, f"POST {FILES}"),
    ),
}


@pytest.mark.parametrize("name", SABOTAGES)
def test_it_is_noticed(surface: Surface, monkeypatch: Patch, name: str):
    sabotage = SABOTAGES[name]
    sabotage.check(surface)
    sabotage.harm(surface, monkeypatch)
    with pytest.raises(AssertionError):
        sabotage.check(surface)
