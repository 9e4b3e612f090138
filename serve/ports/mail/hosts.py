"""Where a name leads, asked once: what was checked is what is connected to."""

from __future__ import annotations

import socket
from ipaddress import ip_address

from serve.ports.mail.errors import HostRefused, Unreachable


def resolve(host: str, port: int, *, private_too: bool) -> str:
    """One address of the host. Raises Unreachable, or HostRefused when any of its addresses is not public."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Unreachable(f"the name {host} leads nowhere") from error
    addresses = [str(entry[4][0]) for entry in found]
    if not private_too and not all(_is_public(address) for address in addresses):
        raise HostRefused(f"{host} is not a public address")
    return addresses[0]


def _is_public(text: str) -> bool:
    address = ip_address(text.partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None) or address
    return mapped.is_global and not mapped.is_multicast
