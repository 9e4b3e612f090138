"""HTTP to addresses that somebody outside may have chosen.

The rule stands where connections are made: an own network backend looks a name up once, checks every address and dials
one of those. Redirects, libraries that are given ``transport`` and whatever else asks go through it, because there is
no other way. Nothing of the environment (proxies, ``.netrc``) is used, no cookie is kept, no address logged.
"""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

import httpcore
import httpx

from serve.ports.out.addresses import LookUp, checked, look_up
from serve.ports.out.errors import AddressRefused, TooLarge, Unanswered, Unreachable
from serve.ports.out.threads import outside

WEB_PORTS = frozenset({80, 443})
CONNECT_S = 10.0
MOST_ADDRESSES = 4  # that are tried of one name
_OURS = {"User-Agent": "Throughline", "Accept-Encoding": "identity"}
_KEPT = frozenset({"accept", "accept-language", "user-agent"})
"""Headers that a redirect to another host takes along."""
_STRANGE = re.compile(r"[\x00-\x20\x7f\\]")


@dataclass(frozen=True, slots=True)
class Limits:
    """``within_s`` is for all of it, redirects and the answer's last byte included; 0 redirects: none is followed."""

    within_s: float = 30.0
    most_bytes: int = 5_000_000
    redirects: int = 5


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; ``url`` is where from, after redirects."""

    status: int
    headers: Mapping[str, str]
    url: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Stream:
    """An answer whose body is still to be read, at most once."""

    status: int
    headers: Mapping[str, str]
    url: str
    chunks: AsyncIterator[bytes]


class Door:
    """``ports`` may be called, all of them when there are none; ``private_too`` lifts the rule about addresses.

    ``look_up`` and ``network`` are there for tests: who answers for names, and what is beyond the door.
    """

    def __init__(
        self,
        *,
        private_too: bool = False,
        ports: Collection[int] = WEB_PORTS,
        look_up: LookUp = look_up,
        network: httpcore.AsyncNetworkBackend | None = None,
    ) -> None:
        self.transport = _Transport(_Checked(look_up, network, private_too=private_too), frozenset(ports))

    async def send(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        limits: Limits = Limits(),
    ) -> Answer:
        """The whole answer. Raises AddressRefused, Unreachable, Unanswered or TooLarge."""
        async with self.open(method, url, headers=headers, content=content, limits=limits) as stream:
            body = b"".join([chunk async for chunk in stream.chunks])
        return Answer(stream.status, stream.headers, stream.url, body)

    @asynccontextmanager
    async def open(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        limits: Limits = Limits(),
    ) -> AsyncIterator[Stream]:
        """An answer to be read piece by piece; GET and HEAD follow redirects. Raises the same, while reading too."""
        response: httpx.Response | None = None
        sending = _Sending()
        try:
            with _meaning():
                async with asyncio.timeout(limits.within_s):
                    response = await self._answer(method, url, dict(headers or {}), content, limits, sending)
                    found = dict(response.headers.items())
                    yield Stream(
                        response.status_code, found, str(response.url), _chunks(response, limits.most_bytes)
                    )
        except TimeoutError as error:
            kind = Unanswered if sending.has_begun else Unreachable
            raise kind(f"no whole answer within {limits.within_s:g} s", was_slow=True) from error
        finally:
            if response is not None:
                await response.aclose()

    async def close(self) -> None:
        await self.transport.aclose()

    async def _answer(
        self,
        method: str,
        url: str,
        headers: dict[str, str],
        content: bytes | None,
        limits: Limits,
        sending: _Sending,
    ) -> httpx.Response:
        """No client of the library stands between: it would keep cookies, and log addresses with what is in them."""
        to = read_url(url)
        _check_headers(headers)
        timeout = httpx.Timeout(limits.within_s, connect=min(limits.within_s, CONNECT_S)).as_dict()
        for left in range(limits.redirects, -1, -1):
            request = httpx.Request(
                *(method, to),
                headers=_OURS | headers,
                content=content,
                extensions={"timeout": timeout, "trace": sending.watch},
            )
            response = await self.transport.handle_async_request(request)
            response.request = request
            if method not in ("GET", "HEAD") or not (limits.redirects and response.has_redirect_location):
                return response
            await response.aclose()
            if not left:
                raise AddressRefused(f"more than {limits.redirects} redirects")
            before, to = to, _next(to, response.headers["location"])
            if (before.scheme, before.host, before.port) != (to.scheme, to.host, to.port):
                headers = {name: value for name, value in headers.items() if name.lower() in _KEPT}
        raise AssertionError("unreachable")


def read_url(text: str) -> httpx.URL:
    """Raises AddressRefused for what is no plain address of the web."""
    if len(text) > 8_000 or _STRANGE.search(text):
        raise AddressRefused("the address has characters that none has, or too many")
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, UnicodeError, ValueError) as error:
        raise AddressRefused("that is no address") from error
    return url


def check_url(url: httpx.URL, ports: Collection[int]) -> None:
    """Everything about the address that can be said without looking its host up. Raises AddressRefused."""
    if url.scheme not in ("http", "https"):
        raise AddressRefused("only addresses that begin with http:// or https:// are called")
    if not url.host:
        raise AddressRefused("the address has no host")
    if url.userinfo:
        raise AddressRefused("the address has a name or password in it: those have settings of their own")
    port = {"http": 80, "https": 443}[url.scheme] if url.port is None else url.port
    if ports and port not in ports:
        raise AddressRefused(f"port {port} is not one that may be called")


def _check_headers(headers: Mapping[str, str]) -> None:
    """The library would say the value, which may be a secret. Raises Unreachable."""
    for name, value in headers.items():
        if not (value.isascii() and value.isprintable()):
            raise Unreachable(f"the header {name} has letters that none may have")


def _next(before: httpx.URL, location: str) -> httpx.URL:
    """Where a redirect leads. Raises AddressRefused."""
    try:
        to = before.join(read_url(location))
    except (httpx.InvalidURL, ValueError) as error:
        raise AddressRefused("a redirect leads to no address") from error
    if before.scheme == "https" and to.scheme == "http":
        raise AddressRefused("a redirect leads from HTTPS to HTTP")
    return to


async def _chunks(response: httpx.Response, most_bytes: int) -> AsyncIterator[bytes]:
    """The body as it is sent. A compressed one is not asked for, and not read: it may unpack to any size."""
    if response.headers.get("content-encoding", "identity").lower() not in ("identity", ""):
        raise TooLarge("the answer is compressed although nobody asked for that")
    count = 0
    async for chunk in response.aiter_raw():
        count += len(chunk)
        if count > most_bytes:
            raise TooLarge(f"the answer is longer than {most_bytes} bytes")
        yield chunk


class _Sending:
    """Whether anything of a request has been sent."""

    has_begun = False

    async def watch(self, step: str, detail: Mapping[str, Any]) -> None:
        self.has_begun |= step.endswith("send_request_headers.started")


@contextmanager
def _meaning() -> Iterator[None]:
    """What the library raises, as what it means."""
    try:
        yield
    except (httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        raise Unreachable("no connection in time", was_slow=True) from error
    except httpx.ConnectError as error:
        raise Unreachable("no connection, or none over trusted TLS") from error
    except httpx.TimeoutException as error:
        raise Unanswered("no answer in time", was_slow=True) from error
    except (httpx.TransportError, httpx.StreamError) as error:
        raise Unanswered("the connection broke off, or the answer is not HTTP") from error


class _Checked(httpcore.AsyncNetworkBackend):
    """Dials only what was checked, in the order of the answer."""

    def __init__(
        self, look_up: LookUp, network: httpcore.AsyncNetworkBackend | None, *, private_too: bool
    ) -> None:
        self._look_up, self._private_too = look_up, private_too
        self._network = network or httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        addresses = await self._checked(host, port, timeout)
        addresses = addresses[:MOST_ADDRESSES]
        share = None if timeout is None else timeout / len(addresses)
        for address in addresses[:-1]:
            try:
                return await self._dial(address, port, share)
            except (httpcore.ConnectError, httpcore.ConnectTimeout):
                continue
        return await self._dial(addresses[-1], port, share)

    async def _checked(self, host: str, port: int, timeout: float | None) -> list[str]:
        try:
            async with asyncio.timeout(timeout):
                return await outside(
                    checked, host, port, private_too=self._private_too, look_up=self._look_up
                )
        except TimeoutError as error:
            raise httpcore.ConnectTimeout from error
        except Unreachable as error:
            raise httpcore.ConnectError(str(error)) from error

    async def _dial(self, address: str, port: int, timeout: float | None) -> httpcore.AsyncNetworkStream:
        return await self._network.connect_tcp(address, port, timeout=timeout)

    async def connect_unix_socket(self, *args: Any, **more: Any) -> httpcore.AsyncNetworkStream:
        raise AddressRefused("that is no address of a network")

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class _Transport(httpx.AsyncHTTPTransport):
    """The library's own, on our network: each request that reaches it is looked at, the first like the last."""

    def __init__(self, network: _Checked, ports: frozenset[int]) -> None:
        trust = ssl.create_default_context()
        super().__init__(verify=trust, trust_env=False)
        self._ports = ports
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=trust,
            max_connections=100,
            max_keepalive_connections=20,
            keepalive_expiry=5.0,
            network_backend=network,
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        check_url(request.url, self._ports)
        if request.extensions.get("sni_hostname") not in (None, request.url.host):
            raise AddressRefused("the certificate's name must be the host's")
        return await super().handle_async_request(request)
