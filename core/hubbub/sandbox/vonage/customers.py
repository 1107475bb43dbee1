"""Act as the people who text a number."""

from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field

from hubbub.sandbox.client import Answer
from hubbub.sandbox.vonage import legacy
from hubbub.sandbox.vonage.state import Application, Cloud, Sms
from hubbub.sandbox.vonage.webhooks import call, timestamp
from hubbub.sandbox.world import NoSuchThing
from hubbub.sandbox.wsgi import Json, Upload


class Texting(BaseModel):
    """A message to inject; ``fields`` go into the webhook as they are."""

    model_config = ConfigDict(extra="forbid")

    sender: str = Field(alias="from")
    to: str
    text: str = ""
    message_uuid: str = ""
    fields: Json = {}


def text(
    cloud: Cloud, application: Application, texting: Texting, uploads: Sequence[Upload] = ()
) -> Json:
    """Send a message to a number of the account; the hub is told if the number leads to it."""
    number = application.numbers.get(texting.to.removeprefix("+"))
    if number is None:
        raise NoSuchThing(f"The application's account has no number {texting.to}.")
    files = tuple(
        cloud.world.files.put(name=file.name, mime_type=file.mime_type, data=file.data)
        for file in uploads
    )
    sms = Sms(
        sender=texting.sender.removeprefix("+"),
        recipient=number.msisdn,
        text=texting.text,
        mine=True,
        status="waiting for the hub",
        channel="mms" if files else "sms",
        files=tuple(file.id for file in files),
    )
    with cloud.world.lock:
        sms.id = texting.message_uuid or sms.id
        application.keep(sms)

    def done(answer: Answer) -> None:
        sms.status = "the hub has it" if answer.accepted else "the hub did not take it"

    if number.mo_url and not number.app_id:
        legacy.bring(cloud, application, number.mo_url, sms, done)
        return {"message_uuid": sms.id, "queued": True}
    url = application.webhook("inbound_url") if number.app_id == application.id else ""
    if not url:
        sms.status = "no webhook is set"
        return {"message_uuid": sms.id, "queued": False}
    base = cloud.world.config.base_url or application.reached_at or cloud.world.base_url
    media = [
        {"type": _kind(file.mime_type), "url": f"{base}/vonage/media/{file.id}"} for file in files
    ]
    said = _said(sms, media) | texting.fields

    call(cloud, application, url, said, kind="message", address=sms.sender, done=done)
    return {"message_uuid": sms.id, "queued": True}


def _said(sms: Sms, media: list[dict[str, str]]) -> Json:
    said: Json = {
        "channel": sms.channel,
        "message_uuid": sms.id,
        "to": sms.recipient,
        "from": sms.sender,
        "timestamp": timestamp(),
    }
    if not media:
        keyword = sms.text.split(" ")[0].upper()
        return said | {"text": sms.text, "sms": {"num_messages": "1", "keyword": keyword}}
    if len(media) > 1:
        return said | {"message_type": "content", "content": media, "text": sms.text}
    (file,) = media
    resource = {"url": file["url"]} | ({"caption": sms.text} if sms.text else {})
    return said | {"message_type": file["type"], file["type"]: resource}


def _kind(mime_type: str) -> str:
    if mime_type == "text/vcard":
        return "vcard"
    kind = mime_type.partition("/")[0]
    return kind if kind in {"image", "audio", "video"} else "file"
