"""Days from which on a tenant refuses a deprecated call to itself."""

from sqlalchemy import Date, Index, Text

from serve.kernel.schema import optional, own_table, required, unique

api_sunsets = own_table(
    "api_sunsets",
    required("method", Text),
    required("route", Text),
    optional("sunset_on", Date),
    unique("method", "route"),
    Index(None, "change_xid"),
)
api_sunsets.info |= {"entity": "api_sunset", "personal": (), "unrecorded": ()}
