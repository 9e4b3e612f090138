"""A client of SMTP (RFC 5321) with STARTTLS or TLS and log-in: the library's, bounded in time and in where it goes."""

from __future__ import annotations

import asyncio
import smtplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any, Literal

from serve.ports.mail.errors import Rejected, Unreachable
from serve.ports.mail.hosts import resolve

Security = Literal["starttls", "tls", "none"]


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """``timeout_s`` is for the whole conversation; ``private_too`` lets it be in a private network."""

    host: str
    port: int
    security: Security = "starttls"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    timeout_s: float = 10.0
    private_too: bool = False

    async def send(self, message: EmailMessage) -> None:
        """Hand the mail over. Raises MailError."""
        conversation = _Conversation(self)
        try:
            async with asyncio.timeout(self.timeout_s):
                await asyncio.to_thread(conversation.hold, message)
        except TimeoutError as error:
            raise Unreachable(f"no answer within {self.timeout_s:g} s") from error
        finally:
            conversation.end()  # a server that answers in drops would keep the thread


class _Conversation:
    def __init__(self, server: SmtpServer) -> None:
        self._server = server
        self._socket: socket.socket | None = None
        self._client: smtplib.SMTP | None = None

    def hold(self, message: EmailMessage) -> None:
        server = self._server
        address = resolve(server.host, server.port, private_too=server.private_too)
        with _failures():
            client = self._connect(address)
            if server.security == "starttls":
                client.starttls(context=ssl.create_default_context())
            if server.username and server.password:
                client.login(server.username, server.password)
            client.send_message(message)
            client.quit()

    def end(self) -> None:
        """Wake the thread if it still waits for the server."""
        for each in (self._socket, self._client and self._client.sock):
            if each is not None:
                with suppress(OSError):  # it has ended by itself
                    each.shutdown(socket.SHUT_RDWR)

    def _connect(self, address: str) -> smtplib.SMTP:
        """The name stays what the certificate is compared with; the checked address is what is dialled."""
        conversation, server = self, self._server

        class Client(smtplib.SMTP):
            def _get_socket(self, host: str, port: int, timeout: Any) -> socket.socket:
                conversation._client = self
                dialled = socket.create_connection((address, port), timeout)
                if server.security == "tls":
                    context = ssl.create_default_context()
                    dialled = context.wrap_socket(
                        dialled, server_hostname=host, do_handshake_on_connect=False
                    )
                    conversation._socket = dialled
                    dialled.do_handshake()
                conversation._socket = dialled
                return dialled

        return Client(server.host, server.port, timeout=server.timeout_s)


@contextmanager
def _failures() -> Iterator[None]:
    """What the library raises, as what it means."""
    try:
        yield
    except smtplib.SMTPAuthenticationError as error:
        raise Rejected("login", _said(error)) from error
    except smtplib.SMTPSenderRefused as error:
        raise Rejected("sender", _said(error)) from error
    except smtplib.SMTPRecipientsRefused as error:
        code, text = next(iter(error.recipients.values()))
        raise Rejected("recipient", f"{code} {_plain(text)}") from error
    except smtplib.SMTPDataError as error:
        raise Rejected("message", _said(error)) from error
    except smtplib.SMTPNotSupportedError as error:
        raise Unreachable(f"the server cannot do what is asked: {error}") from error
    except smtplib.SMTPResponseException as error:
        raise Unreachable(f"the server answered {_said(error)}") from error
    except ssl.SSLCertVerificationError as error:
        raise Unreachable(f"the server's certificate is not trusted: {error.verify_message}") from error
    except ssl.SSLError as error:
        raise Unreachable("the server does not speak TLS in the way that is set") from error
    except TimeoutError as error:
        raise Unreachable("no answer in time") from error
    except (smtplib.SMTPException, OSError) as error:
        raise Unreachable("the server refused or broke off the connection") from error


def _said(error: smtplib.SMTPResponseException) -> str:
    return f"{error.smtp_code} {_plain(error.smtp_error)}"


def _plain(text: bytes | str) -> str:
    """What a stranger wrote, on one line and short."""
    words = text.decode("ascii", "replace") if isinstance(text, bytes) else text
    return " ".join("".join(each if each.isprintable() else " " for each in words).split())[:200]
