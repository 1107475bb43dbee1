"""Made-up connections, units and times."""

from datetime import UTC, datetime

from hubbub.sdk import Answered, Call, Connection, Headers, HttpRequest, Keep, Over, Ready, Write
from hubbub_sms_smpp import pdu
from hubbub_sms_smpp.channel import SmsSmpp
from hubbub_sms_smpp.pdu import RESPONSE, Address, Command, Pdu, Sms
from hubbub_sms_smpp.session import Bind

NOW = datetime(2026, 11, 22, 22, 0, tzinfo=UTC)
T = NOW.timestamp()
CREDENTIALS = {"password": "pass-canary"}
SETTINGS = {
    "api_base": "smpp://smsc.example.com:2775",
    "system_id": "shop",
    "from_number": "+15005550001",
}
ADA, OURS = Address(text="447700900123", ton=1, npi=1), Address(text="15005550001", ton=1, npi=1)


def connection(**settings):
    fields = SmsSmpp.fields.model_validate(
        {"credentials": CREDENTIALS, "settings": {**SETTINGS, **settings}}
    )
    return Connection(
        channel_id="c1", name="Shop", fields=fields, webhook_url="https://hub.example.com/w"
    )


def sms(text=b"Ready?", **more):
    return Sms(**{"source": ADA, "dest": OURS, "short_message": text, **more})


def deliver(message, sequence=1):
    return Pdu(command=Command.DELIVER_SM, sequence=sequence, body=message.encoded())


def call(message, call_id="call1"):
    body = deliver(message).encoded()
    return Call(method="POLL", url="", headers=Headers(), body=body, received_at=NOW, id=call_id)


def segment(place, text, total=2, reference=7, **more):
    head = b"\x05\x00\x03" + bytes((reference, total, place))
    return sms(head + text, esm_class=0x40, **more)


def receipt(words="", **tlvs):
    return sms(words.encode(), esm_class=0x04, tlvs=tlvs.get("tlvs", {}))


class Centre:
    """Plays the other side of a bind, at a time of its own."""

    def __init__(self, command=Command.BIND_TRANSCEIVER, **settings):
        self.bind = Bind(command, connection(**settings))
        self.now = T
        self.steps = []

    def take(self, steps):
        """Note what the bind wants done; keep what it wants kept."""
        for step in list(steps):
            self.steps.append(step)
        return self.steps

    def opened(self, status=0):
        self.take(self.bind.opened(self.now))
        request = self.written()[-1]
        return self.say(request.answered(status, b"lab\0"))

    def say(self, *units):
        return self.hear(b"".join(unit.encoded() for unit in units))

    def hear(self, data):
        self.steps = []
        return self.take(self.bind.heard(data, self.now))

    def settle(self, *, kept=True):
        self.steps = []
        return self.take(self.bind.settled(kept=kept, now=self.now))

    def wait(self, seconds):
        self.now += seconds
        self.steps = []
        return self.take(self.bind.passed(self.now))

    def ask(self, ticket="t1", message=None):
        unit = Pdu(command=Command.SUBMIT_SM, body=(message or sms()).encoded())
        request = HttpRequest(method="SUBMIT_SM", url="session:c1", body=unit.encoded())
        self.steps = []
        self.take(self.bind.asked(ticket, request, self.now))
        (submitted,) = self.written()
        return submitted

    def written(self):
        return [pdu.decode(step.data) for step in self.steps if isinstance(step, Write)]

    def kept(self):
        return [step for step in self.steps if isinstance(step, Keep)]

    def answers(self):
        return {step.ticket: step.answer for step in self.steps if isinstance(step, Answered)}

    def over(self):
        return next((step for step in self.steps if isinstance(step, Over)), None)

    def ready(self):
        return any(isinstance(step, Ready) for step in self.steps)


def taken(submitted, message_id="0A1B"):
    return submitted.answered(0, message_id.encode() + b"\0")


__all__ = [
    "ADA",
    "OURS",
    "RESPONSE",
    "Centre",
    "call",
    "connection",
    "deliver",
    "receipt",
    "segment",
    "sms",
]
