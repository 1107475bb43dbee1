"""See that the secret key fits what is stored, and make one only where nothing is stored yet."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import structlog
from sqlalchemy import ColumnElement, Engine, LargeBinary, func, inspect, select, union, update

from hubbub.settings import BadSettings, Settings
from hubbub.store.session import DatabaseDown, make_file, reading, transaction
from hubbub.store.tables import (
    Channel,
    ChannelDraft,
    DigestKey,
    RouteDraft,
    RouteSet,
    table,
)
from hubbub.vault import KEY_ID_LENGTH, Vault, key_id

#: How to go on from there.
REMEDY: Final = (
    "Put back secret.key from a backup, or set HUBBUB_SECRET_KEY to the earlier key. If it is lost "
    "for good, set HUBBUB_SECRET_KEY to a new one (`openssl rand -hex 32`), and delete and add "
    "each channel again."
)
_channels = table(Channel)
_route_sets = table(RouteSet)
_route_drafts = table(RouteDraft)
_drafts = table(ChannelDraft)
_digest_keys = table(DigestKey)
#: All that is encrypted: what identifies a row, and the ciphertext.
_SEALED: Final = (
    (_channels.c.id, _channels.c.secrets),
    (_route_sets.c.id, _route_sets.c.sealed),
    (_route_drafts.c.id, _route_drafts.c.sealed),
    (_drafts.c.id, _drafts.c.sealed),
    (_digest_keys.c.id, _digest_keys.c.sealed),
)
log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Fit:
    """How many channels our keys decrypt with all that is theirs, and how many they do not."""

    readable: int = 0
    unreadable: int = 0
    #: How many of the readable ones need another key than the first.
    earlier: int = 0

    @property
    def sentence(self) -> str:
        """What is wrong; empty when nothing is."""
        if not self.unreadable:
            return ""
        these = "channel has" if self.unreadable == 1 else "channels have"
        return (
            f"{self.unreadable} {these} credentials or routes that were encrypted with a secret "
            "key which is not here"
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
    make_file(settings.database)
    ours = [key_id(key) for key in settings.keys] if has_key(settings) else []
    needed = _keys_by_channel(engine).values()
    readable = [keys for keys in needed if keys <= set(ours)]
    return Fit(
        readable=len(readable),
        unreadable=len(needed) - len(readable),
        earlier=sum(keys != set(ours[:1]) for keys in readable),
    )


def rekey(engine: Engine, keys: tuple[str, ...]) -> int:
    """Encrypt all that is stored with the first of ``keys``; return how much was not.

    Safe to run twice, and while the hub runs: what is changed meanwhile is encrypted with the first
    key anyway, and is left alone. Raises `hubbub.vault.Undecryptable`.
    """
    vault, done = Vault(keys), 0
    for key, sealed in _SEALED:
        with reading(engine) as db:
            other = _key_of(sealed) != key_id(keys[0])
            rows = db.execute(select(key, sealed).where(sealed != b"", other)).all()
        for row_id, before in rows:
            again = update(key.table).where(key == row_id, sealed == before)
            with transaction(engine) as db:
                changed = again.values({sealed: vault.resealed(before, row_id)})
                done += db.execute(changed).rowcount
    return done


def _key_of(sealed: ColumnElement[bytes]) -> ColumnElement[bytes]:
    return func.substr(sealed, 1, KEY_ID_LENGTH, type_=LargeBinary)


def _keys_by_channel(engine: Engine) -> Mapping[str, set[bytes]]:
    """Return the names of the keys that each channel's secrets and routes need."""
    needed = union(
        *(
            select(channel_id, _key_of(sealed)).where(sealed != b"")
            for channel_id, sealed in (
                (_channels.c.id, _channels.c.secrets),
                (_route_sets.c.channel_id, _route_sets.c.sealed),
            )
        )
    )
    found: defaultdict[str, set[bytes]] = defaultdict(set)
    try:
        with reading(engine) as db:
            if inspect(db).has_table(_channels.name):
                for channel_id, key in db.execute(needed):
                    found[channel_id].add(bytes(key))
        return found
    finally:
        engine.dispose()  # a process may fork after this, and no connection survives that
