"""Who may do what: each address of the console and of the API lets in whom it is decided to.

Whoever adds one decides here whom it is for.
"""

import re

import pytest

from hubbub.people.rules import SCOPES
from hubbub.people.tokens import create_token
from tests.core.ui.kit import form_token

#: Addresses of the console, by the least that one has to be.
CONSOLE = {
    "anybody": """
    GET /login
    POST /login
    GET /pictures
    GET /welcome/<user_id>/<int:until>/<signature>
    POST /welcome/<user_id>/<int:until>/<signature>
    GET /static/<path:filename>
    """,
    "agent": """
    GET /
    GET /account
    POST /account
    POST /account/preferences
    GET /canned
    GET /canned/<canned_id>
    POST /canned/<canned_id>
    POST /canned/<canned_id>/delete
    GET /canned/new
    POST /canned/new
    GET /contacts
    GET /contacts/<contact_id>
    POST /contacts/<contact_id>/about
    POST /contacts/<contact_id>/addresses/<address_id>
    POST /contacts/<contact_id>/block
    GET /contacts/<contact_id>/merge
    POST /contacts/<contact_id>/merge
    POST /contacts/<contact_id>/merges/<merge_id>/undo
    GET /inbox
    GET /inbox/<conversation_id>
    GET /inbox/<conversation_id>/canned
    POST /inbox/<conversation_id>/change
    POST /inbox/<conversation_id>/left
    POST /inbox/<conversation_id>/note
    POST /inbox/<conversation_id>/preview
    POST /inbox/<conversation_id>/reply
    GET /inbox/<conversation_id>/templates
    GET /inbox/<conversation_id>/templates/<template_id>
    POST /inbox/<conversation_id>/templates/<template_id>
    POST /inbox/<conversation_id>/typing
    POST /inbox/<conversation_id>/unread
    POST /inbox/available
    GET /inbox/new
    POST /inbox/new
    POST /inbox/views
    POST /inbox/views/<view_id>/delete
    GET /live
    POST /logout
    POST /messages/<message_id>/<any(retry,arrived,cancel):what>
    GET /messages/<message_id>/letter
    GET /messages/<message_id>/trace
    """,
    "admin": """
    GET /calls/<call_id>
    POST /calls/<call_id>/again
    GET /calls/<call_id>/body
    GET /calls/<call_id>/letter
    GET /calls/<call_id>/rehearsal
    GET /channels
    GET /channels/<channel_id>
    POST /channels/<channel_id>/<any(change,switch,allow):what>
    GET /channels/<channel_id>/audit
    GET /channels/<channel_id>/calls
    POST /channels/<channel_id>/check
    POST /channels/<channel_id>/delete
    GET /channels/<channel_id>/quarantine
    POST /channels/<channel_id>/quarantine
    GET /channels/<channel_id>/routing
    POST /channels/<channel_id>/routing/<any(undo,discard,over,add):what>
    GET /channels/<channel_id>/routing/dry-run
    POST /channels/<channel_id>/routing/explain
    POST /channels/<channel_id>/routing/json
    GET /channels/<channel_id>/routing/rules/<rule_id>
    POST /channels/<channel_id>/routing/rules/<rule_id>
    POST /channels/<channel_id>/routing/rules/<rule_id>/act
    POST /channels/<channel_id>/routing/save
    GET /channels/<channel_id>/routing/versions
    GET /channels/<channel_id>/routing/versions/<int:number>
    POST /channels/<channel_id>/routing/versions/<int:number>/restore
    GET /channels/<channel_id>/settings
    GET /channels/<channel_id>/setup/routing
    POST /channels/<channel_id>/setup/routing
    GET /channels/<channel_id>/setup/test
    POST /channels/<channel_id>/setup/test
    GET /channels/<channel_id>/setup/webhook
    POST /channels/<channel_id>/setup/webhook
    GET /channels/<channel_id>/templates
    GET /channels/<channel_id>/webhook
    GET /channels/add
    GET /channels/add/<channel_type>
    POST /channels/add/<channel_type>
    GET /channels/drafts/<draft_id>
    POST /channels/drafts/<draft_id>
    POST /channels/drafts/<draft_id>/discard
    POST /contacts/<contact_id>/erase
    GET /contacts/<contact_id>/export
    GET /operate
    GET /operate/audit
    GET /operate/failed
    POST /operate/failed
    GET /operate/failed/<kind>/<channel_id>
    POST /operate/failed/<requeue_id>/stop
    GET /operate/people
    POST /operate/people
    GET /operate/people/<user_id>
    POST /operate/people/<user_id>/<any(link,role,disable,enable,logout):what>
    GET /operate/plugins
    POST /operate/plugins/<name>
    GET /operate/teams
    GET /operate/teams/<team_id>
    POST /operate/teams/<team_id>
    POST /operate/teams/<team_id>/delete
    GET /operate/teams/new
    POST /operate/teams/new
    GET /operate/tokens
    POST /operate/tokens
    POST /operate/tokens/<token_id>/revoke
    """,
}
#: Calls of the API, by the scope that a token has to have.
API = {
    "anybody": """
    GET /openapi.json
    GET /docs
    GET /docs/problems/<code>
    GET /docs/style.css
    GET /api/v1/channel-types/<type>/icon.svg
    """,
    "read": """
    GET /api/v1/canned-replies
    GET /api/v1/canned-replies/<id>
    GET /api/v1/channel-types
    GET /api/v1/channels
    GET /api/v1/channels/<id>
    GET /api/v1/channels/<id>/health
    GET /api/v1/channels/<id>/routes
    POST /api/v1/channels/<id>/routes/dry-run
    POST /api/v1/channels/<id>/routes/explain
    GET /api/v1/channels/<id>/routes/versions
    GET /api/v1/channels/<id>/routes/versions/<version>
    GET /api/v1/contacts
    GET /api/v1/contacts/<id>
    GET /api/v1/contacts/<id>/holdings
    GET /api/v1/contacts/<id>/merge
    GET /api/v1/contacts/<id>/merges
    GET /api/v1/contacts/<id>/timeline
    GET /api/v1/conversations
    GET /api/v1/conversations/<id>
    GET /api/v1/conversations/<id>/messages
    GET /api/v1/conversations/<id>/notes
    POST /api/v1/conversations/<id>/preview
    GET /api/v1/conversations/<id>/sendable
    GET /api/v1/events
    GET /api/v1/events/<id>
    GET /api/v1/events/<id>/rehearsal
    GET /api/v1/failures
    GET /api/v1/media/<id>
    GET /api/v1/messages
    GET /api/v1/messages/<id>
    GET /api/v1/messages/<id>/trace
    GET /api/v1/requeues
    GET /api/v1/requeues/<id>
    GET /api/v1/teams
    GET /api/v1/teams/<id>
    GET /api/v1/templates
    GET /api/v1/templates/<id>
    """,
    "write": """
    POST /api/v1/channels/<id>/check
    POST /api/v1/channels/<id>/templates/sync
    PATCH /api/v1/contacts/<id>
    PATCH /api/v1/contacts/<id>/addresses/<address_id>
    POST /api/v1/contacts/<id>/merge
    POST /api/v1/contacts/<id>/merges/<merge_id>/undo
    PATCH /api/v1/conversations/<id>
    POST /api/v1/conversations/<id>/notes
    PUT /api/v1/conversations/<id>/readings/<user>
    POST /api/v1/events/<id>/replay
    POST /api/v1/media
    POST /api/v1/messages
    POST /api/v1/messages/<id>/cancel
    POST /api/v1/messages/<id>/retry
    POST /api/v1/messages/<id>/settle
    """,
    "admin": """
    GET /api/v1/audit
    POST /api/v1/canned-replies
    DELETE /api/v1/canned-replies/<id>
    PATCH /api/v1/canned-replies/<id>
    POST /api/v1/channels
    DELETE /api/v1/channels/<id>
    PATCH /api/v1/channels/<id>
    PUT /api/v1/channels/<id>/routes
    POST /api/v1/channels/<id>/routes/versions/<version>/restore
    POST /api/v1/channels/try
    DELETE /api/v1/contacts/<id>
    GET /api/v1/contacts/<id>/export
    GET /api/v1/events/<id>/letter
    GET /api/v1/health
    GET /api/v1/plugins
    PATCH /api/v1/plugins/<name>
    POST /api/v1/requeues
    POST /api/v1/requeues/<id>/stop
    POST /api/v1/teams
    DELETE /api/v1/teams/<id>
    PATCH /api/v1/teams/<id>
    GET /api/v1/tokens
    POST /api/v1/tokens
    DELETE /api/v1/tokens/<id>
    GET /api/v1/users
    POST /api/v1/users
    GET /api/v1/users/<id>
    PATCH /api/v1/users/<id>
    POST /api/v1/users/<id>/invite
    DELETE /api/v1/users/<id>/sessions
    GET /api/v1/users/<id>/views
    POST /api/v1/users/<id>/views
    DELETE /api/v1/users/<id>/views/<view>
    """,
}


def decided(table):
    lines = {who: text.split("\n") for who, text in table.items()}
    return {line.strip(): who for who, each in lines.items() for line in each if line.strip()}


def asked(app, blueprint):
    """Yield each address of a blueprint as it is declared, its method, and one like it."""
    for rule in app.url_map.iter_rules():
        if rule.endpoint.startswith(f"{blueprint}."):
            like = re.sub(r"<any\((\w+)[^>]*>", r"\1", rule.rule)
            like = re.sub(r"<int:\w+>", "1", like)
            like = re.sub(r"<[^>]+>", "0123456789abcdefghjkmnpqrs", like)
            for method in rule.methods - {"HEAD", "OPTIONS"}:
                yield f"{method} {rule.rule}", method, like


def is_let_in(answer):
    # A login that fails, and a logout, say otherwise what they do.
    logged_out = answer.status_code == 401 and b"belong together" not in answer.data
    to_login = answer.status_code == 302 and answer.location.startswith("/login?next=")
    answer.close()
    return answer.status_code != 403 and not logged_out and not to_login


@pytest.fixture
def who_is_let_in(browser):
    """Return the least that one has to be, for an address of the console."""

    def find(method, path):
        for role in (None, "agent", "admin"):
            client = browser(role)
            form = {"form_token": form_token(client.get("/account"))} if role else {}
            if is_let_in(client.open(path, method=method, data=form if method == "POST" else None)):
                return role or "anybody"
        return "nobody"

    return find


def test_each_page_lets_in_whom_it_is_for(browser, who_is_let_in):
    pages = asked(browser().application, "ui")
    found = {name: who_is_let_in(method, path) for name, method, path in pages}
    assert found == decided(CONSOLE)


def test_no_form_is_taken_without_its_token(browser):
    taken = []
    for name, method, path in asked(browser().application, "ui"):
        if method == "POST" and decided(CONSOLE).get(name) != "anybody":
            answer = browser("admin").post(path)
            if answer.status_code != 403:
                taken.append(name)
    assert taken == []


def test_each_call_of_the_api_needs_the_scope_it_is_for(world, browser):
    tokens = {
        scope: create_token(world.hub, name=scope, scopes=frozenset({scope}), actor="cli")[1]
        for scope in SCOPES
    }
    client, found = browser(), {}

    def lets_in(method, path, token=None):
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return is_let_in(client.open(path, method=method, headers=headers))

    for name, method, path in asked(client.application, "api"):
        if lets_in(method, path):
            found[name] = "anybody"
        else:
            enough = [one for one, token in tokens.items() if lets_in(method, path, token)]
            found[name] = " or ".join(enough)
    assert found == decided(API)
