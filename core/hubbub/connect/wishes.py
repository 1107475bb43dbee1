"""Keep what people chose, and which addresses are gone, beyond the end of a channel.

A channel may be deleted and its account connected again: whoever ended its letters must not get
them anew. docs/decisions/0038 says how.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import ColumnElement, Connection, and_, insert, or_, select

from hubbub.sdk.values import AddressState
from hubbub.store.addresses import choose_marketing
from hubbub.store.tables import Address, Channel, Conversation, table
from hubbub.store.threads import Addressee, begun, row_of
from hubbub.store.types import AnyRow, new_id

_addresses = table(Address)
_channels = table(Channel)
_conversations = table(Conversation)

_RESTRICTED: Final = or_(_addresses.c.state != AddressState.OK, ~_addresses.c.marketing)


def inherit(db: Connection, channel: AnyRow, *, threads: bool, now: datetime) -> None:
    """Give a channel what is known of addresses on all others of its account, or that write as it.

    Of what somebody chose here and there, the last counts. ``threads``: whether an address may have
    several conversations.
    """
    others = select(_channels.c.id).where(_same_account(channel), _channels.c.id != channel.id)
    told = or_(_RESTRICTED, _addresses.c.marketing_at.is_not(None))
    found = db.execute(select(_addresses).where(_addresses.c.channel_id.in_(others), told)).all()
    last = {row.address: row for row in sorted(found, key=lambda row: (_chosen_at(row), row.id))}
    here = select(_addresses.c.address).where(_addresses.c.channel_id == channel.id)
    known = set(db.execute(here.where(_addresses.c.address.in_(last))).scalars())
    for address in last.values():
        if address.address not in known:
            if address.state != AddressState.OK or not address.marketing:
                _carry(db, address, channel.id, threads=threads, now=now)
        elif address.marketing_at is not None:
            this = (_addresses.c.channel_id == channel.id, _addresses.c.address == address.address)
            choose_marketing(db, *this, marketing=address.marketing, at=address.marketing_at)


def bequeath(db: Connection, channel: AnyRow, *, threads: bool, now: datetime) -> None:
    """Give what is known of addresses to the channels that have the account of ``channel`` too."""
    for heir in _heirs(db, channel):
        inherit(db, heir, threads=threads, now=now)


def _chosen_at(address: AnyRow) -> float:
    return address.marketing_at.timestamp() if address.marketing_at else 0.0


def recipient(db: Connection, address_id: str) -> AnyRow | None:
    """Return an address, and what wrote to it (``sender``, maybe None); None if it is unknown."""
    found = select(_addresses.c.address, _channels.c.sender, _channels.c.type)
    found = found.join(_channels, _channels.c.id == _addresses.c.channel_id)
    return db.execute(found.where(_addresses.c.id == address_id)).one_or_none()


def end_marketing(db: Connection, address_id: str, *, threads: bool, now: datetime) -> None:
    """Note that an address takes nothing any more that goes to many.

    It holds as well on the channel that has the account of a deleted one now.
    """
    choose_marketing(db, _addresses.c.id == address_id, marketing=False, at=now)
    address = db.execute(select(_addresses).where(_addresses.c.id == address_id)).one()
    channel = db.execute(select(_channels).where(_channels.c.id == address.channel_id)).one()
    for heir in _heirs(db, channel):
        there = (_addresses.c.channel_id == heir.id, _addresses.c.address == address.address)
        if db.execute(select(_addresses.c.id).where(*there)).first():
            choose_marketing(db, *there, marketing=False, at=now)
        else:
            _carry(db, address, heir.id, threads=threads, now=now)


def _heirs(db: Connection, channel: AnyRow) -> Sequence[AnyRow]:
    """Return the other channels that write as ``channel`` does, and are there."""
    heirs = select(_channels).where(
        _same_account(channel), _channels.c.deleted_at.is_(None), _channels.c.id != channel.id
    )
    return db.execute(heirs).all()


def _same_account(channel: AnyRow) -> ColumnElement[bool]:
    """Return the condition that a channel writes as ``channel`` does; unknown is like nobody."""
    known = {"account": channel.account, "sender": channel.sender}
    alike = [_channels.c[name] == value for name, value in known.items() if value is not None]
    return and_(_channels.c.type == channel.type, or_(_channels.c.id == channel.id, *alike))


def _carry(
    db: Connection, address: AnyRow, channel_id: str, *, threads: bool, now: datetime
) -> None:
    """Make an address of the same contact on another channel, as it is."""
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
