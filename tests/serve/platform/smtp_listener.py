"""A mail server for tests: speaks SMTP with STARTTLS, TLS and log-in, and can be told to misbehave."""

from __future__ import annotations

import asyncio
import base64
import datetime
import ssl
import threading
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass
class Mail:
    sender: str
    recipients: list[str]
    message: EmailMessage
    was_encrypted: bool
    login: str | None


@dataclass
class Listener:
    """``answers`` replace what is said to a verb; ``silent_at`` is a verb after which nothing more is said, ``dies_at``
    one at which the connection breaks. CONTENT is the end of a mail. ``arrived`` are all mails that came whole.
    """

    security: str = "none"
    context: ssl.SSLContext | None = None
    accounts: dict[str, str] = field(default_factory=dict)
    answers: dict[str, str] = field(default_factory=dict)
    silent_at: str | None = None
    dies_at: str | None = None
    mails: list[Mail] = field(default_factory=list)
    arrived: list[EmailMessage] = field(default_factory=list)
    is_silent: threading.Event = field(default_factory=threading.Event)
    broke_off: threading.Event = field(default_factory=threading.Event)

    def __enter__(self) -> Listener:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        started = asyncio.run_coroutine_threadsafe(self._start(), self._loop)
        self.port: int = started.result(5)
        return self

    def __exit__(self, *error: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    async def _start(self) -> int:
        context = self.context if self.security == "tls" else None
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=context)
        return self._server.sockets[0].getsockname()[1]

    async def _stop(self) -> None:
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await self._converse(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            pass
        finally:
            self.broke_off.set()
            writer.close()

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        encrypted, login, sender, recipients = self.security == "tls", None, "", []

        async def say(verb: str, usual: str) -> bool:
            if verb == self.dies_at:
                writer.transport.abort()
                raise ConnectionAbortedError
            if verb == self.silent_at:
                self.is_silent.set()
                await reader.read()
                return False
            answer = self.answers.get(verb, usual)
            writer.write(answer.replace("\n", "\r\n").encode() + b"\r\n")
            await writer.drain()
            return answer[0] in "23"

        if not await say("CONNECT", "220 listener ready"):
            return
        while line := await reader.readline():
            verb, _, rest = line.decode().strip().partition(" ")
            verb = verb.upper()
            if verb == "EHLO":
                more = "250-STARTTLS\n" if self.security == "starttls" and not encrypted else ""
                more += "250-AUTH PLAIN\n" if self.accounts else ""
                await say(verb, f"250-listener\n{more}250 8BITMIME")
            elif verb == "STARTTLS":
                if await say(verb, "220 go ahead"):
                    await writer.start_tls(self.context)
                    encrypted = True
            elif verb == "AUTH":
                _, name, password = base64.b64decode(rest.split()[1]).decode().split("\0")
                is_right = self.accounts.get(name) == password
                login = name if is_right else None
                await say(verb, "235 welcome" if is_right else "535 5.7.8 wrong name or password")
            elif verb == "MAIL":
                sender = rest.partition("<")[2].partition(">")[0]
                await say(verb, "250 ok")
            elif verb == "RCPT":
                if await say(verb, "250 ok"):
                    recipients.append(rest.partition("<")[2].partition(">")[0])
            elif verb == "DATA":
                if await say(verb, "354 go ahead"):
                    content = await reader.readuntil(b"\r\n.\r\n")
                    message = message_from_bytes(
                        content[:-3].replace(b"\r\n..", b"\r\n."), policy=policy.default
                    )
                    self.arrived.append(message)
                    if await say("CONTENT", "250 taken"):
                        self.mails.append(Mail(sender, recipients, message, encrypted, login))
            elif verb == "QUIT":
                await say(verb, "221 bye")
                return
            else:
                await say(verb, "250 ok")


def certificate(folder: Path) -> tuple[ssl.SSLContext, Path]:
    """A server's TLS for the name ``localhost``, and the file of the authority that clients must trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.2"))]),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    public, private = folder / "certificate.pem", folder / "key.pem"
    public.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(public, private)
    return context, public
