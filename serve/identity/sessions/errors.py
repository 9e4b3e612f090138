from serve.kernel.errors import NotFound


class SessionNotFound(NotFound):
    code, message = "SESSION_NOT_FOUND", "There is no such open session of yours."
