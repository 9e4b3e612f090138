"""One row a request of a logged-in caller: which route, how long, how it ended."""

from sqlalchemy import BigInteger, Double, Integer, Text, Uuid

from serve.kernel.schema import Moment, lookup, optional, required, tenant_table

api_requests = tenant_table(
    "api_requests",
    optional("user_id", Uuid),
    required("method", Text),
    required("route", Text),
    required("status", Integer),
    required("duration_ms", Double),
    optional("request_bytes", BigInteger),
    optional("response_bytes", BigInteger),
    required("requested_at", Moment),
    lookup("requested_at"),
)
