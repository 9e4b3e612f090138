"""A name server of our own, over UDP: TXT records as a test says them."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset


class Names:
    """``texts`` by name; ``rcode`` is said of the names that it does not have. None: it says nothing at all."""

    def __init__(self) -> None:
        self.texts: dict[str, list[str]] = {}
        self.rcode: int | None = dns.rcode.NXDOMAIN
        self.address = ""

    def answer(self, asked: bytes) -> bytes | None:
        query = dns.message.from_wire(asked)
        response = dns.message.make_response(query, recursion_available=True)
        name = query.question[0].name
        texts = self.texts.get(name.to_text(omit_final_dot=True).lower())
        if texts is None:
            if self.rcode is None:
                return None
            response.set_rcode(self.rcode)
        else:
            quoted = [f'"{text}"' for text in texts]
            response.answer.append(
                dns.rrset.from_text(name, 60, dns.rdataclass.IN, dns.rdatatype.TXT, *quoted)
            )
        return response.to_wire()


@contextmanager
def names_served() -> Iterator[Names]:
    names = Names()

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            data, sock = self.request
            answer: Any = names.answer(data)
            if answer is not None:
                sock.sendto(answer, self.client_address)

    with socketserver.ThreadingUDPServer(("127.0.0.1", 0), Handler) as server:
        names.address = f"127.0.0.1:{server.server_address[1]}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield names
        finally:
            server.shutdown()
            thread.join()
