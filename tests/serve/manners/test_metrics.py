"""What the process tells about itself, and to whom."""

from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.serve.test_manners import refused


def samples(text: str) -> dict[tuple, float]:
    return {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_counters_and_gauges(firm):
    client = firm.client()
    before = samples(client.get("/metrics").text)
    for _ in range(3):
        client.get("/api/v1/contacts")
    client.get("/api/v1/contacts/nonsense")
    client.get("/nothing/at/all?word=1")
    after = samples(client.get("/metrics").text)

    def grown(name: str, **labels: str) -> float:
        key = (name, *sorted(labels.items()))
        return after.get(key, 0) - before.get(key, 0)

    listed = {"method": "GET", "route": "/api/v1/contacts"}
    assert grown("throughline_requests_total", **listed, status="2xx") == 3
    one = {"method": "GET", "route": "/api/v1/contacts/{id}"}
    assert grown("throughline_requests_total", **one, status="4xx") == 1
    assert grown("throughline_requests_total", method="GET", route="unmatched", status="4xx") == 1
    assert grown("throughline_request_duration_seconds_count", **listed) == 3
    assert grown("throughline_request_duration_seconds_bucket", **listed, le="+Inf") == 3
    assert grown("throughline_request_duration_seconds_sum", **listed) > 0
    assert after["throughline_requests_in_flight",] == 1  # this very one
    assert after["throughline_database_requests_waiting",] == 0
    assert after["throughline_background_loops",] >= 1
    assert ("throughline_database_connections_in_use",) in after
    assert ("throughline_request_log_dropped_total",) in after
    assert ("throughline_release_age_seconds",) not in after  # there is none
    assert not [key for key in after if "nonsense" in str(key) or "nothing" in str(key)]


def test_the_release_has_an_age(shared_service):
    found = samples(shared_service.client().get("/metrics").text)
    assert found["throughline_release_age_seconds",] > 0


@pytest.mark.parametrize("name", ["X-Forwarded-For", "Forwarded", "X-Real-IP", "Via"])
def test_a_proxy_on_this_machine_passes_nobody_in(shared_service, name):
    response = shared_service.client(**{name: "127.0.0.1"}).get("/metrics")
    refused(response, 403, "METRICS_ARE_PRIVATE")


def test_with_a_token_it_alone_counts(home, run_app):
    token = "a token of 20 letters"
    running = run_app(home, metrics_token=token)
    refused(running.client().get("/metrics"), 403, "METRICS_ARE_PRIVATE")
    refused(running.client(Authorization="Bearer other").get("/metrics"), 403, "METRICS_ARE_PRIVATE")
    refused(running.caller().get("/metrics"), 403, "METRICS_ARE_PRIVATE")
    answer = running.client(**{"Authorization": f"Bearer {token}", "X-Forwarded-For": "1.2.3.4"}).get(
        "/metrics"
    )
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain")
