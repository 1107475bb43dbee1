"""Name what WhatsApp says of a message. Source: WhatsApp, "Webhooks reference: messages"."""

from pydantic import Field, FiniteFloat

from hubbub.sdk.graph import Said


class Words(Said):
    """A text."""

    body: str


class File(Said):
    """A file; one that WhatsApp itself did not get has no id."""

    id: str = ""
    mime_type: str = ""
    caption: str | None = None
    filename: str | None = None
    voice: bool = False


class Place(Said):
    """A location."""

    latitude: FiniteFloat
    longitude: FiniteFloat
    name: str | None = None
    address: str | None = None


class CardName(Said):
    """What a shared contact is called."""

    formatted_name: str = ""
    first_name: str = ""


class CardPhone(Said):
    """A number of a shared contact."""

    phone: str = ""
    wa_id: str = ""


class CardEmail(Said):
    """An email address of a shared contact."""

    email: str = ""


class SharedContact(Said):
    """A contact that somebody shared."""

    name: CardName = CardName()
    phones: tuple[CardPhone, ...] = ()
    emails: tuple[CardEmail, ...] = ()


class Emoji(Said):
    """A reaction; without ``emoji`` it is taken back."""

    message_id: str = Field(min_length=1)
    emoji: str = ""


class Picked(Said):
    """The option that somebody picked."""

    id: str
    title: str = ""


class FlowReply(Said):
    """A filled-in form: a text that should be JSON."""

    response_json: str


class Interactive(Said):
    """What somebody did with buttons, a list or a form."""

    type: str = ""
    button_reply: Picked | None = None
    list_reply: Picked | None = None
    nfm_reply: FlowReply | None = None


class Button(Said):
    """A tap on a quick reply of a template."""

    text: str = ""
    payload: str = ""


class Product(Said):
    """A line of an order."""

    product_retailer_id: str = ""
    quantity: str = "1"
    item_price: str = ""
    currency: str = ""


class Cart(Said):
    """An order."""

    text: str = ""
    product_items: tuple[Product, ...] = ()


class UnsupportedKind(Said):
    """What the API does not carry."""

    type: str = ""


class Spoken(Said):
    """The content of a message: under the name of its ``type``."""

    type: str = ""
    text: Words | None = None
    image: File | None = None
    audio: File | None = None
    voice: File | None = None
    video: File | None = None
    document: File | None = None
    sticker: File | None = None
    location: Place | None = None
    contacts: tuple[SharedContact, ...] | None = None
    reaction: Emoji | None = None
    interactive: Interactive | None = None
    button: Button | None = None
    order: Cart | None = None
    unsupported: UnsupportedKind | None = None


class Context(Said):
    """Which message is quoted; a forwarded one has no id."""

    id: str = ""


class SystemNote(Said):
    """What happened to a contact. Older payloads say ``new_wa_id``."""

    type: str = ""
    body: str = ""
    wa_id: str = ""
    new_wa_id: str = ""
    user_id: str = ""
    previous_user_id: str = ""


class Profile(Said):
    """What a contact calls themselves; both change, and are no key."""

    name: str = ""
    username: str = ""


class Contact(Said):
    """Who is spoken of: by number, by business-scoped user id, or by both."""

    profile: Profile = Profile()
    wa_id: str = ""
    user_id: str = ""


class ErrorData(Said):
    """The words for people."""

    details: str = ""


class Error(Said):
    """Why something failed."""

    code: int = -1
    title: str = ""
    message: str = ""
    details: str = ""
    error_data: ErrorData | str = ErrorData()

    @property
    def words(self) -> str:
        """What is said about it, the most telling first."""
        data = self.error_data
        details = data if isinstance(data, str) else data.details
        return details or self.details or self.message or self.title
