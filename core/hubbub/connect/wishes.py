"""Keep what people chose, and which addresses are gone, beyond the end of a channel.

A channel may be deleted and its account connected again: whoever ended its letters must not get
them anew. docs/decisions/0038 says how.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, NamedTuple

from sqlalchemy import Connection, insert, null, or_, select, update

from hubbub.sdk.values import AddressState
from hubbub.store.accounts import of_account
from hubbub.store.addresses import choose_marketing
from hubbub.store.tables import Address, Channel, Contact, Conversation, ErasedAddress, table
from hubbub.store.threads import Addressee, begun, row_of
from hubbub.store.types import AnyRow, new_id

_addresses = table(Address)
_channels = table(Channel)
_contacts = table(Contact)
_conversations = table(Conversation)
_erased = table(ErasedAddress)

_RESTRICTED: Final = or_(
    _addresses.c.state != AddressState.OK,
    ~_addresses.c.marketing,
    _contacts.c.blocked_at.is_not(None),
)


class Recipient(NamedTuple):
    """Whom a link was sent to: an address, or one that was erased and is not there again."""

    address_id: str | None
    address: str | None
    #: What wrote to them, where that is known, and the type of its channel.
    sender: str | None
    type: str


def inherit(db: Connection, channel: AnyRow, *, threads: bool, now: datetime) -> None:
    """Give a channel what is known of addresses on all others of its account, or that write as it.

    Of what somebody chose here and there, the last counts. ``threads``: whether an address may have
    several conversations.
    """
    told = or_(_RESTRICTED, _addresses.c.marketing_at.is_not(None))
    found = (
        select(_addresses, _RESTRICTED.label("restricted"))
        .join(_contacts, _contacts.c.id == _addresses.c.contact_id)
        .where(
            _addresses.c.channel_id.in_(of_account(channel.id)),
            _addresses.c.channel_id != channel.id,
            told,
        )
    )
    rows = sorted(db.execute(found).all(), key=lambda row: (_chosen_at(row), row.id))
    last = {row.address: row for row in rows}
    here = select(_addresses.c.address).where(_addresses.c.channel_id == channel.id)
    known = set(db.execute(here.where(_addresses.c.address.in_(last))).scalars())
    for address in last.values():
        if address.address not in known:
            if address.restricted:
                _carry(db, address.id, channel.id, threads=threads, now=now)
        elif address.marketing_at is not None:
            this = (_addresses.c.channel_id == channel.id, _addresses.c.address == address.address)
            choose_marketing(db, *this, marketing=address.marketing, at=address.marketing_at)


def bequeath(db: Connection, channel: AnyRow, *, threads: bool, now: datetime) -> None:
    """Give what is known of addresses to the channels that have the account of ``channel`` too."""
    for heir in _heirs(db, channel.id):
        inherit(db, heir, threads=threads, now=now)


def _chosen_at(address: AnyRow) -> float:
    return address.marketing_at.timestamp() if address.marketing_at else 0.0


def recipient(db: Connection, address_id: str) -> Recipient | None:
    """Return whom the link with this id was sent to; None if it is unknown."""
    back = select(_erased.c.address_id).where(_erased.c.id == address_id).scalar_subquery()
    there = select(_addresses.c.id, _addresses.c.address, _channels.c.sender, _channels.c.type)
    there = there.join(_channels, _channels.c.id == _addresses.c.channel_id)
    there = there.where(or_(_addresses.c.id == address_id, _addresses.c.id == back))
    erased = select(null(), null(), _channels.c.sender, _channels.c.type)
    erased = erased.join(_erased, _erased.c.channel_id == _channels.c.id)
    erased = erased.where(_erased.c.id == address_id)
    row = db.execute(there).one_or_none() or db.execute(erased).one_or_none()
    return Recipient(*row) if row else None


def end_marketing(db: Connection, address_id: str, *, threads: bool, now: datetime) -> None:
    """Note that whom a link was sent to takes nothing any more that goes to many.

    It holds as well on the channel that has the account of a deleted one now, and for whom was
    erased once they are there again.
    """
    chosen = {"marketing": False, "marketing_at": now}
    db.execute(update(_erased).where(_erased.c.id == address_id).values(chosen))
    who = recipient(db, address_id)
    if who is None or who.address_id is None:
        return
    choose_marketing(db, _addresses.c.id == who.address_id, marketing=False, at=now)
    of_theirs = select(_addresses.c.channel_id).where(_addresses.c.id == who.address_id)
    for heir in _heirs(db, db.execute(of_theirs).scalar_one()):
        there = (_addresses.c.channel_id == heir.id, _addresses.c.address == who.address)
        if not db.execute(select(_addresses.c.id).where(*there)).first():
            _carry(db, who.address_id, heir.id, threads=threads, now=now)


def _heirs(db: Connection, channel_id: str) -> Sequence[AnyRow]:
    """Return the other channels that write as this one does, and are there."""
    heirs = select(_channels).where(
        _channels.c.id.in_(of_account(channel_id)),
        _channels.c.deleted_at.is_(None),
        _channels.c.id != channel_id,
    )
    return db.execute(heirs).all()


def _carry(
    db: Connection, address_id: str, channel_id: str, *, threads: bool, now: datetime
) -> None:
    """Make an address of the same contact on another channel, as it is."""
    address = db.execute(select(_addresses).where(_addresses.c.id == address_id)).one()
    values = {**address._asdict(), "id": new_id(), "channel_id": channel_id, "created_at": now}
    db.execute(insert(_addresses), values)
    if threads:
        return
    # Where an address has one conversation, it is met by that.
    who = Addressee(
        id=values["id"],
        channel_id=channel_id,
        contact_id=address.contact_id,
        address=address.address,
    )
    met = begun(who, now, threads=False)
    met.status = "resolved"
    db.execute(insert(_conversations), row_of(met, now))
