"""How calls about invoices can fail."""

from serve.kernel.errors import Conflict


class InvoiceNotOpen(Conflict):
    code, message = (
        "INVOICE_NOT_OPEN",
        "Nothing of this invoice is to be paid: it is paid already, void, or of a return.",
    )


class InvoiceStatusDoesNotFollow(Conflict):
    code, message = "INVOICE_STATUS_DOES_NOT_FOLLOW", "An invoice of this status cannot get the other one."
