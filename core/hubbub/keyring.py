"""See that the secret key fits what is stored, and make one only where nothing is stored yet."""

from dataclasses import dataclass
from typing import Final

import structlog
from sqlalchemy import Engine, LargeBinary, func, inspect, select

from hubbub.settings import BadSettings, Settings
from hubbub.store.session import DatabaseDown, make_folder, reading
from hubbub.store.tables import Channel, table
from hubbub.vault import KEY_ID_LENGTH, key_id

#: How to go on from there.
REMEDY: Final = (
    "Put back secret.key from a backup, or set HUBBUB_SECRET_KEY to the earlier key. If it is lost "
    "for good, set HUBBUB_SECRET_KEY to a new one (`openssl rand -hex 32`), and delete and add "
    "each channel again."
)
_channels = table(Channel)
log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Fit:
    """How many channels have credentials that our keys decrypt, and how many have others."""

    readable: int = 0
    unreadable: int = 0

    @property
    def sentence(self) -> str:
        """What is wrong; empty when nothing is."""
        if not self.unreadable:
            return ""
        these = "channel has" if self.unreadable == 1 else "channels have"
        return (
            f"{self.unreadable} {these} credentials that were encrypted with a secret key which "
            "is not here"
        )


def secret_keys(settings: Settings, engine: Engine) -> tuple[str, ...]:
    """Return the keys of this hub; the first start makes one.

    Raises `BadSettings` when what is stored needs a key that has gone: a new one in its place would
    only hide that. Who names a new one in HUBBUB_SECRET_KEY has said that they know.
    """
    try:
        found = fit(settings, engine)
    except DatabaseDown:
        if not has_key(settings):
            raise
        return settings.keys  # whoever needs the database waits for it
    if found.unreadable and not found.readable and not settings.secret_key:
        raise BadSettings(f"{found.sentence}. {REMEDY}")
    if found.unreadable:
        log.error("credentials cannot be decrypted", channels=found.unreadable)
    return settings.keys


def has_key(settings: Settings) -> bool:
    """Whether there is a key, or one would have to be made."""
    return bool(settings.secret_key) or settings.key_file.exists()


def fit(settings: Settings, engine: Engine) -> Fit:
    """Compare the keys with what is stored. Makes no key. Raises `DatabaseDown`."""
    make_folder(settings.database)
    ours = {key_id(key) for key in settings.keys} if has_key(settings) else set[bytes]()
    stored = _channels_by_key(engine)
    readable = sum(count for key, count in stored.items() if key in ours)
    return Fit(readable=readable, unreadable=sum(stored.values()) - readable)


def _channels_by_key(engine: Engine) -> dict[bytes, int]:
    key = func.substr(_channels.c.secrets, 1, KEY_ID_LENGTH, type_=LargeBinary)
    query = select(key, func.count()).where(_channels.c.secrets != b"").group_by(key)
    try:
        with reading(engine) as db:
            if not inspect(db).has_table(_channels.name):
                return {}
            return {bytes(row[0]): row[1] for row in db.execute(query)}
    finally:
        engine.dispose()  # a process may fork after this, and no connection survives that
