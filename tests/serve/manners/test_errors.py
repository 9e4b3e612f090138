"""One code, one meaning: the catalogue is complete, documented and served."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

import serve.app  # noqa: F401 - every failure there is has been declared
from serve.kernel import catalogue
from serve.kernel.errors import NotConfigured, OutsideFailed, Problem
from serve.platform.docs.errors import PAGE


def test_every_code_is_its_own_and_well_formed():
    entries = catalogue.catalogue()
    assert len(entries) >= 40
    for code, status, message in entries:
        assert re.fullmatch(r"[A-Z][A-Z0-9_]+", code)
        assert 400 <= status < 600
        assert message.endswith((".", "?")), code


def test_two_failures_with_one_code_are_found():
    twin = type("Twin", (Problem,), {"code": "CONFLICT", "status": 409, "__module__": "serve.twin"})
    try:
        with pytest.raises(catalogue.AmbiguousCode, match="CONFLICT is the code of"):
            catalogue.catalogue()
    finally:
        twin.__module__ = "tests.twin"  # the catalogue is of the program alone
    catalogue.catalogue()


def test_the_page_is_what_the_program_says():
    """Asked in a process of its own: tests declare failures too."""
    ask = "import serve.app; from serve.kernel.catalogue import as_markdown; print(as_markdown(), end='')"
    said = subprocess.run([sys.executable, "-c", ask], capture_output=True, text=True, check=True).stdout
    assert PAGE.read_text() == said, "run python -m serve.platform.docs.errors"


def test_the_type_of_a_problem_is_an_address_that_explains_it(shared_service):
    client = shared_service.client()
    problem = client.get("/api/v1/nothing", headers={"Accept": "application/problem+json"}).json()
    path, _, code = problem["type"].partition("#")
    page = client.get(path)
    assert page.headers["content-type"].startswith("text/html")
    assert f'id="{code}"' in page.text
    assert problem["type"] == "/docs/errors#NOT_FOUND"


def test_what_outside_services_may_do_to_us():
    failed = OutsideFailed("The map service")
    assert (failed.status_code, failed.code) == (502, "OUTSIDE_FAILED")
    assert failed.detail.startswith("The map service has failed")
    missing = NotConfigured(details=[("smtp_host", "is not set")])
    assert (missing.status_code, missing.code) == (503, "INTEGRATION_NOT_CONFIGURED")
