"""Every setting is explained, and nothing is explained that is not a setting."""

from __future__ import annotations

import re
from pathlib import Path
from uuid import UUID

import pytest
from pydantic import ValidationError

from serve.settings import Settings

PAGE = Path(__file__).parents[2] / "docs" / "operations" / "settings.md"
ROW = re.compile(r"^\| `([A-Z_]+)` \| (.*?) \| (.+?) \|$", re.MULTILINE)


def test_the_page_lists_every_setting_with_its_default():
    documented = {name.lower(): default for name, default, _ in ROW.findall(PAGE.read_text())}
    fields = Settings.model_fields
    assert set(documented) == set(fields)
    for name, default in documented.items():
        value = fields[name].default
        shown = "none" if value in (None, []) else f"`{_written(value)}`"
        assert default == shown, name


def _written(value: object) -> object:
    """As it would stand in the environment."""
    if isinstance(value, list):
        return ",".join(map(str, value))
    return str(value).lower() if isinstance(value, bool) else value


def test_settings_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("PORT", "8123")
    monkeypatch.setenv("CORS_ORIGINS", "https://a.example, https://b.example")
    settings = Settings()
    assert (settings.port, settings.cors_origins) == (8123, ["https://a.example", "https://b.example"])


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("PORT", "99999"), ("TOKEN_LIFE_S", "601"), ("RELEASE_MEMORY", "lots")),
        *(("PASSWORD_COST", "m=64"), ("PASSWORD_COST", "m=8,t=1,p=2")),
    ],
)
def test_what_cannot_be_is_refused(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    with pytest.raises(ValidationError, match=name.lower()):
        Settings()


def test_pages_of_other_origins_may_call_only_when_listed(home, run_app):
    asked = {"Origin": "https://a.example", "Access-Control-Request-Method": "GET"}
    listed = run_app(home, cors_origins="https://a.example").client()
    allowed = listed.options("/api/v1/dashboard/kpis", headers=asked)
    assert allowed.headers["access-control-allow-origin"] == "https://a.example"
    unlisted = run_app(home).client().options("/api/v1/dashboard/kpis", headers=asked)
    assert "access-control-allow-origin" not in unlisted.headers


@pytest.mark.parametrize("path", ["/api/v1/vehicles", f"/api/v1/vehicles/{UUID(int=7 << 76 | 2 << 62)}"])
def test_they_may_read_what_has_a_short_way_too(home, run_app, path):
    """Here there is no database behind it: also a failure is for them to read."""
    client = run_app(home, cors_origins="https://a.example").caller()
    answer = client.get(path, headers={"Origin": "https://a.example"})
    assert answer.status_code == 503
    assert answer.headers["access-control-allow-origin"] == "https://a.example"
