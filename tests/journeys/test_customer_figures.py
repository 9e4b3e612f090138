"""On Friday the week is looked back at: what was sold, how customers do, and the large ones by themselves."""

from __future__ import annotations

GROUP = "customer_figures"


def test_a_week_is_looked_back_at(office):
    agent, manager, elsewhere = office.person("agent"), office.person("manager"), office.person("owner", "b")
    agent("GET /api/v1/crm/sales", refused=403)
    before = manager("GET /api/v1/crm/sales").data
    stats = manager("GET /api/v1/enterprise/stats").data

    # A large client comes, by a lead that is converted with its job.
    client = manager("POST /api/v1/enterprise/clients", {"name": "Hafen AG", "country": "DE"}).data["id"]
    assert client in [row["id"] for row in manager("GET /api/v1/enterprise/clients").data]
    assert client not in [row["id"] for row in elsewhere("GET /api/v1/enterprise/clients").data]
    branch = {"name": "Hafen Nord GmbH", "country": "DE", "parent_id": client, "segment": "smb"}
    branch_id = manager("POST /api/v1/accounts", branch).data["id"]
    assert [row["id"] for row in agent("GET /api/v1/accounts/{id}/tree", id=client).data["descendants"]] == [
        branch_id
    ]
    lead = agent("POST /api/v1/leads", {"company": "Hafen AG", "account_id": client}).data["id"]
    job = {"service": "Six boilers", "price_cents": 1_200_000}
    agent("POST /api/leads/{id}/convert", {"job": job}, id=lead)

    after = manager("GET /api/v1/crm/sales").data
    won = [sum(row["cents"] for row in each["won"]) for each in (before, after)]
    assert won[1] - won[0] == 1_200_000
    office.restart()
    now = manager("GET /api/v1/enterprise/stats").data
    for name in ("client_count", "contact_count", "open_job_count"):
        assert now[name] == stats[name] + 1
    health = manager("GET /api/v1/accounts/{id}/health", id=client).data
    assert (health["open_job_count"], health["with_children"]["account_count"]) == (1, 2)
    told = manager("GET /api/v1/crm/analytics").data
    assert told["funnel"]["won_count"] >= 1
    assert told["accounts"]["by_segment"]["enterprise"] == now["client_count"]
