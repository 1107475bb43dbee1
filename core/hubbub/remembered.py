"""Remember what people chose when they are erased, and nothing by which others know them.

An address is kept as a digest under a key of its own, which the vault encrypts: so what was chosen
is found again once somebody has the address, and the database alone tells no addresses. See
docs/decisions/0038.
"""

import hmac
import secrets
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from sqlalchemy import Connection, insert, or_, select, update

from hubbub.sdk.values import AddressState
from hubbub.store.accounts import ids_of_account, of_account
from hubbub.store.addresses import choose_marketing
from hubbub.store.prepared import Prepared, among
from hubbub.store.tables import Address, DigestKey, ErasedAddress, table
from hubbub.store.types import AnyRow, new_id
from hubbub.vault import Undecryptable, Vault

_addresses = table(Address)
_erased = table(ErasedAddress)
_keys = table(DigestKey)

_ANY_ERASED: Final = Prepared(
    select(_erased.c.id).where(among(_erased.c.channel_id, "channels")).limit(1)
)
_OPTED_OUT: Final = {
    "state": AddressState.OPTED_OUT,
    "state_reason": "The contact asked not to be written to, before they were erased.",
}


def remember(db: Connection, vault: Vault, contact_id: str) -> None:
    """Keep what is to outlive the addresses of a contact, just before they are erased."""
    key = next(iter(_known_keys(db, vault)), None) or _new_key(db, vault)
    theirs = db.execute(select(_addresses).where(_addresses.c.contact_id == contact_id)).all()
    pointing = update(_erased).where(_erased.c.address_id.in_([row.id for row in theirs]))
    db.execute(pointing.values(address_id=None))
    for row in theirs:
        kept = {
            "id": row.id,
            "channel_id": row.channel_id,
            "digest": _digest(key, row.address),
            "address_id": _elsewhere(db, row),
            "opted_out": row.state == AddressState.OPTED_OUT,
            "marketing": row.marketing,
            "marketing_at": row.marketing_at,
        }
        db.execute(insert(_erased), kept)


def recall(db: Connection, vault: Vault, rows: Sequence[Mapping[str, Any]]) -> None:
    """Let what was chosen before hold for new addresses, the ``rows`` of one channel.

    Whoever had one was erased, or has it on another channel of the account.
    """
    if not rows:
        return
    channels = ids_of_account(db, rows[0]["channel_id"])
    if len(channels) > 1:
        _take_over(db, channels, {row["address"]: row["id"] for row in rows})
    if _ANY_ERASED.all(db, channels=channels):
        _come_back(db, channels, _by_digest(_known_keys(db, vault), rows))


def _elsewhere(db: Connection, row: AnyRow) -> str | None:
    """Return the address that is the same on another channel of the account, as another contact."""
    same = select(_addresses.c.id).where(
        _addresses.c.address == row.address,
        _addresses.c.channel_id.in_(of_account(row.channel_id)),
        _addresses.c.contact_id != row.contact_id,
    )
    return db.execute(same.order_by(_addresses.c.id.desc()).limit(1)).scalar()


def _take_over(db: Connection, channels: Sequence[str], owners: Mapping[str, str]) -> None:
    """Let addresses, whose ids are those of ``owners``, be as they are on other channels."""
    told = or_(_addresses.c.marketing_at.is_not(None), _addresses.c.state == AddressState.OPTED_OUT)
    found = select(_addresses).where(
        _addresses.c.channel_id.in_(channels),
        _addresses.c.address.in_(owners),
        _addresses.c.id.not_in(owners.values()),
        told,
    )
    for row in db.execute(found.order_by(_addresses.c.id)).all():
        _choose(db, owners[row.address], row, opted_out=row.state == AddressState.OPTED_OUT)


def _come_back(db: Connection, channels: Sequence[str], owners: Mapping[str, str]) -> None:
    found = select(_erased).where(_erased.c.channel_id.in_(channels), _erased.c.digest.in_(owners))
    for row in db.execute(found.order_by(_erased.c.id)).all():
        address_id = owners[row.digest]
        # From now on the address tells what its owner chooses.
        back = {"address_id": address_id, "opted_out": False}
        db.execute(update(_erased).where(_erased.c.id == row.id).values(back))
        _choose(db, address_id, row, opted_out=row.opted_out)


def _choose(db: Connection, address_id: str, chosen: AnyRow, *, opted_out: bool) -> None:
    this = _addresses.c.id == address_id
    if chosen.marketing_at is not None:
        choose_marketing(db, this, marketing=chosen.marketing, at=chosen.marketing_at)
    if opted_out:
        db.execute(update(_addresses).where(this).values(_OPTED_OUT))


# --- digests ---------------------------------------------------------------------------------


def _known_keys(db: Connection, vault: Vault) -> list[bytes]:
    """Return the keys that can be decrypted, the newest first."""
    keys = []
    for row in db.execute(select(_keys).order_by(_keys.c.id.desc())):
        # One that needs a secret key which is not here helps again once that is back.
        with suppress(Undecryptable):
            keys.append(bytes.fromhex(vault.open(row.sealed, row.id)["key"]))
    return keys


def _new_key(db: Connection, vault: Vault) -> bytes:
    key_id, key = new_id(), secrets.token_bytes(32)
    db.execute(insert(_keys), {"id": key_id, "sealed": vault.seal({"key": key.hex()}, key_id)})
    return key


def _by_digest(keys: Iterable[bytes], rows: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return the ids of ``rows`` by the digests of all that their owners are known by."""
    return {
        _digest(key, text): row["id"]
        for key in keys
        for row in rows
        for text in (row["address"], row["also"])
        if text
    }


def _digest(key: bytes, address: str) -> str:
    return hmac.digest(key, address.encode(), "sha256").hex()
