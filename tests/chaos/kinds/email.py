"""Be a mail provider: it calls nobody, and one address may talk to the hub in several threads."""

from collections.abc import Mapping
from typing import Any

from tests.chaos.kinds.kind import Kind, Mailbox, Told

_ADDRESS = "support@example.org"
_PASSWORD = "canary-password-of-the-mailbox"


def _reached(simulator: str, account: Mapping[str, Any]) -> Mapping[str, Any]:
    del simulator  # letters do not go by HTTP
    return {
        **{name: account[name] for name in ("smtp_host", "smtp_port", "imap_host", "imap_port")},
        "smtp_security": account["security"],
        "imap_security": account["security"],
    }


def _receipt(told: Told) -> tuple[str, Mapping[str, Any]]:
    return f"email/{_ADDRESS}/receipts", {"id": told.params["id"], "status": told.state}


def _known_as(sent: Mapping[str, Any]) -> str:
    """Return the hub's own word for a letter, with which its Message-ID begins."""
    return str(sent["external_id"]).removeprefix("<").partition(".")[0]


def _waiting(account: Mapping[str, Any]) -> int:
    """Count the letters that the hub has not marked, as it does once they are kept."""
    return int(account["folders"]["INBOX"]["unseen"])


EMAIL = Kind(
    name="email",
    type="email",
    credentials={"smtp_password": _PASSWORD},
    settings={"from_address": _ADDRESS},
    provider="email",
    operations=("smtp.dot",),
    mishaps=(
        ("webhook", {"kind": "duplicate_webhooks", "times": 5}),
        ("smtp.rcpt", {"kind": "status", "status": 450, "times": 3}),
        ("smtp.connect", {"kind": "rate_limit", "times": 3}),
    ),
    # After each of them the hub waits longer before it comes again: so only one at a time.
    cuts=(
        (f"email/{_ADDRESS}/hangup", {}),
        (f"email/{_ADDRESS}/renumberings", {}),
        *(
            ("faults", {"provider": "email", "operation": operation, "kind": kind, "times": 1})
            for operation, kind in (
                ("imap.connect", "rate_limit"),
                ("imap.select", "drop_before"),
                ("imap.fetch", "drop_before"),
                ("imap.fetch", "drop_after_accept"),
                ("imap.store", "drop_before"),
                ("imap.store", "drop_after_accept"),
            )
        ),
    ),
    announced=("mailboxes", {"address": _ADDRESS, "password": _PASSWORD}),
    reached=_reached,
    bot="keyword",
    webhook=None,
    mailbox=Mailbox(letters=f"email/{_ADDRESS}/messages", receipt=_receipt),
    backlog=("mailboxes", _waiting),
    first=10_000_000,
    address="customer-{}@example.net".format,
    # Nobody is answered automatically more often in a day.
    stamina=10,
    writes_first=True,
    known_as=_known_as,
    by_reference=True,
)
