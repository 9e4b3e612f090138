"""A client of SMTP (RFC 5321) with STARTTLS or TLS and log-in: the library's, bounded in time and in where it goes.

It always knows whether the mail may have been taken: from the moment at which its last byte is on the way until the
server's answer, and at no other time, that is unknown.
"""

from __future__ import annotations

import asyncio
import re
import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Any, Literal

from serve.ports.mail.errors import HostRefused, Rejected, Unconfirmed, Unreachable
from serve.ports.mail.writing import is_plain, people_of, written
from serve.ports.out import AddressRefused, LookUp, checked, look_up
from serve.ports.out import Unreachable as NoAddress
from serve.ports.out.threads import outside

Security = Literal["starttls", "tls", "none"]
END_S = 2.0
"""How long a conversation that was broken off may take to notice."""


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
    look_up: LookUp = field(default=look_up, repr=False)

    async def send(self, message: EmailMessage) -> None:
        """Hand the mail over. Raises MailError."""
        conversation = _Conversation(self)
        held = asyncio.ensure_future(outside(conversation.hold, message))
        held.add_done_callback(_retrieve)
        try:
            await asyncio.wait([held], timeout=self.timeout_s)
            is_late = not held.done()
        finally:
            conversation.end()  # a server that answers in drops would keep the thread
        await asyncio.wait([held], timeout=END_S)
        error = held.exception() if held.done() else None
        if conversation.is_taken:
            return
        if conversation.is_handed_over:
            raise Unconfirmed("the whole mail was handed over, but the server did not say that it took it")
        if error is None or (is_late and isinstance(error, Unreachable)):
            raise Unreachable(f"no answer within {self.timeout_s:g} s")
        raise error


def _retrieve(held: asyncio.Future[None]) -> None:
    """Whatever comes of it, somebody has looked at it."""
    if not held.cancelled():
        held.exception()


class _Conversation:
    """What a thread does, and what others may know of it meanwhile."""

    def __init__(self, server: SmtpServer) -> None:
        self._server = server
        self._socket: socket.socket | None = None
        self._lock = threading.Lock()
        self._is_over = False
        self.is_handed_over = False
        """The last byte of the mail is on its way, and there is no answer to it."""
        self.is_taken = False

    def hold(self, message: EmailMessage) -> None:
        """Raises MailError."""
        server = self._server
        addresses = _addresses(server)
        with _failures():
            client = self._connect(addresses)
            if server.security == "starttls":
                client.starttls(context=ssl.create_default_context())
                self._use(client.sock)
            if server.username and server.password:
                client.login(server.username, server.password)
            _send(client, message)
            with suppress(smtplib.SMTPException):  # the mail has been taken
                client.quit()

    def end(self) -> None:
        """Nothing new is begun from here on; the thread is woken if it waits for the server."""
        with self._lock:
            self._is_over = True
            if self._socket is not None:
                with suppress(OSError):  # it has ended by itself
                    self._socket.shutdown(socket.SHUT_RDWR)

    def _use(self, connected: socket.socket) -> None:
        with self._lock:
            self._socket = connected
            if self._is_over:
                connected.close()
                raise Unreachable("no connection in time")

    def hand_over(self, client: smtplib.SMTP, content: bytes) -> None:
        with self._lock:
            if self._is_over:
                raise Unreachable("no answer in time")
            self.is_handed_over = True
        try:
            client.send(content)
        except BaseException:
            self.is_handed_over = False  # the end of it is still here: nobody takes half a mail
            raise

    def hear(self, code: int) -> None:
        """The answer to the mail. Raises SMTPServerDisconnected for what is none."""
        if not (200 <= code < 300 or 400 <= code < 600):
            raise smtplib.SMTPServerDisconnected("that is no answer")
        self.is_taken, self.is_handed_over = code < 300, False

    def _connect(self, addresses: list[str]) -> smtplib.SMTP:
        """The name stays what the certificate is compared with; a checked address is what is dialled."""
        conversation, server = self, self._server

        class Client(smtplib.SMTP):
            def _get_socket(self, host: str, port: int, timeout: Any) -> socket.socket:
                dialled = _dial(addresses, port, timeout)
                if server.security == "tls":
                    context = ssl.create_default_context()
                    dialled = context.wrap_socket(
                        dialled, server_hostname=host, do_handshake_on_connect=False
                    )
                conversation._use(dialled)
                if isinstance(dialled, ssl.SSLSocket):
                    dialled.do_handshake()
                return dialled

            def data(self, msg: Any) -> tuple[int, bytes]:
                code, said = self.docmd("data")
                if code != 354:
                    raise smtplib.SMTPDataError(code, said)
                conversation.hand_over(self, _dotted(msg))
                code, said = self.getreply()
                conversation.hear(code)
                return code, said

        return Client(server.host, server.port, timeout=server.timeout_s)


def _addresses(server: SmtpServer) -> list[str]:
    try:
        return checked(server.host, server.port, private_too=server.private_too, look_up=server.look_up)
    except AddressRefused as error:
        raise HostRefused(str(error)) from error
    except NoAddress as error:
        raise Unreachable(str(error)) from error


def _send(client: smtplib.SMTP, message: EmailMessage) -> None:
    """The library's ``send_message`` would write a line that begins with "From " differently."""
    client.ehlo_or_helo_if_needed()
    sender, *recipients = people_of(message)
    options = () if is_plain(message) else ("SMTPUTF8", "BODY=8BITMIME")
    if options and not client.has_extn("smtputf8"):
        raise smtplib.SMTPNotSupportedError("addresses with other letters than those of ASCII")
    client.sendmail(sender, recipients, written(message), options)


def _dial(addresses: list[str], port: int, timeout: Any) -> socket.socket:
    """The first that answers. Raises OSError."""
    for address in addresses[:-1]:
        with suppress(OSError):
            return socket.create_connection((address, port), timeout)
    return socket.create_connection((addresses[-1], port), timeout)


def _dotted(content: bytes) -> bytes:
    """The content as it is sent: a line that begins with a dot gets another one, and a lone dot ends it (RFC 5321).

    >>> _dotted(b"one\\r\\n.two\\r\\n")
    b'one\\r\\n..two\\r\\n.\\r\\n'
    """
    doubled = re.sub(rb"(?m)^\.", b"..", content)
    return doubled + (b"" if doubled.endswith(b"\r\n") else b"\r\n") + b".\r\n"


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
