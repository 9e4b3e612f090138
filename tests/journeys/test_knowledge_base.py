"""A day of support: an article is written, published, corrected and taken back, and customers' questions find it."""

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
