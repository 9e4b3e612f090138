"""How calls about departments can fail."""

from serve.kernel.errors import Conflict


class DepartmentInUse(Conflict):
    code, message = "DEPARTMENT_IN_USE", "People or departments are still part of it. Move them first."
