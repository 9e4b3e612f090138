"""Every setting of the service, from the environment.

``docs/operations/settings.md`` explains each; a test compares the two.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from serve.identity.auth.passwords import COST, hasher
from serve.kernel.ratelimit import parse_rates
from serve.kernel.tasks.kinds import parse_queues


class Settings(BaseSettings):
    """Names are case-insensitive: the setting ``port`` is the variable ``PORT``."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True)

    throughline_home: Path | None = Field(None, description="The one folder where all state lives.")
    host: str = Field("127.0.0.1", description="Address the API listens on.")
    port: int = Field(8000, ge=0, le=65_535, description="Port of the API and the dashboard.")
    dagster_port: int = Field(3000, ge=0, le=65_535, description="Port of Dagster's web page, on loopback.")
    database_url: str | None = Field(
        None, description="An existing PostgreSQL 18; without it one is run for you."
    )
    database_pool_size: int = Field(
        10, ge=1, le=100, description="Most database connections of one API process."
    )
    background_work: bool = Field(
        True, description="Seal events and hand them to their readers in this API process."
    )
    registration: Literal["open", "closed"] = Field(
        "open", description="Whether strangers may make an account and a company: `open` or `closed`."
    )
    token_life_s: int = Field(600, ge=10, le=600, description="Life of an access token, seconds.")
    session_life_h: int = Field(
        336, ge=1, le=8760, description="Hours until a session ends that nobody refreshes."
    )
    cookie_is_secure: bool = Field(
        False, description="Send the log-in cookie over HTTPS only; switch it on wherever HTTPS is used."
    )
    passkey_origins: Annotated[list[str], NoDecode] = Field(
        [], description="Further origins, separated by commas, such as of an app, that use passkeys."
    )
    cors_origins: Annotated[list[str], NoDecode] = Field(
        [], description="Origins, separated by commas, whose pages may call the API with a bearer token."
    )
    lead_scores_kept: int = Field(
        20, ge=1, le=10_000, description="Scores and analyses that are kept of each lead: the newest."
    )
    max_body_bytes: int = Field(1_048_576, ge=1_024, description="Largest request body, bytes.")
    max_upload_bytes: int = Field(104_857_600, ge=1_024, description="Largest body with files in it, bytes.")
    request_timeout_s: float = Field(
        30.0, gt=0, description="Longest time until an answer begins, seconds; then 504."
    )
    shutdown_pause_s: float = Field(
        0.0, ge=0, le=60, description="Between the signal to stop and the end of listening, seconds."
    )
    rate_limits: str = Field(
        "read=6000/600,write=1200/300,export=30/10,auth=120/60",
        description="Requests a minute, and at once, of one key or user, by class of request.",
    )
    rate_limit_tenant_factor: int = Field(
        10, ge=1, description="How many times that a tenant may send in all."
    )
    rate_limits_shared: bool = Field(
        False,
        description="Count requests and failed log-ins in the database, for all API processes together.",
    )
    metrics_token: str | None = Field(None, min_length=16, description="Bearer token that /metrics asks for.")
    login_attempts_per_min: int = Field(
        10, ge=1, description="Failed log-ins a minute, for one address and account together, before 429."
    )
    link_calls_per_min: int = Field(
        60,
        ge=1,
        description="Calls a minute with the link of one mail, of a quote, a request for a review or a ticket, before"
        " 429; six times as many from one address.",
    )
    password_cost: str = Field(
        COST,
        description="What the hash of a password costs: KiB of memory, passes, lanes. After a change everybody is"
        " hashed anew as they log in.",
    )
    account_mails_at_once: int = Field(
        5,
        ge=1,
        description="Links and codes by mail to one address, or asked for from one; then one a minute.",
    )
    realtime_per_user: int = Field(
        20, ge=1, description="Live connections of one person or key in one API process."
    )
    realtime_per_tenant: int = Field(
        1_000, ge=1, description="Live connections of one tenant in one API process."
    )
    realtime_heartbeat_s: float = Field(
        15.0, ge=0.1, le=60, description="Longest silence on a live connection, seconds."
    )
    release_threads: int = Field(2, ge=1, le=64, description="Release queries that run at once.")
    release_memory: str = Field("1GB", pattern=r"^\d+(MB|GB)$", description="Memory of the release reader.")
    answer_cache_mb: int = Field(
        32, ge=0, description="Finished answers kept in memory, megabytes; 0 keeps none."
    )

    files_url: str | None = Field(
        None,
        description="Where the bytes of files lie: what fsspec takes; `files` under the home unless said.",
    )
    max_file_bytes: int = Field(52_428_800, ge=1_024, description="Largest file of an upload, bytes.")
    files_quota_bytes: int = Field(
        10_737_418_240, ge=1_024, description="Bytes that the files of one tenant may have in all."
    )
    files_kept_h: int = Field(168, ge=0, description="Hours that a deleted file can be restored.")

    public_url: str | None = Field(
        None,
        pattern=r"^https?://[^/\s?#]+$",
        description="Where people reach this service, for links in mails and for passkeys; `http://localhost:PORT`"
        " unless said.",
    )
    mail_smtp_host: str | None = Field(
        None,
        description="Mail server of the installation: for mails about accounts of tenants that have no server.",
    )
    mail_smtp_port: int = Field(587, ge=1, le=65_535, description="Its port.")
    mail_smtp_security: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="How the conversation with it is kept secret: `starttls`, `tls` or `none`."
    )
    mail_smtp_username: str | None = Field(None, description="Log-in at it.")
    mail_smtp_password: str | None = Field(None, repr=False, description="The password of that log-in.")
    mail_from: str = Field(
        "throughline@localhost", description="In whose name mails about accounts are sent."
    )
    mail_outbox: bool = Field(
        True, description="Write mail of tenants without a mail server to files under the home."
    )
    mail_private_hosts: bool = Field(
        False, description="Let tenants' mail servers lie in private networks, this machine included."
    )
    mail_timeout_s: float = Field(
        10.0, gt=0, le=60, description="Longest conversation with a mail server, seconds."
    )
    out_private_hosts: bool = Field(
        False,
        description="Call addresses in private networks, this machine included, when tenants' settings say so.",
    )
    out_ports: Annotated[list[int], NoDecode] = Field(
        [80, 443], description="Ports, separated by commas, that may be called outside; none: all of them."
    )
    dns_resolver: str | None = Field(
        None,
        pattern=r"^(\d{1,3}(\.\d{1,3}){3}|\[[0-9a-fA-F:]+\])(:\d{1,5})?$",
        description="Name server that is asked for the records which prove domains; the system's unless said.",
    )

    worker_name: str = Field(
        "worker-1",
        pattern=r"^[A-Za-z0-9_-]{1,64}$",
        description="Which worker this is; another one needs another name, and keeps it over restarts.",
    )
    worker_version: str | None = Field(
        None, description="Version that a worker says it is; without it the service's own."
    )
    worker_tasks: int = Field(
        8, ge=1, le=200, description="Tasks of one queue that a worker carries out at once."
    )
    worker_silent_s: float = Field(
        30.0, ge=1, description="Seconds without a word of a worker until the others take over its tasks."
    )
    task_queues: str = Field(
        "default=4,files=2,mails=2,actions=4",
        description="Tasks of one tenant at once, by queue, and how many may start in how many seconds.",
    )
    tasks_kept_days: int = Field(90, ge=1, description="Days until a task that has ended is forgotten.")

    @property
    def public_address(self) -> str:
        """Where people reach this service, without a slash at the end."""
        return self.public_url or f"http://localhost:{self.port}"

    @field_validator("task_queues")
    @classmethod
    def _are_queues(cls, value: str) -> str:
        parse_queues(value)
        return value

    @field_validator("password_cost")
    @classmethod
    def _is_a_cost(cls, value: str) -> str:
        hasher(value)
        return value

    @field_validator("rate_limits")
    @classmethod
    def _are_rates(cls, value: str) -> str:
        parse_rates(value)
        return value

    @field_validator("cors_origins", "out_ports", "passkey_origins", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return (
            [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value
        )
