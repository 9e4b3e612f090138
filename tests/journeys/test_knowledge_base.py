"""Days of support: an article is written, published, corrected and taken back, and customers' questions find it."""

from __future__ import annotations

GROUP = "knowledge_base"
KB = "/api/knowledge-base"
ONE = f"{KB}/{{id}}"


def test_an_article_is_written_published_and_corrected(office):
    agent, driver, stranger = office.person("agent"), office.person("technician"), office.person("owner", "b")
    draft = agent(
        f"POST {KB}",
        {"title": "Fuel card refused", "body": "Call **0800 1**.", "category": "Fuel", "tags": ["cards"]},
    )
    row_id = draft.data["id"]
    assert driver(f"GET {KB}").data == []
    driver(f"GET {ONE}", id=row_id, refused=404)

    # Published, it is there for whoever reads; nobody else's reader finds it, also after a restart.
    agent("POST /api/v1/knowledge-base/{id}/publish", {"note": "First"}, id=row_id)
    office.restart()
    assert [row["slug"] for row in driver(f"GET {KB}", category="Fuel").data] == ["fuel-card-refused"]
    stranger(f"GET {ONE}", id=row_id, refused=404)
    page = driver("GET /api/v1/knowledge-base/{id}/rendered", id=row_id).data
    assert page["html"] == "<p>Call <strong>0800 1</strong>.</p>\n"

    # Two correct it; the second to save looks again. What they do is seen when it is published, and not before.
    seen = agent(f"GET {ONE}", id=row_id)
    agent(f"PATCH {ONE}", {"body": "Call **0800 2**."}, id=row_id, if_match=seen.etag)
    agent(f"PATCH {ONE}", {"body": "Call **0800 3**."}, id=row_id, if_match=seen.etag, refused=412)
    assert driver(f"GET {ONE}", id=row_id).data["body"] == "Call **0800 1**."
    agent("POST /api/v1/knowledge-base/{id}/publish", id=row_id)
    assert driver(f"GET {ONE}", id=row_id).data["body"] == "Call **0800 2**."

    # The number was wrong: back to the first version. It did not help everybody, and that shows.
    agent("POST /api/v1/knowledge-base/{id}/versions/{number}/rollback", id=row_id, number=1)
    assert driver(f"GET {ONE}", id=row_id).data["body"] == "Call **0800 1**."
    driver("POST /api/v1/knowledge-base/{id}/feedback", {"is_helpful": False}, id=row_id)
    assert agent(f"GET {ONE}", id=row_id).data["unhelpful_count"] == 1

    driver(f"DELETE {ONE}", id=row_id, refused=403)
    agent(f"DELETE {ONE}", id=row_id)
    driver(f"GET {ONE}", id=row_id, refused=404)


def test_a_customers_question_finds_its_article(office):
    agent, driver = office.person("agent"), office.person("technician")
    ids = {}
    for title, body in (
        ("Tyre pressure", "Check it cold, once a week, with the gauge in the door pocket."),
        ("Lost keys", "The office keeps a spare for each van. Sign for it."),
        ("Washing a van", "At the depot, on Fridays, free of charge."),
    ):
        ids[title] = agent(f"POST {KB}", {"title": title, "body": body}).data["id"]
        agent("POST /api/v1/knowledge-base/{id}/publish", id=ids[title])
    found = driver("GET /api/v1/knowledge-base/search", q="keys")
    assert ([row["title"] for row in found.data], found.meta["meaning"]) == (["Lost keys"], "not_trained")

    # Once the worker has been at it, words that are not there find it too, and after a restart as well.
    office.work()
    office.restart()
    found = driver("GET /api/v1/knowledge-base/search", q="how much preassure in the tires")
    assert (found.data[0]["title"], found.meta["meaning"]) == ("Tyre pressure", "used")

    # The agent is shown articles for what a customer asks, and the one that helped is counted.
    shown = agent("POST /api/v1/knowledge-base/suggestions", {"text": "I have lost the key of my van"}).data
    assert shown["articles"][0]["id"] == ids["Lost keys"]
    use = {"article_id": ids["Lost keys"]}
    agent("POST /api/v1/knowledge-base/suggestions/{id}/use", use, id=shown["id"])
    rates = agent("GET /api/v1/knowledge-base/stats", range="7d").data["suggestions"]
    assert (rates["shown_count"], rates["hit_rate"], rates["hit_rate_first"]) == (1, 1.0, 1.0)
