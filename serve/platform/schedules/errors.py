"""How something asked of a schedule can fail."""

from serve.kernel.errors import Conflict


class ScheduleFinished(Conflict):
    code, message = "SCHEDULE_FINISHED", "The schedule has no time any more; change it first."


class ScheduleBusy(Conflict):
    code, message = (
        "SCHEDULE_BUSY",
        "A run of this schedule has not ended, and it does not allow two at once.",
    )
