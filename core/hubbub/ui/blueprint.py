"""Mount the console in a Flask application."""

from flask import Blueprint

from hubbub.hub import Hub
from hubbub.people.throttle import Throttle
from hubbub.ui.channels.calls import add_calls
from hubbub.ui.channels.tabs import add_channel_tabs
from hubbub.ui.channels.views import add_channels
from hubbub.ui.channels.wizard import add_wizard
from hubbub.ui.contacts.views import add_contacts
from hubbub.ui.errors import add_console_errors, context
from hubbub.ui.guard import Guard, harden, refuse_unkept_address
from hubbub.ui.inbox.canned import add_canned_pages
from hubbub.ui.inbox.letters import add_letters
from hubbub.ui.inbox.pictures import add_pictures, public_internet
from hubbub.ui.inbox.views import add_inbox
from hubbub.ui.inbox.writing import add_writing
from hubbub.ui.live import add_live
from hubbub.ui.operate.failures import add_failures
from hubbub.ui.operate.instance import add_instance
from hubbub.ui.operate.trace import add_messages
from hubbub.ui.people.account import add_account
from hubbub.ui.people.session import add_session
from hubbub.ui.people.teams import add_teams
from hubbub.ui.people.tokens import add_tokens
from hubbub.ui.people.views import add_people
from hubbub.ui.routing.past import add_routing_past
from hubbub.ui.routing.views import add_routing


def make_ui(hub: Hub) -> Blueprint:
    """Return the blueprint of the console."""
    ui = Blueprint(
        "ui",
        __name__,
        template_folder="templates",
        static_folder="static",
        static_url_path="/static",
    )
    guard = Guard(hub)
    throttle = Throttle.on(hub.settings.redis)
    add_session(ui, hub, guard, throttle)
    add_account(ui, hub, guard, throttle)
    add_inbox(ui, hub, guard)
    add_writing(ui, hub, guard)
    add_canned_pages(ui, hub, guard)
    add_contacts(ui, hub, guard)
    add_channels(ui, hub, guard)
    add_routing(ui, hub, guard)
    add_routing_past(ui, hub, guard)
    add_channel_tabs(ui, hub, guard)
    add_wizard(ui, hub, guard)
    add_calls(ui, hub, guard)
    add_messages(ui, hub, guard)
    add_letters(ui, hub, guard)
    add_pictures(ui, hub, public_internet())
    add_instance(ui, hub, guard)
    add_failures(ui, hub, guard)
    add_people(ui, hub, guard)
    add_teams(ui, hub, guard)
    add_tokens(ui, hub, guard)
    add_live(ui, hub, guard)
    ui.before_request(refuse_unkept_address)
    ui.after_request(harden)
    ui.context_processor(context)
    add_console_errors(ui, guard)
    return ui
