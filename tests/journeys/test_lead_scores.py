"""In the morning leads are looked through: who is worth a call, and why."""

from __future__ import annotations

from tests.serve.crm import lead_model

GROUP = "lead_scores"


def test_who_is_worth_a_call(office):
    agent, elsewhere = office.person("agent"), office.person("owner", "b")
    good = agent("POST /api/v1/leads", {"company": "Nord AG", "source": "referral"}).data["id"]
    bad = agent("POST /api/v1/leads", {"full_name": "Bo", "source": "bought"}).data["id"]

    # Nothing was learned yet: that is said, and what is known all the same.
    agent("POST /api/v1/leads/{id}/score", id=good, refused=503)
    told = agent("POST /api/v1/leads/{id}/analyze", id=good).data
    assert (told["score"], told["facts"]["next_step"]["rule"]) == (None, "answer")

    # Over night a model was trained. It tells the two apart, and says which version it is.
    registry = office.running.app.state.models
    version = lead_model.publish(registry, office.firm.a)
    scores = [agent("POST /api/v1/leads/{id}/score", id=each).data for each in (good, bad)]
    assert scores[0]["score"] > scores[1]["score"]
    assert {each["model"]["version"] for each in scores} == {version}
    elsewhere("POST /api/v1/leads/{id}/score", id=good, refused=404)

    # After a call the analysis says more, and outlasts a restart.
    agent("POST /api/v1/leads/{id}/contact", {"kind": "call", "outcome": "reached"}, id=good)
    analysed = agent("POST /api/v1/leads/{id}/analyze", id=good).data
    assert analysed["score"] > 0
    assert analysed["facts"]["activity_counts"] == {"call": 1}
    office.restart()
    assert agent("GET /api/v1/leads/{id}/analysis", id=good).data == analysed
    elsewhere("GET /api/v1/leads/{id}/analysis", id=good, refused=404)
    listed = agent("GET /api/v1/leads", sort="-score", min_score=0.0001).data
    assert [row["id"] for row in listed][:2] == [good, bad]
    lead_model.withdraw(registry, office.firm.a)
