"""One person comes in three times: it is said, two of them become one, and that was wrong."""

from __future__ import annotations


def test_a_person_who_was_two(office):
    agent, manager, stranger = office.person("agent"), office.person("manager"), office.person("owner", "b")
    ada = agent(
        "POST /api/contacts",
        {"fullName": "Ada Byron", "email": "ada@example.org", "phone": "+49 30 901820"},
    ).data["id"]

    # Before somebody adds her once more they ask, and do it all the same.
    found = agent("POST /api/v1/duplicates/check", {"fullName": "Byron, Ada", "phone": "030 901820"}).data
    assert [each["id"] for each in found] == [ada]
    assert found[0]["chance"] > 0.9
    again = agent(
        "POST /api/contacts", {"fullName": "Byron Ada", "phone": "030/901820", "jobTitle": "Countess"}
    ).data["id"]
    agent("POST /api/v1/contacts/{id}/notes", {"body": "Wants the van on Friday."}, id=again)

    # Agents may not put rows together, managers may; it is all there after a restart.
    agent("POST /api/v1/contacts/{id}/merge", {"fromId": again}, id=ada, refused=403)
    made = manager("POST /api/v1/contacts/{id}/merge", {"fromId": again}, id=ada).data
    office.restart()
    assert manager("GET /api/v1/contacts/{id}", id=ada).data["job_title"] == "Countess"
    assert len(manager("GET /api/v1/contacts/{id}/notes", id=ada).data) == 1
    agent("GET /api/v1/contacts/{id}", id=again, refused=404)
    assert agent("GET /api/v1/merges", survivor_id=ada).data[0]["moved"] == {"notes": 1}
    stranger("GET /api/v1/merges/{id}", id=made["id"], refused=404)

    # They were mother and daughter after all.
    undone = manager("POST /api/v1/merges/{id}/undo", {}, id=made["id"]).data
    assert undone["left_as_changed"] == []
    assert manager("GET /api/v1/contacts/{id}", id=ada).data["job_title"] is None
    assert len(manager("GET /api/v1/contacts/{id}/notes", id=again).data) == 1
