"""R13: what harms is refused, quickly and in little memory, and nothing of it stays; what is ordinary is taken."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.serve.platform.files.sending import END, FILES, KIND, everything_in, part, send
from tests.surface.corpora import uploads
from tests.surface.corpora.uploads import BOMBS, BROKEN, DISGUISED, GOOD, NAMES, POLYGLOTS, Named

HARMFUL: dict[str, Named | Callable[[], Named]] = {**POLYGLOTS, **DISGUISED, **BROKEN, **BOMBS}
LONGEST_S = 1.0
MOST_GROWTH_MB = 50


def home_of(firm) -> Path:
    return firm.running.app.state.settings.throughline_home


def kept(firm) -> tuple[object, set[str]]:
    """Rows, and every file below the home."""
    return firm.sql("select count(*), sum(size_bytes) from files"), everything_in(home_of(firm))


def test_the_corpus_is_large():
    assert (len(POLYGLOTS), len(DISGUISED), len(BROKEN), len(BOMBS)) >= (35, 30, 15, 30)
    assert len(HARMFUL) + len(NAMES) >= 140
    assert len(GOOD) >= 30


@pytest.mark.parametrize("harm", HARMFUL)
def test_it_is_refused_and_nothing_stays(firm, harm):
    found = HARMFUL[harm]
    name, content = found() if callable(found) else found
    before = kept(firm)
    response = send(firm.client(), name, content)
    assert response.status_code in (415, 422), response.text
    assert response.json()["error"]["code"] in ("FILE_REFUSED", "FILE_TYPE_REFUSED")
    assert response.json()["error"]["details"][0]["field"] == "file"
    assert kept(firm) == before


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_a_name_that_is_more_than_a_name_is_refused(firm, name):
    before = kept(firm)
    body = part("file", uploads.PNG, file=name) + END
    response = firm.client().post(FILES, content=body, headers=KIND)
    assert response.status_code in (400, 415, 422), response.text
    assert kept(firm) == before


@pytest.mark.parametrize("what", GOOD)
def test_what_is_ordinary_is_taken_and_comes_back_as_it_was(firm, what):
    name, content = GOOD[what]
    client = firm.client()
    response = send(client, name, content)
    assert response.status_code == 201, response.text
    row = response.json()["data"]
    assert row["name"].startswith(name)
    back = client.get(f"{FILES}/{row['id']}/download")
    assert back.content == content
    assert back.headers["content-type"].partition(";")[0] == row["media_type"]
    assert back.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("path", ["upload-avatar", "upload-logo"])
def test_no_picture_is_made_of_what_harms(firm, path):
    client, before = firm.client(), kept(firm)
    for harm, found in HARMFUL.items():
        name, content = found() if callable(found) else found
        response = send(client, name, content, path=f"/{path}")
        if (
            response.status_code == 201
        ):  # pictures under another ending: what is kept is made of their pixels alone
            assert harm in ("PNG as JPEG", "JPEG as PNG"), harm
            before = kept(firm)
        assert response.status_code in (201, 415, 422), (harm, response.text)
    assert kept(firm) == before


_MEASURE = r"""
import json, re, sys, time
from pathlib import Path
from serve.kernel.errors import Problem
from serve.platform.files.kinds import recognise

def look(path):
    began = time.process_time()
    with path.open("rb") as file:
        try:
            recognise(file, path.stat().st_size, path.name.partition("-")[2], None)
            verdict = "taken"
        except Problem:
            verdict = "refused"
    return verdict, time.process_time() - began

def peak_mb():
    return int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) / 1024

paths = sorted(Path(sys.argv[1]).iterdir())
for path in paths:
    if path.name.startswith("good"):
        look(path)
before = peak_mb()
found = {path.name: look(path) for path in paths if not path.name.startswith("good")}
print(json.dumps({"found": found, "growth_mb": peak_mb() - before}))
"""


def test_each_is_refused_within_a_second_and_little_memory(tmp_path):
    """In a process of its own, whose memory and seconds (of a core, not of the clock) nobody else uses."""
    for number, (name, content) in enumerate(GOOD.values()):
        (tmp_path / f"good{number}-{name}").write_bytes(content)
    for number, found in enumerate(HARMFUL.values()):
        name, content = found() if callable(found) else found
        (tmp_path / f"{number:03}-{name}").write_bytes(content)
    done = subprocess.run(
        [sys.executable, "-c", _MEASURE, str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=Path.cwd(),
        check=False,
    )
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert {name for name, (verdict, _) in said["found"].items() if verdict == "taken"} == set()
    longest_s = max(seconds for _, seconds in said["found"].values())
    print(
        f"\n{len(HARMFUL)} refused, the slowest in {longest_s:.3f} s, memory grew by {said['growth_mb']:.1f} MB"
    )
    assert longest_s < LONGEST_S
    assert said["growth_mb"] < MOST_GROWTH_MB
