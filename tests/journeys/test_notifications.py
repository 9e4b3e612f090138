"""A day in the workshop: what happens to vans reaches those who care, in the words of each product."""

from __future__ import annotations

from tests.serve.firm import VAN

GROUP = "notifications"


def test_a_day_in_the_workshop(office):
    owner, manager, mechanic = (office.person(role) for role in ("owner", "manager", "technician"))

    # Clutch: a van joins the fleet; who works on vans is told, who entered it is not.
    van = owner("POST /api/v1/vehicles", VAN).data["id"]
    office.catch_up()
    assert mechanic("GET /api/v1/notifications/unread").data == {"unread": 1, "by_kind": {"vehicle": 1}}
    assert owner("GET /api/v1/notifications/unread").data["unread"] == 0
    [joined] = mechanic("GET /api/v1/notifications").data
    assert (joined["entity_id"], joined["title"]) == (van, "Vehicle HB-R 1 was added")
    assert mechanic("PUT /api/v1/notifications/{id}/read", id=joined["id"]).data["is_read"]
    assert mechanic("GET /api/v1/notifications", is_read="false").data == []

    # Djobea: it breaks down.
    owner("PATCH /api/v1/vehicles/{id}", {"status": "workshop"}, id=van)
    office.catch_up()
    [broken] = mechanic("GET /api/notifications", isRead="false").data
    assert broken["title"] == "A vehicle went into the workshop"
    assert mechanic("PUT /api/notifications/{id}/read", id=broken["id"]).data["read_at"]

    # Voice CRM: the manager tells the workshop, and only the manager may.
    message = {"title": "It needs brakes", "roles": ["technician"], "priority": "high", "entity_id": van}
    mechanic("POST /api/notifications", message, refused=403)
    [brakes] = manager("POST /api/notifications", message).data["notifications"]
    assert brakes["user_id"] == mechanic.id
    read = mechanic("GET /api/notifications/{id}", id=brakes["id"]).data
    assert (read["title"], read["kind"], read["is_read"]) == ("It needs brakes", "message", False)
    mechanic("PATCH /api/notifications/{id}", {"is_read": True}, id=brakes["id"])
    assert mechanic("GET /api/v1/notifications/unread").data["unread"] == 0
    mechanic("PATCH /api/notifications/{id}", {"is_read": False}, id=brakes["id"])
    assert mechanic("GET /api/v1/notifications/unread").data["by_kind"] == {"message": 1}
    for stranger in (manager, office.person("technician", tenant="b")):
        stranger("GET /api/notifications/{id}", id=brakes["id"], refused=404)

    # FlipTech: one is marked, another removed.
    mechanic("PATCH /api/v1/notifications/{id}/read", id=brakes["id"])
    assert mechanic("GET /api/notifications/{id}", id=brakes["id"]).data["is_read"]
    mechanic("DELETE /api/v1/notifications/{id}", id=brakes["id"])
    mechanic("GET /api/notifications/{id}", id=brakes["id"], refused=404)
    mechanic("DELETE /api/notifications/{id}", id=joined["id"])
    assert [each["id"] for each in mechanic("GET /api/notifications").data] == [broken["id"]]

    # Every product has its own way to have read everything.
    for everything in (
        "PATCH /api/v1/notifications/read-all",
        "PUT /api/notifications/read-all",
        "POST /api/notifications/read-all",
    ):
        manager("POST /api/notifications", {"title": "Coffee", "user_ids": [mechanic.id]})
        assert mechanic("GET /api/v1/notifications/unread").data["unread"] == 1
        assert mechanic(everything).data == {"updated": 1}
        assert mechanic("GET /api/v1/notifications/unread").data["unread"] == 0

    # Who does not want to hear of vehicles is not told, and others are.
    mechanic("PUT /api/v1/settings/notifications", {"muted_kinds": ["vehicle"]})
    owner("DELETE /api/v1/vehicles/{id}", id=van)
    owner("POST /api/v1/vehicles/{id}/restore", id=van)
    second = owner("POST /api/v1/vehicles", VAN | {"registration": "HB-R 2"}).data["id"]
    office.catch_up()
    assert mechanic("GET /api/v1/notifications/unread").data["unread"] == 0
    assert second in {each["entity_id"] for each in manager("GET /api/notifications", kind="vehicle").data}

    # After a restart nothing is told twice, and a cleared list stays cleared.
    told = manager("GET /api/notifications").meta["total"]
    assert mechanic("DELETE /api/v1/notifications/clear-all").data["deleted"] == 4
    office.restart()
    office.catch_up()
    assert mechanic("GET /api/notifications").data == []
    assert manager("GET /api/notifications").meta["total"] == told
