"""How calls about security can fail."""

from serve.kernel.errors import Conflict, NotFound


class TenantNotReadable(NotFound):
    code, message = "TENANT_NOT_READABLE", "There is no such tenant, or its rows are not yours to read."


class ThreatAcknowledged(Conflict):
    code, message = "THREAT_ACKNOWLEDGED", "Somebody has dealt with it already."


class PersonNotHere(NotFound):
    code, message = "PERSON_NOT_HERE", "Nobody of that id belongs to this tenant."


class RefusalNotFound(NotFound):
    code, message = (
        "REFUSAL_NOT_FOUND",
        "No refusal for want of a permission is on record under that request id.",
    )
