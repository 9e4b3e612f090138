"""How a call about tenants can fail."""

from serve.kernel.errors import Conflict, Forbidden, NotFound


class TenantNotFound(NotFound):
    code, message = "TENANT_NOT_FOUND", "There is no such tenant."


class NoUmbrella(Conflict):
    code = "NO_UMBRELLA"
    message = "This tenant is the child of another one, and a child has no children."


class NotYourChild(Forbidden):
    code, message = "NOT_YOUR_CHILD", "Only the umbrella of a tenant may do that, not the tenant itself."


class HasOwner(Conflict):
    code, message = "HAS_OWNER", "The tenant has an owner already, who invites others."


class TenantAtRest(Conflict):
    code, message = "TENANT_AT_REST", "The tenant is suspended, being closed or closed already."


class TenantNotAtRest(Conflict):
    code, message = "TENANT_NOT_AT_REST", "The tenant is not suspended."


class SuspendedByInstallation(Conflict):
    code = "SUSPENDED_BY_INSTALLATION"
    message = "Whoever runs the installation has suspended the tenant, and alone lets it go on."


class TenantHasChildren(Conflict):
    code, message = "TENANT_HAS_CHILDREN", "The tenant is an umbrella: close its children first."


class GraceOver(Conflict):
    code, message = "GRACE_OVER", "The time of grace is over: the tenant is being erased."
