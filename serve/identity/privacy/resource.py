"""The declarations, which the endpoints and the services use."""

from serve.identity.privacy import models
from serve.identity.privacy.schemas import HoldFields, HoldRead, RequestFields, RequestRead
from serve.kernel.resources import Resource

requests = Resource(
    models.privacy_requests,
    fields=RequestFields,
    read=RequestRead,
    calls=("list", "get", "stats"),
    path="/api/v1/privacy/requests",
    permission="privacy",
)
holds = Resource(
    models.privacy_holds,
    fields=HoldFields,
    read=HoldRead,
    calls=("list", "get"),
    path="/api/v1/privacy/holds",
    permission="privacy",
)
