"""The checklist of a new tenant follows its rows."""

from __future__ import annotations


def test_each_step_is_done_by_the_call_that_it_names(firm):
    client, url = firm.client("owner", firm.b), f"/api/v1/tenants/{firm.b}/onboarding"

    def done():
        answer = client.get(url).json()["data"]
        assert answer["done_count"] == sum(step["is_done"] for step in answer["steps"])
        return {step["key"] for step in answer["steps"] if step["is_done"]}

    steps = {step["key"]: step["call"] for step in client.get(url).json()["data"]["steps"]}
    bodies = {
        "business_hours": {"business_hours": [{"day": "monday", "opens_at": "08:00", "closes_at": "17:00"}]},
        "mail_server": {"smtp_host": "smtp.example.org", "from_address": "office@example.org"},
        "second_factor": {"second_factor": "required_for_admins"},
        "contact": {"full_name": "Ada"},
        "vehicle": {
            "registration": "HB-R 1",
            "make": "Opel",
            "model": "Vivaro",
            "model_year": 2024,
            "acquired_date": "2024-01-01",
            "acquisition_cost_cents": 1,
            "currency": "EUR",
        },
    }
    assert steps.keys() - bodies.keys() == {"colleague", "logo"}
    before = done()
    assert before == {"colleague"}
    for key, body in bodies.items():
        method, path = steps[key].split(" ")
        answer = client.request(method, path, json=body)
        assert answer.is_success, answer.text
        assert done() == before | {key}
        before |= {key}
    assert firm.client().get(url).status_code == 404
