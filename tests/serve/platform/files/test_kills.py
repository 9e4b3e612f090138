"""The API is killed in the middle of uploads: what was acknowledged is there, and after a collection nothing else."""

from __future__ import annotations

import asyncio
import http.client
import json
import random
import threading
import time
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from serve.kernel.db import Database
from serve.platform.files.collector import Collector
from serve.ports.storage import Storage
from tests.faults.service import Service
from tests.serve.platform.files.sending import END, FILES, KIND, part

CLIENTS = 4


class Sender:
    """Sends one file after the other, and keeps a ledger of those that were acknowledged."""

    def __init__(self, service: Service, number: int, tenant_id: object, done: threading.Event) -> None:
        self.draw = random.Random(number)
        self.port, self.token, self.done = service.port, service.tenants[tenant_id], done  # type: ignore[index]
        self.acknowledged: dict[str, str] = {}
        self.unanswered = 0

    def run(self) -> None:
        while not self.done.is_set():
            content = self.draw.randbytes(self.draw.choice([100, 50_000, 2_000_000])).hex().encode()
            body = part("file", content, file="a.txt") + END
            try:
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
                connection.request("POST", FILES, body, KIND | {"Authorization": f"Bearer {self.token}"})
                answer = connection.getresponse()
                said = answer.read()
            except (OSError, http.client.HTTPException):
                self.unanswered += 1
                time.sleep(0.05)  # whoever asks all the time keeps the service from starting
                continue
            if answer.status == 201:
                self.acknowledged[json.loads(said)["data"]["id"]] = sha256(content).hexdigest()
            else:
                assert answer.status in (429, 503), said


def contents(storage: Storage, tenant_id) -> dict[str, str]:
    found = {}
    for each in storage.files(tenant_id):
        with storage.open(tenant_id, each) as file:
            found[str(each)] = sha256(file.read()).hexdigest()
    return found


def collected(service: Service, storage: Storage) -> object:
    """All that the grace period protects is over."""

    async def collect() -> object:
        worker = Database(lambda: service.server.address.url("worker"), size=2)
        try:
            return await Collector(worker, storage, kept_s=0).collect(datetime.now(UTC) + timedelta(days=1))
        finally:
            await worker.close()

    return asyncio.run(collect())


def kill_during_uploads(home: Path, kills: int, seed: int) -> None:
    draw = random.Random(seed)
    with Service.open(home) as service:
        [tenant_id] = service.tenants
        done = threading.Event()
        senders = [Sender(service, number, tenant_id, done) for number in range(CLIENTS)]
        threads = [threading.Thread(target=sender.run) for sender in senders]
        for thread in threads:
            thread.start()
        for _ in range(kills):
            before = sum(len(sender.acknowledged) for sender in senders)
            while sum(len(sender.acknowledged) for sender in senders) < before + CLIENTS:
                time.sleep(0.005)
            time.sleep(draw.random() * 0.2)
            service.kill("api", draw)
        done.set()
        for thread in threads:
            thread.join()
        service.settle()
        storage = Storage(str(service.home.root / "files"))
        acknowledged = {key: value for sender in senders for key, value in sender.acknowledged.items()}
        rows = {str(row_id): digest for row_id, digest in service.sql("select id, sha256 from files")}
        before = contents(storage, tenant_id)
        assert rows.items() >= acknowledged.items(), "an acknowledged file has no row"
        assert before.items() >= rows.items(), "a row has no bytes, or others"
        result = collected(service, storage)
        assert contents(storage, tenant_id) == rows
        assert service.sql("select count(*) from files where lost_at is not null") == [(0,)]
        assert not any((service.home.root / "files" / "incoming").iterdir())
        # What has a row but no acknowledgement was committed in the moment of a kill: at most one for each sender.
        assert len(rows) - len(acknowledged) <= kills * CLIENTS
        unanswered = sum(sender.unanswered for sender in senders)
        print(
            f"\n{kills} kills, {len(acknowledged)} acknowledged, {unanswered} unanswered, {len(rows)} rows, {result}"
        )
        assert unanswered > 0


def test_acknowledged_files_survive_and_nothing_else_stays(tmp_path):
    kill_during_uploads(tmp_path / "home", kills=3, seed=1)


@pytest.mark.torture
def test_thirty_kills(tmp_path):
    kill_during_uploads(tmp_path / "home", kills=30, seed=2)
