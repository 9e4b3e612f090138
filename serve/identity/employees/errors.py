"""How calls about employees can fail."""

from serve.kernel.errors import Conflict


class EmployeeInUse(Conflict):
    code, message = "EMPLOYEE_IN_USE", "Others are led by this employee. Give them another lead first."


class StatusNotPossible(Conflict):
    code, message = "STATUS_NOT_POSSIBLE", "An employee of that status cannot get this one."
