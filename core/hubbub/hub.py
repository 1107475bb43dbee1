"""Make the Hub once per process: everything that work needs, passed in."""

import os
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Self

from redis import Redis
from sqlalchemy import Engine

from hubbub import loading
from hubbub.asides import Asides
from hubbub.directory import Directory
from hubbub.guard import Guard
from hubbub.keyring import secret_keys
from hubbub.limiter import Limiter
from hubbub.live import Live
from hubbub.media import MediaStore
from hubbub.nudge import Nudges
from hubbub.plugins import Plugins
from hubbub.redis_client import make_redis
from hubbub.settings import Settings
from hubbub.store.session import make_engine
from hubbub.store.types import new_id
from hubbub.transport import Transport
from hubbub.transports import Transports
from hubbub.vault import Vault

#: Connections to Redis for sends that wait for a session: as many as may be on their way.
_WAITING: Final = 256


def _now() -> datetime:
    return datetime.now(UTC)


def _process_id() -> str:
    return f"{socket.gethostname()}-{os.getpid()}-{new_id()[-6:]}"


@dataclass(kw_only=True)
class Hub:
    """What a process works with. Nothing in it is opened before it is used."""

    settings: Settings
    engine: Engine
    plugins: Plugins
    vault: Vault
    http: Transport
    media: MediaStore
    nudges: Nudges
    limiter: Limiter
    live: Live
    redis: Redis
    now: Callable[[], datetime] = _now
    #: Names this process in claims and leases.
    process_id: str = field(default_factory=_process_id)

    directory: Directory = field(init=False, repr=False)
    asides: Asides = field(default_factory=Asides, init=False, repr=False)

    def __post_init__(self) -> None:
        """Give the hub its directory, which needs the hub."""
        self.directory = Directory(self)

    @classmethod
    def make(cls, settings: Settings) -> Self:
        """Return the hub that ``settings`` describe. Raises `BadSettings`."""
        engine = make_engine(settings.database)
        client = make_redis(settings.redis)
        # Whoever waits for a session's answer keeps a connection meanwhile.
        patient = make_redis(settings.redis, connections=_WAITING, retries=0)
        media = MediaStore(settings.media)
        return cls(
            settings=settings,
            engine=engine,
            plugins=loading.load(settings.plugins_file),
            vault=Vault(secret_keys(settings, engine)),
            http=Transports(Guard(settings.private_networks), patient, media),
            media=media,
            nudges=Nudges(client),
            limiter=Limiter(client),
            live=Live(client),
            redis=client,
        )
