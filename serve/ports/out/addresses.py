"""Where a name leads, asked once, and whether we go there: what was checked is what is connected to.

Names, and addresses in any notation, come from people and from strangers' redirects. Every address of a name has to be
public: one private one among them is enough to refuse them all.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from serve.ports.out.errors import AddressRefused, Unreachable

LookUp = Callable[[str, int], list[str]]
"""The addresses of a host; raises OSError or UnicodeError where there are none."""

# Written out, because what the library calls global has changed between its versions.
_CLOSED_4 = tuple(
    ip_network(each)
    for each in (
        "0.0.0.0/8",  # this network; connects to this machine
        "10.0.0.0/8",
        "100.64.0.0/10",  # behind carriers' address translation; a cloud's metadata too
        "127.0.0.0/8",
        "168.63.129.16/32",  # a cloud's own services for its machines, on a public address
        "169.254.0.0/16",  # link-local; metadata of clouds
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",  # relays of 6to4
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, broadcast
    )
)
_OPEN_6 = ip_network("2000::/3")
_CLOSED_6 = tuple(
    ip_network(each)
    for each in (
        "2001::/23",  # special purposes, Teredo among them: an IPv4 address in disguise
        "2001:db8::/32",
        "2002::/16",  # 6to4: the same
        "3fff::/20",
    )
)
_TRANSLATED = ip_network("64:ff9b::/96")  # NAT64: the last four bytes are the real destination
_IS_NUMBER = re.compile(r"(\d+|0x[0-9a-f]*)", re.IGNORECASE)


def look_up(host: str, port: int) -> list[str]:
    """As the system knows it; blocking."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def checked(host: str, port: int, *, private_too: bool, look_up: LookUp = look_up) -> list[str]:
    """The addresses of the host, any of which may be connected to; blocking.

    Raises Unreachable when there is none, AddressRefused when one of them is not public (unless ``private_too``) or
    when the host is an address in a notation that programs read differently.
    """
    _check_notation(host)
    try:
        addresses = look_up(host, port)
    except (OSError, UnicodeError) as error:
        raise Unreachable(f"the name {host[:100]} leads nowhere") from error
    if not addresses:
        raise Unreachable(f"the name {host[:100]} leads nowhere")
    if not private_too and not all(is_public(address) for address in addresses):
        raise AddressRefused(f"{host[:100]} is not a public address")
    return addresses


def is_public(text: str) -> bool:
    """Whether the address belongs to everybody's network and to one machine.

    >>> [is_public(each) for each in ("9.9.9.9", "10.0.0.1", "::ffff:10.0.0.1", "64:ff9b::a00:1", "fe80::1%eth0")]
    [True, False, False, False, False]
    """
    try:
        address = ip_address(text)
    except ValueError:
        return False
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _CLOSED_4)
    if address.scope_id is not None:
        return False
    inner = _inside(address)
    if inner is not None:
        return is_public(str(inner))
    return address in _OPEN_6 and not any(address in network for network in _CLOSED_6)


def _inside(address: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that this one is only another way to write."""
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return IPv4Address(address.packed[-4:]) if address in _TRANSLATED else None


def _check_notation(host: str) -> None:
    """Octal, hexadecimal and short forms are refused, wherever they lead; so are zones."""
    if not _IS_NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]):
        if "%" in host:
            raise AddressRefused(f"{host[:100]} names a zone of this machine")
        return
    try:
        IPv4Address(host)
    except ValueError as error:
        raise AddressRefused(f"{host[:100]} is not a public address: write one as four numbers") from error
