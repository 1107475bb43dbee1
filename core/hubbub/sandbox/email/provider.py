"""Offer the simulated mail provider to the control API and to the customer's page."""

import base64
import secrets
import time
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from hubbub.sandbox.email import office, tokens
from hubbub.sandbox.email.imap.server import Server
from hubbub.sandbox.email.office import RECEIPTS, Telling, Writing
from hubbub.sandbox.email.state import Account, Mail, OAuth, Post
from hubbub.sandbox.faults import REQUEST_KINDS
from hubbub.sandbox.providers import (
    Button,
    ByText,
    ChatView,
    Desk,
    Line,
    Persona,
    Picture,
    Saying,
    Skills,
)
from hubbub.sandbox.world import NoSuchThing, World
from hubbub.sandbox.wsgi import Ask, Json, Reply

if TYPE_CHECKING:
    from hubbub.sandbox.email.smtp import Door

_ADDRESS = r"^[^@\s<>]+@[^@\s<>]+$"
#: Where people have their mailboxes, unless somebody types a whole address. Source: RFC 2606.
_PEOPLE = "example.net"
_PREFIX = "/email/"


class Client(BaseModel):
    """An application that may act for an account, as an administrator registers it."""

    model_config = ConfigDict(extra="forbid")

    client_id: str = Field(min_length=1)
    client_secret: str = ""
    #: Made where it is missing.
    refresh_token: str = ""
    tenant: str = "common"


class Registration(BaseModel):
    """An account to make known, as an administrator does."""

    model_config = ConfigDict(extra="forbid")

    address: str = Field(pattern=_ADDRESS)
    password: str = ""
    aliases: list[str] = []
    folders: list[str] = []
    oauth: Client | None = None


class Appending(BaseModel):
    """A letter to put into a folder as it stands, past all servers."""

    model_config = ConfigDict(extra="forbid")

    folder: str = "INBOX"
    raw: str = Field(description="base64")
    flags: list[str] = []
    at: float | None = None


class Expunging(BaseModel):
    """Letters to remove from a folder; all of them where none are named."""

    model_config = ConfigDict(extra="forbid")

    folder: str = "INBOX"
    uids: list[int] | None = None


class Place(BaseModel):
    """A folder."""

    model_config = ConfigDict(extra="forbid")

    folder: str = "INBOX"


class Chosen(BaseModel):
    """A letter."""

    model_config = ConfigDict(extra="forbid")

    id: str


class Closing(BaseModel):
    """Somebody's mailbox that is closed, or open again."""

    model_config = ConfigDict(extra="forbid")

    address: str
    closed: bool = True


class MailProvider(ByText):
    """The simulated mail provider; its servers listen from the first account on."""

    name = "email"
    prefix = _PREFIX

    def __init__(self, world: World) -> None:
        self._post = Post(world)
        self._imap = Server(self._post)
        world.at_end(self._close)
        self._door: Door | None = None

    def answer(self, ask: Ask) -> Reply:
        """Answer at the token endpoints; letters do not go by HTTP."""
        if ask.method == "POST" and ask.path.endswith("/token"):
            faults = self._post.world.faults
            fault = faults.pick(REQUEST_KINDS, "email", "token")
            return faults.around(fault, lambda: tokens.answer(self._post, ask), tokens.refuse)
        text = b"Mail is spoken here, and tokens are given: see POST /_sandbox/mailboxes."
        return Reply(404, text, "text/plain")

    def endpoints(self) -> list[Json]:
        """Return the accounts that are known."""
        return [self._described(account) for account in list(self._post.accounts.values())]

    def register(self, body: Json) -> Json:
        """Make an account known, or change it."""
        wanted = Registration.model_validate(body)
        with self._post.world.lock:
            account = self._post.open(wanted.address)
            account.password = wanted.password or account.password
            account.aliases += [one for one in wanted.aliases if one not in account.aliases]
            for name in wanted.folders:
                if name not in account.folders:
                    self._post.make_folder(account, name)
            if wanted.oauth is not None:
                account.oauth = _oauth(wanted.oauth)
        return self._described(account)

    def control(self, endpoint: str, action: str, body: Json) -> Json:
        """Do as a person, a mail program or an administrator would."""
        account = self._post.named(endpoint)
        acts = {
            "messages": self._write,
            "receipts": self._receipt,
            "unsubscribes": self._unsubscribe,
            "letters": self._append,
            "expunges": self._expunge,
            "renumberings": self._renumber,
            "closings": self._shut,
            "expire": self._expire,
            "revoke": self._revoke,
            "hangup": self._hang_up,
            "freeze": self._freeze,
        }
        if action not in acts:
            raise NoSuchThing(f"The mail provider has no {action!r}; there are {', '.join(acts)}.")
        return acts[action](account, body)

    def desks(self) -> list[Desk]:
        """Return the addresses that a person can write to."""
        return [
            Desk("email", account.address, account.address, "Email", account.sessions > 0)
            for account in list(self._post.accounts.values())
        ]

    def chat(self, desk: str, persona: Persona) -> ChatView:
        """Return what the person sees."""
        account, customer = self._post.named(desk), address_of(persona)
        mails = [mail for mail in list(account.mails.values()) if mail.customer == customer]
        return ChatView(
            address=customer,
            lines=tuple(_line(mail) for mail in mails),
            left=customer in account.closed,
            leave_label="Close my mailbox",
            return_label="Open my mailbox",
            skills=Skills(quotes=True, letters=True, receipts=RECEIPTS),
        )

    def say(self, desk: str, persona: Persona, saying: Saying) -> None:
        """Write a letter; without a subject it answers the last one, as people do."""
        account, customer = self._post.named(desk), address_of(persona)
        theirs = [one for one in list(account.mails.values()) if one.customer == customer]
        last = theirs[-1].id if theirs and not saying.subject.strip() else ""
        written = {
            "from": customer,
            "name": "" if "@" in persona.name else persona.name.strip(),
            "subject": saying.subject,
            "text": saying.text,
            "html": True,
            "answers": saying.quotes or last,
            "files": [
                {
                    "filename": file.name,
                    "mime_type": file.mime_type,
                    "data": base64.b64encode(file.data).decode(),
                }
                for file in saying.files
            ],
        }
        office.bring(self._post, account, Writing.model_validate(written))

    def press(self, desk: str, persona: Persona, message: str, data: str) -> None:
        """Leave a mailing list by its link."""
        del persona, data  # there is no other button
        account = self._post.named(desk)
        office.unsubscribe(self._post, account, account.mail(message))

    def confirm(self, desk: str, persona: Persona, message: str, receipt: str) -> None:
        """Let servers or the mail program tell what became of a letter."""
        del persona  # the account knows its letters
        telling = Telling.model_validate({"id": message, "status": receipt})
        office.tell(self._post, self._post.named(desk), telling)

    def leave(self, desk: str, persona: Persona, *, left: bool) -> None:
        """Close the person's mailbox, or open it."""
        closing = {"address": address_of(persona), "closed": left}
        self._shut(self._post.named(desk), closing)

    def reset(self) -> None:
        """Forget every account."""
        self._post.reset()
        self._imap.hang_up()

    def _write(self, account: Account, body: Json) -> Json:
        mail = office.bring(self._post, account, Writing.model_validate(body))
        return {"id": mail.id, "message_id": mail.message_id}

    def _receipt(self, account: Account, body: Json) -> Json:
        mail = office.tell(self._post, account, Telling.model_validate(body))
        return {"id": mail.id, "status": mail.status}

    def _unsubscribe(self, account: Account, body: Json) -> Json:
        mail = account.mail(Chosen.model_validate(body).id)
        return {"id": mail.id, "answer": office.unsubscribe(self._post, account, mail)}

    def _append(self, account: Account, body: Json) -> Json:
        wanted = Appending.model_validate(body)
        folder, raw = account.folder(wanted.folder), base64.b64decode(wanted.raw, validate=True)
        at = time.time() if wanted.at is None else wanted.at
        stored = self._post.append(account, folder, raw, flags=frozenset(wanted.flags), at=at)
        return {"folder": folder.name, "uidvalidity": folder.uidvalidity, "uid": stored.uid}

    def _expunge(self, account: Account, body: Json) -> Json:
        wanted = Expunging.model_validate(body)
        folder = account.folder(wanted.folder)
        with self._post.world.lock:
            every = [one.uid for one in folder.letters]
            folder.remove(frozenset(every if wanted.uids is None else wanted.uids))
        self._post.changed(account)
        return self._described(account)

    def _renumber(self, account: Account, body: Json) -> Json:
        """Give a folder a new UIDVALIDITY and its letters new numbers, as a restore does."""
        name = account.folder(Place.model_validate(body).folder).name
        with self._post.world.lock:
            before = account.folders[name]
            folder = self._post.make_folder(account, name, before.special)
            for one in before.letters:
                folder.add(one.raw, at=one.at, flags=one.flags, fetched=one.fetched)
        self._post.changed(account)
        return self._described(account)

    def _shut(self, account: Account, body: Json) -> Json:
        wanted = Closing.model_validate(body)
        with self._post.world.lock:
            change = account.closed.add if wanted.closed else account.closed.discard
            change(wanted.address.lower())
        return {"closed": sorted(account.closed)}

    def _expire(self, account: Account, body: Json) -> Json:
        del body
        tokens.expire(self._post, account)
        return self._described(account)

    def _revoke(self, account: Account, body: Json) -> Json:
        del body
        tokens.revoke(self._post, account)
        return self._described(account)

    def _hang_up(self, account: Account, body: Json) -> Json:
        del body
        self._imap.hang_up()
        return self._described(account)

    def _freeze(self, account: Account, body: Json) -> Json:
        del body
        self._imap.freeze(account.address)
        return self._described(account)

    def _smtp(self) -> "Door":
        if self._door is None:
            # Not before somebody needs it: importing it takes a while.
            from hubbub.sandbox.email.smtp import Door  # noqa: PLC0415

            self._door = Door(self._post)
        return self._door

    def _close(self) -> None:
        self._imap.close()
        if self._door is not None:
            self._door.close()

    def _described(self, account: Account) -> Json:
        base, oauth = f"{self._post.world.base_url}{_PREFIX}", account.oauth
        return {
            "address": account.address,
            "aliases": account.aliases,
            "smtp_host": "127.0.0.1",
            "smtp_port": self._smtp().port(),
            "imap_host": "127.0.0.1",
            "imap_port": self._imap.port(),
            "security": "none",
            "folders": {
                folder.name: {
                    "letters": len(folder.letters),
                    "unseen": folder.unseen,
                    "uidvalidity": folder.uidvalidity,
                }
                for folder in account.folders.values()
            },
            "sessions": account.sessions,
            "oauth": None
            if oauth is None
            else {
                "client_id": oauth.client_id,
                "refresh_token": oauth.refresh_token,
                "token_url": f"{base}oauth/token",
                "microsoft_token_url": f"{base}{oauth.tenant}/oauth2/v2.0/token",
            },
        }


def address_of(persona: Persona) -> str:
    """Return the address of a persona: what somebody typed, if it is one."""
    name = persona.name.strip().lower()
    if "@" in name:
        return name
    local = ".".join(name.split())
    plain = local.isascii() and local.replace(".", "").replace("-", "").isalnum()
    return f"{local if plain else f'customer-{persona.number}'}@{_PEOPLE}"


def _oauth(client: Client) -> OAuth:
    return OAuth(
        client_id=client.client_id,
        client_secret=client.client_secret,
        refresh_token=client.refresh_token or secrets.token_urlsafe(24),
        tenant=client.tenant,
    )


def _line(mail: Mail) -> Line:
    unsubscribe = Button("Unsubscribe", data="unsubscribe")
    return Line(
        id=mail.id,
        mine=mail.mine,
        at=mail.at,
        subject=mail.shown.subject,
        text=mail.shown.text,
        pictures=tuple(Picture(one.id, one.name, one.is_image) for one in mail.files),
        buttons=((unsubscribe,),) if mail.shown.unsubscribe and not mail.mine else (),
        status=mail.status,
        problem=mail.problem,
    )
