"""How calls about calendars and policies can fail."""

from serve.kernel.errors import Conflict


class CalendarInUse(Conflict):
    code, message = "CALENDAR_IN_USE", "Policies go by this calendar. Give them another one first."
