"""What a domain says about itself: TXT records, by the resolver of this machine or one that is set."""

from __future__ import annotations

from urllib.parse import urlsplit

import dns.asyncresolver
import dns.exception
import dns.name
import dns.resolver

from serve.kernel.errors import OutsideFailed, OutsideSlow

SERVICE = "The name service"
MOST_RECORDS = 100


class TxtRecords:
    """``resolver`` is an address, with a port if it is another one than 53; without it the machine's own are asked."""

    def __init__(self, resolver: str | None = None, *, within_s: float = 5.0) -> None:
        self._resolver, self._within_s = resolver, within_s

    async def of(self, name: str) -> list[str]:
        """The texts at the name; none where there is no such name. Raises OutsideFailed or OutsideSlow."""
        try:
            answer = await self._asking().resolve(name, "TXT", lifetime=self._within_s, search=False)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer, dns.name.NameTooLong, dns.name.LabelTooLong):
            return []
        except dns.exception.Timeout as error:
            raise OutsideSlow(SERVICE) from error
        except (dns.exception.DNSException, OSError) as error:
            raise OutsideFailed(SERVICE) from error
        records = list(answer)[:MOST_RECORDS]
        return [b"".join(record.strings).decode("utf-8", "replace") for record in records]

    def _asking(self) -> dns.asyncresolver.Resolver:
        if self._resolver is None:
            return dns.asyncresolver.Resolver()
        asking = dns.asyncresolver.Resolver(configure=False)
        at = urlsplit(f"//{self._resolver}")
        asking.nameservers, asking.port = [at.hostname or ""], at.port or 53
        return asking
