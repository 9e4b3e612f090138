"""How calls about leads can fail."""

from serve.kernel.errors import Conflict, NotFound


class StatusDoesNotFollow(Conflict):
    code, message = "LEAD_STATUS_DOES_NOT_FOLLOW", "A lead of that status cannot get this one."


class LeadConverted(Conflict):
    code, message = "LEAD_CONVERTED", "This lead was converted already. Undo that first, if it was a mistake."


class LeadLost(Conflict):
    code, message = "LEAD_LOST", "A lead that was lost becomes nothing. Set it to `contacted` first."


class NotConverted(NotFound):
    code, message = "LEAD_NOT_CONVERTED", "This lead was not converted, or that was undone."


class ConversionFinal(Conflict):
    code, message = "CONVERSION_FINAL", "The time in which this conversion could be undone is over."


class ConversionTouched(Conflict):
    code, message = (
        "CONVERSION_TOUCHED",
        "What the conversion made was worked with since. Put that back first, or correct it by hand.",
    )
