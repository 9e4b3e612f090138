"""A company's papers and pictures: sent, found again, shared with somebody outside, replaced, thrown away."""

from __future__ import annotations

import io

import httpx
from PIL import Image

GROUP = "files"


def picture(kind: str, color: str, **more: object) -> bytes:
    made = io.BytesIO()
    Image.new("RGB", (600, 400), color).save(made, kind, **more)
    return made.getvalue()


def shown(content: bytes) -> Image.Image:
    return Image.open(io.BytesIO(content))


def test_papers_and_pictures(office):
    owner, agent, viewer = (office.person(role) for role in ("owner", "agent", "viewer"))
    stranger = office.person("owner", tenant="b")

    # An offer is sent and stands with its account; what it is, is seen from its content.
    account = agent("POST /api/v1/accounts", {"name": "Nordlicht", "country": "DE"}).data["id"]
    offer = b"%PDF-1.7\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n"
    place = {"entityType": "account", "entity_id": account}
    sent = agent("POST /api/v1/files/upload", files={"file": ("Angebot März.pdf", offer)}, form=place).data
    assert (sent["media_type"], sent["size_bytes"]) == ("application/pdf", len(offer))
    assert sent["uploaded_by"] == agent.id
    viewer("POST /api/v1/files/upload", files={"file": ("a.pdf", offer)}, refused=403)

    # Two more at once; one that is not what its name says, and none of them is there.
    papers = [("files", ("notes.md", b"# Notes\n")), ("files", ("prices.csv", b"a;b\n1;2\n"))]
    wrong = agent(
        "POST /api/v1/files/upload-multiple", files=[*papers, ("files", ("scan.png", offer))], refused=415
    )
    assert wrong.error["details"][0]["field"] == "files[2]"
    both = agent("POST /api/v1/files/upload-multiple", files=papers).data
    assert [each["media_type"] for each in both] == ["text/markdown", "text/csv"]
    # Papers of nothing are for who sent them, and for who sees everything.
    assert [person("GET /api/v1/files").meta["total"] for person in (agent, owner, viewer)] == [3, 3, 1]
    viewer("GET /api/v1/files/{id}/download", id=both[0]["id"], refused=404)
    [found] = viewer("GET /api/v1/files", entity_type="account", entity_id=account).data
    assert found["id"] == sent["id"]
    assert [each["name"] for each in viewer("GET /api/v1/files", search="märz").data] == ["Angebot März.pdf"]

    # Another company sees none of it; whoever may read accounts can fetch the offer.
    stranger("GET /api/v1/files/{id}", id=sent["id"], refused=404)
    stranger("GET /api/v1/files/{id}/download", id=sent["id"], refused=404)
    assert viewer("GET /api/v1/files/{id}", id=sent["id"]).data["sha256"] == sent["sha256"]
    fetched = viewer("GET /api/v1/files/{id}/download", id=sent["id"]).response
    assert fetched.content == offer
    assert fetched.headers["content-disposition"].startswith("attachment;")

    # Somebody outside gets a link, which outlasts a restart and ends with the file.
    link = agent("POST /api/v1/files/{id}/link", {"expires_in_s": 600}, id=sent["id"]).data["url"]
    office.restart()
    assert httpx.get(office.running.url + link).content == offer
    assert httpx.get(office.running.url + link[:-2] + "xx").status_code == 404
    agent("DELETE /api/v1/files/{id}", id=sent["id"])
    assert httpx.get(office.running.url + link).status_code == 404
    viewer("GET /api/v1/files/{id}/download", id=sent["id"], refused=404)
    agent("POST /api/v1/files/{id}/restore", id=sent["id"])
    assert httpx.get(office.running.url + link).content == offer

    # A face and a logo: made anew in our size, the first face gives way to the second.
    faces = []
    for color in ("red", "blue"):
        face = agent(
            "POST /api/v1/files/upload-avatar", files={"file": ("me.jpg", picture("JPEG", color))}
        ).data
        assert (face["entity_id"], face["width_px"], face["height_px"]) == (agent.id, 256, 256)
        faces.append(face["id"])
    assert [each["id"] for each in viewer("GET /api/v1/files", purpose="avatar").data] == [faces[1]]
    seen = shown(viewer("GET /api/v1/files/{id}/download", id=faces[1]).response.content)
    assert (seen.format, seen.size) == ("WEBP", (256, 256))
    agent("POST /api/v1/files/upload-logo", files={"file": ("l.png", picture("PNG", "red"))}, refused=403)
    logo = owner("POST /api/v1/files/upload-logo", files={"file": ("l.gif", picture("GIF", "red"))}).data
    assert (logo["media_type"], logo["width_px"], logo["height_px"]) == ("image/png", 512, 341)
    svg = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
    owner("POST /api/v1/files/upload-logo", files={"file": ("logo.svg", svg)}, refused=415)

    # Whoever looks back sees who did what.
    names = [each["name"] for each in owner("GET /api/audit", entity_id=sent["id"]).data]
    assert names == ["file.restored", "file.deleted", "file.link_made", "file.created"]
