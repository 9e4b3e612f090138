"""Delivers one mail, as a process that can be killed: ``python deliver.py HOME DATABASE TENANT USER MAIL``."""

from __future__ import annotations

import asyncio
import sys
from functools import partial
from pathlib import Path
from uuid import UUID

from serve.kernel.caller import Caller
from serve.kernel.db import Database
from serve.kernel.vault import Vault
from serve.platform.mails import delivery
from serve.ports.mail import MailWays
from serve.ports.storage import Storage
from warehouse.settings import Home


async def main(home: str, address: str, tenant: str, user: str, mail: str) -> None:
    caller = Caller(
        user_id=UUID(user),
        email="",
        tenant_id=UUID(tenant),
        role="",
        permissions=frozenset(),
        tenant_ids=(UUID(tenant),),
        token_id="",
        expires_at_s=0,
    )
    database = Database(lambda: address, size=1, vault=Vault(Home(Path(home)).secret("vault_key")))
    ways = MailWays(None, private_hosts=True, timeout_s=60)
    storage = Storage(str(Path(home) / "files"))
    await delivery.deliver(partial(database.transaction, caller), ways, UUID(mail), storage)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
