import json
import re
from datetime import timedelta
from types import SimpleNamespace

import pytest
from pydantic import SecretStr
from sqlalchemy import insert, select, text

from hubbub.connect import queries
from hubbub.connect.rules import open_connection, shown_status
from hubbub.connect.work import (
    ChannelChange,
    change_channel,
    check_channel,
    create_channel,
    delete_channel,
    find_channel,
    look_at_channel,
    set_status,
    watch_channel,
)
from hubbub.guard import Guard
from hubbub.people.errors import Conflict, Invalid, NotFound
from hubbub.plugins import UnknownType
from hubbub.sdk import ChannelSettings, Fields, RateLimited
from hubbub.store.session import reading, transaction
from hubbub.store.tables import (
    Address,
    Channel,
    Contact,
    Conversation,
    Delivery,
    Message,
    table,
)
from hubbub.transport import HttpTransport
from hubbub.vault import Undecryptable, Vault
from tests.core.api.kit import TOKEN


def _create(hub, **given):
    values = {
        "type": "fake",
        "name": "Support",
        "credentials": {"token": TOKEN},
        "settings": {},
        "actor": "cli",
    }
    return create_channel(hub, **{**values, **given})


def test_a_new_channel_is_set_up_at_the_provider_and_connected(every_hub):
    row = find_channel(every_hub, _create(every_hub, name=" Support "))
    assert (row.type, row.name, row.status, row.status_reason) == (
        "fake",
        "Support",
        "connected",
        "",
    )
    assert row.facts == {"id": "4711"}
    assert row.account == "4711"
    assert re.fullmatch(r"[a-z0-9]{32}", row.webhook_key)
    assert [request.url for request in every_hub.http.requests] == [
        "https://provider.example/setup"
    ]


def test_the_channel_is_stored_before_the_provider_is_asked_and_no_transaction_is_open(every_hub):
    seen = []

    def look(request):
        # A transaction left open would hold up this one on SQLite, and hide the row on both.
        with transaction(every_hub.engine) as db:
            seen.append(db.execute(select(table(Channel).c.status)).scalar_one())

    every_hub.http.before = look
    _create(every_hub)
    assert seen == ["inactive"]


def test_its_credentials_are_encrypted_and_bound_to_its_row(hub):
    row = find_channel(hub, _create(hub))
    assert b"very-secret" not in row.secrets
    with reading(hub.engine) as db:
        everything = [
            str(db.execute(select(one)).all()) for one in Channel.metadata.tables.values()
        ]
    assert "very-secret" not in "".join(everything)
    with pytest.raises(Undecryptable):
        hub.vault.open(row.secrets, "another-row")


def test_its_connection_holds_what_a_plugin_needs_and_shows_no_secret(hub):
    row = find_channel(hub, _create(hub))
    connection = open_connection(hub, row)
    assert connection.fields.credentials.token.get_secret_value() == TOKEN
    assert connection.webhook_url == f"https://hub.example/webhooks/{row.webhook_key}"
    assert re.fullmatch(r"[A-Za-z0-9_-]{48}", connection.webhook_secret)
    assert connection.verify_token
    assert TOKEN not in repr(connection)
    assert connection.webhook_secret not in repr(connection)


def test_a_type_without_handshake_has_no_verify_token(hub):
    row = find_channel(hub, _create(hub, type="windowed"))
    assert open_connection(hub, row).verify_token is None


@pytest.mark.parametrize(
    ("given", "fields"),
    [
        ({"type": "carrier_pigeon"}, ["type"]),
        ({"name": "  "}, ["name"]),
        ({"name": "x" * 101}, ["name"]),
        (
            {"name": "", "credentials": {"tokn": "x"}},
            ["name", "credentials.token", "credentials.tokn"],
        ),
        ({"credentials": {}}, ["credentials.token"]),
        ({"credentials": {"token": TOKEN, "tokn": "x"}}, ["credentials.tokn"]),
        ({"settings": {"mod": "x"}}, ["settings.mod"]),
        ({"settings": {"messages_per_second": -1}}, ["settings.messages_per_second"]),
        (
            {"credentials": {"token": 5}, "settings": {"mode": []}},
            ["credentials.token", "settings.mode"],
        ),
    ],
)
def test_what_cannot_be_used_is_named_field_by_field(hub, given, fields):
    with pytest.raises(Invalid) as caught:
        _create(hub, **given)
    assert [complaint.field for complaint in caught.value.complaints] == fields
    assert "secret" not in str(caught.value)
    assert hub.http.requests == []


def test_two_channels_cannot_share_an_account(every_hub):
    _create(every_hub)
    with pytest.raises(Conflict) as caught:
        _create(every_hub, name="Again", credentials={"token": "4711:another"})
    assert caught.value.code == "account_taken"
    _create(every_hub, credentials={"token": "4712:another"})


def test_types_without_accounts_may_be_connected_often(hub):
    assert _create(hub, type="windowed") != _create(hub, type="windowed")


def test_a_provider_that_is_away_leaves_the_channel_inactive_with_the_reason(hub):
    hub.http.be_away()
    row = find_channel(hub, _create(hub))
    assert row.status == "inactive"
    assert "cannot be reached" in row.status_reason


@pytest.mark.parametrize(
    ("answer", "status", "reason"),
    [
        ({"status": 401}, "error", "refuses the token"),
        ({"body": {"wrong": "Another webhook is set"}}, "error", "Another webhook is set."),
        ({"status": 503}, "inactive", "ill"),
        ({"body": []}, "error", "plugin failed"),
    ],
)
def test_the_providers_answer_decides_the_status(hub, answer, status, reason):
    for name, value in answer.items():
        setattr(hub.http, name, value)
    row = find_channel(hub, _create(hub))
    assert row.status == status
    assert reason in row.status_reason


def test_a_provider_at_a_forbidden_address_is_out_of_reach_too(hub):
    hub.http = HttpTransport(Guard(()))
    row = find_channel(hub, _create(hub, settings={"api_base": "http://127.0.0.1:9"}))
    assert row.status == "inactive"
    assert "HUBBUB_ALLOW_PRIVATE_NETWORKS" in row.status_reason


def test_a_type_that_cannot_be_asked_is_connected(hub):
    assert find_channel(hub, _create(hub, type="quiet")).status == "connected"
    assert hub.http.requests == []


def test_a_check_sets_up_again_what_is_not_connected_and_only_looks_at_what_is(hub):
    hub.http.be_away()
    channel_id = _create(hub)
    hub.http.error = None
    (finding,) = check_channel(hub, channel_id)
    assert (finding.code, finding.ok) == ("webhook", True)
    check_channel(hub, channel_id)
    assert [request.url.rpartition("/")[2] for request in hub.http.requests] == [
        "setup",
        "setup",
        "check",
    ]
    assert find_channel(hub, channel_id).checked_at == hub.now()


def test_a_look_asks_and_changes_nothing_neither_there_nor_here(hub):
    hub.http.be_away()
    channel_id = _create(hub)
    before = find_channel(hub, channel_id)
    hub.http.error = None
    hub.now.advance(hours=1)
    look_at_channel(hub, channel_id)
    assert hub.http.requests[-1].url == "https://provider.example/check"
    assert find_channel(hub, channel_id) == before
    hub.http.status = 401
    (finding,) = look_at_channel(hub, channel_id)
    assert not finding.ok
    assert find_channel(hub, channel_id) == before


def test_a_failed_check_says_what_is_wrong_and_how_to_mend_it(hub):
    channel_id = _create(hub)
    hub.http.status = 401
    (finding,) = check_channel(hub, channel_id)
    assert (finding.code, finding.ok) == ("auth_failed", False)
    assert "credentials again" in finding.fix
    assert find_channel(hub, channel_id).status == "error"


def test_status_since_tells_when_the_status_changed_and_not_when_it_was_confirmed(hub):
    channel_id = _create(hub)
    since = hub.now()
    hub.now.advance(hours=1)
    check_channel(hub, channel_id)
    assert find_channel(hub, channel_id).status_since == since
    hub.http.be_away()
    check_channel(hub, channel_id)
    assert find_channel(hub, channel_id).status_since == hub.now()


def test_credentials_are_merged_and_the_channel_is_set_up_again(every_hub):
    hub = every_hub
    channel_id = _create(hub, credentials={"token": TOKEN, "second": "one"})
    secret = open_connection(hub, find_channel(hub, channel_id)).webhook_secret
    change_channel(hub, channel_id, ChannelChange(credentials={"second": "two"}), actor="cli")
    connection = open_connection(hub, find_channel(hub, channel_id))
    assert connection.fields.credentials.token.get_secret_value() == TOKEN
    assert connection.fields.credentials.second.get_secret_value() == "two"
    assert connection.webhook_secret == secret
    assert len(hub.http.requests) == 2
    change_channel(hub, channel_id, ChannelChange(credentials={"second": None}), actor="cli")
    assert open_connection(hub, find_channel(hub, channel_id)).fields.credentials.second is None


def test_settings_are_merged_and_validated(hub):
    channel_id = _create(hub, settings={"mode": "polling"})
    change = ChannelChange(settings={"api_base": "https://proxy.example"})
    change_channel(hub, channel_id, change, actor="cli")
    assert find_channel(hub, channel_id).settings == {
        "mode": "polling",
        "api_base": "https://proxy.example",
    }
    assert hub.http.requests[-1].url == "https://proxy.example/setup"
    with pytest.raises(Invalid):
        change_channel(hub, channel_id, ChannelChange(settings={"no": 1}), actor="cli")


def test_a_new_name_alone_bothers_no_provider(hub):
    channel_id = _create(hub)
    version = find_channel(hub, channel_id).version
    change_channel(hub, channel_id, ChannelChange(name="Sales"), actor="cli")
    row = find_channel(hub, channel_id)
    assert row.name == "Sales"
    assert row.version == version + 1
    assert len(hub.http.requests) == 1


@pytest.mark.parametrize("token", [TOKEN, "4713:x"])
def test_credentials_of_another_account_are_refused(every_hub, token):
    _create(every_hub)
    other = _create(every_hub, credentials={"token": "4712:x"})
    with pytest.raises(Invalid) as caught:
        change_channel(every_hub, other, ChannelChange(credentials={"token": token}), actor="cli")
    assert [one.field for one in caught.value.complaints] == ["credentials"]
    assert find_channel(every_hub, other).account == "4712"


def test_credentials_of_the_same_account_are_taken(hub):
    channel_id = _create(hub, credentials={"token": "4712:x"})
    with pytest.raises(Invalid, match="at most 8,192") as caught:
        long = ChannelChange(credentials={"token": f"4712:{'x' * 8192}"})
        change_channel(hub, channel_id, long, actor="cli")
    assert [one.field for one in caught.value.complaints] == ["credentials.token"]
    change_channel(hub, channel_id, ChannelChange(credentials={"token": "4712:y"}), actor="cli")
    assert find_channel(hub, channel_id).account == "4712"


def test_a_channel_switched_off_is_inactive_and_says_so(hub):
    channel_id = _create(hub)
    change_channel(hub, channel_id, ChannelChange(enabled=False), actor="cli")
    row = find_channel(hub, channel_id)
    assert (row.enabled, row.status) == (False, "inactive")
    assert "switched this channel off" in row.status_reason
    assert check_channel(hub, channel_id) == ()
    change_channel(hub, channel_id, ChannelChange(enabled=True), actor="cli")
    assert find_channel(hub, channel_id).status == "connected"


def test_a_channel_switched_on_again_is_set_up_anew_although_it_was_on(hub):
    channel_id = _create(hub)
    hub.http.requests.clear()
    change_channel(hub, channel_id, ChannelChange(), actor="cli")
    assert hub.http.requests == []
    change_channel(hub, channel_id, ChannelChange(enabled=True), actor="cli")
    assert len(hub.http.requests) == 1


def test_what_was_changed_just_before_the_hub_was_killed_is_set_up_later(hub, monkeypatch):
    channel_id = _create(hub)
    settings = {"api_base": "https://proxy.example"}
    with monkeypatch.context() as killed:
        killed.setattr("hubbub.connect.work._set_up", lambda *_: None)
        change_channel(hub, channel_id, ChannelChange(settings=settings), actor="cli")
    hub.http.requests.clear()
    for verb in ("setup", "check"):
        watch_channel(hub, channel_id)
        assert hub.http.requests.pop().url == f"https://proxy.example/{verb}"


def test_an_answer_that_comes_after_another_change_is_dropped(hub):
    channel_id = _create(hub)

    def change_meanwhile(request):
        hub.http.before = None
        with transaction(hub.engine) as db:
            queries.change_channel(db, channel_id, values={"name": "Renamed"})

    hub.http.before = change_meanwhile
    hub.http.status = 401
    check_channel(hub, channel_id)
    row = find_channel(hub, channel_id)
    assert (row.name, row.status) == ("Renamed", "connected")


def _message(hub, channel_id, **delivery):
    """Store a message with one delivery, and return the delivery's id."""
    now = hub.now()
    with transaction(hub.engine) as db:
        number = db.execute(text("SELECT count(*) FROM deliveries")).scalar_one()
        ids = {name: f"{name}{number}" for name in ("contact", "address", "conv", "msg", "del")}
        about = {"channel_id": channel_id, "contact_id": ids["contact"]}
        for rows, values in (
            (Contact, {"id": ids["contact"], "attributes": {}}),
            (
                Address,
                {
                    "id": ids["address"],
                    "address": ids["address"],
                    "state": "ok",
                    "state_reason": "",
                    **about,
                },
            ),
            (
                Conversation,
                {
                    "id": ids["conv"],
                    "address_id": ids["address"],
                    "status": "open",
                    "owner": "queue",
                    "owner_version": 1,
                    "tags": [],
                    "last_seq": 1,
                    "unread": 0,
                    "preview": "",
                    "last_message_at": now,
                    **about,
                },
            ),
        ):
            db.execute(insert(table(rows)).values(created_at=now, **values))
        db.execute(
            insert(table(Message)).values(
                id=ids["msg"],
                channel_id=channel_id,
                conversation_id=ids["conv"],
                contact_id=ids["contact"],
                seq=1,
                direction="outbound",
                kind="text",
                content={"type": "text", "text": "Hello"},
                sender_address="us",
                status="queued",
                created_at=now,
            )
        )
        moving = {"state": "queued", "due_at": now, "starts_at": None, **delivery}
        db.execute(
            insert(table(Delivery)).values(
                id=ids["del"],
                message_id=ids["msg"],
                channel_id=channel_id,
                conversation_id=ids["conv"],
                seq=1,
                part=0,
                parts=1,
                destination="contact",
                address=ids["address"],
                bulk=False,
                attempts=0,
                awaits_answer=False,
                created_at=now,
                **moving,
            )
        )
    return ids["del"]


def _deliveries(hub):
    with reading(hub.engine) as db:
        rows = db.execute(select(table(Delivery)))
        return {row.id: (row.state, row.due_at) for row in rows}


def test_what_waited_for_the_channel_becomes_due_when_it_is_connected_again(every_hub):
    hub = every_hub
    hub.http.be_away()
    channel_id = _create(hub)
    later = hub.now().replace(hour=23)
    held = _message(hub, channel_id, state="retrying", due_at=later)
    scheduled = _message(hub, channel_id, due_at=later, starts_at=later)
    sent = _message(hub, channel_id, state="sent", due_at=later)
    hub.http.error = None
    check_channel(hub, channel_id)
    assert _deliveries(hub) == {
        held: ("retrying", hub.now()),
        scheduled: ("queued", later),
        sent: ("sent", later),
    }


def test_connecting_again_ends_the_pause_of_the_channel(hub):
    channel_id = _create(hub)
    with transaction(hub.engine) as db:
        set_status(db, channel_id, status="error", reason="Refused.", now=hub.now())
        queries.change_channel(db, channel_id, values={"paused_until": hub.now()})
    check_channel(hub, channel_id)
    assert find_channel(hub, channel_id).paused_until is None


@pytest.mark.parametrize(("status", "minutes"), [("inactive", 1), ("connected", 10), ("error", 10)])
def test_only_a_provider_that_is_away_is_asked_again_soon(every_hub, status, minutes):
    channel_id, now = _create(every_hub), every_hub.now()
    with transaction(every_hub.engine) as db:
        set_status(db, channel_id, status=status, reason="x", now=now)
        queries.mark_checked(db, channel_id, now=now)

    def due(passed):
        before = {"away_before": passed - timedelta(minutes=1)}
        with reading(every_hub.engine) as db:
            return queries.due_for_check(db, **before, others_before=passed - timedelta(minutes=10))

    assert due(now + timedelta(minutes=minutes)) == []
    assert due(now + timedelta(minutes=minutes, seconds=1)) == [channel_id]


def test_a_status_is_news_once(every_hub):
    channel_id = _create(every_hub)
    with transaction(every_hub.engine) as db:
        now = every_hub.now()
        assert set_status(db, channel_id, status="error", reason="x", now=now)
        assert not set_status(db, channel_id, status="error", reason="x", now=now)
        assert set_status(db, channel_id, status="error", reason="y", now=now)


def test_a_deleted_channel_is_taken_down_and_what_waits_is_cancelled(every_hub):
    hub = every_hub
    channel_id = _create(hub)
    key = find_channel(hub, channel_id).webhook_key
    waiting = _message(hub, channel_id)
    sending = _message(hub, channel_id, state="sending")
    delete_channel(hub, channel_id, actor="cli")
    assert hub.http.requests[-1].url.endswith("/teardown")
    with pytest.raises(NotFound):
        find_channel(hub, channel_id)
    with reading(hub.engine) as db:
        assert hub.directory.by_key(db, key) is None
        statuses = db.execute(select(table(Message).c.status).order_by("id")).scalars().all()
    states = {name: state for name, (state, _) in _deliveries(hub).items()}
    assert states == {waiting: "cancelled", sending: "sending"}
    assert statuses == ["cancelled", "queued"]


def test_a_provider_that_is_away_does_not_keep_a_channel_from_being_deleted(hub):
    channel_id = _create(hub)
    hub.http.be_away()
    delete_channel(hub, channel_id, actor="cli")
    with pytest.raises(NotFound):
        delete_channel(hub, channel_id, actor="cli")
    hub.http.error = None
    assert find_channel(hub, _create(hub)).status == "connected"


class Renamed(Fields):
    key: SecretStr


class RenamedFields(Fields):
    credentials: Renamed
    settings: ChannelSettings = ChannelSettings()


def test_a_channel_is_in_error_from_the_moment_its_plugin_changed_its_form(hub, monkeypatch):
    channel_id = _create(hub)
    assert shown_status(hub, find_channel(hub, channel_id)) == ("connected", "")
    monkeypatch.setattr(type(hub.plugins.channels["fake"]), "fields", RenamedFields)
    status, reason = shown_status(hub, find_channel(hub, channel_id))
    assert (status, "no longer fits the plugin" in reason) == ("error", True)


def test_a_plugin_that_breaks_at_its_own_form_is_in_error_and_harms_no_list(hub, monkeypatch):
    channel_id = _create(hub)
    broken = SimpleNamespace(model_validate=lambda _: 1 / 0)
    monkeypatch.setattr(type(hub.plugins.channels["fake"]), "fields", broken)
    status, reason = shown_status(hub, find_channel(hub, channel_id))
    assert (status, "see the log" in reason) == ("error", True)


def test_a_save_drops_what_the_form_no_longer_has(hub):
    channel_id = _create(hub)
    row = find_channel(hub, channel_id)
    kept = hub.vault.open(row.secrets, channel_id)
    older = {**kept, "credentials": {**kept["credentials"], "bot_token": "x"}}
    with transaction(hub.engine) as db:
        sealed = hub.vault.seal(older, channel_id)
        queries.change_channel(db, channel_id, values={"secrets": sealed, "settings": {"was": 1}})
    assert shown_status(hub, find_channel(hub, channel_id))[0] == "error"
    with pytest.raises(Invalid, match="bot_token"):
        change_channel(hub, channel_id, ChannelChange(credentials={"bot_token": "y"}), actor="cli")
    change_channel(hub, channel_id, ChannelChange(settings={}), actor="cli")
    row = find_channel(hub, channel_id)
    assert shown_status(hub, row) == ("connected", "")
    assert (hub.vault.open(row.secrets, channel_id)["credentials"], row.settings) == (
        {"token": TOKEN},
        {},
    )


@pytest.mark.parametrize("act", [check_channel, find_channel])
def test_there_is_no_unknown_channel(hub, act):
    with pytest.raises(NotFound):
        act(hub, "nothing")


def test_without_its_plugin_a_channel_shows_an_error_and_cannot_be_changed(hub):
    channel_id = _create(hub)
    hub.plugins.channels.clear()
    hub.plugins.__dict__.pop("_channel_hooks")
    row = find_channel(hub, channel_id)
    status, reason = shown_status(hub, row)
    assert (row.status, status) == ("connected", "error")
    assert "is not loaded" in reason
    (finding,) = check_channel(hub, channel_id)
    assert (finding.code, finding.ok) == ("unknown_type", False)
    with pytest.raises(UnknownType):
        change_channel(hub, channel_id, ChannelChange(credentials={}), actor="cli")
    delete_channel(hub, channel_id, actor="cli")


def test_a_lost_key_is_reported_as_what_it_is(hub):
    channel_id = _create(hub)
    hub.vault = Vault(["another key"])
    (finding,) = check_channel(hub, channel_id)
    assert finding.code == "undecryptable"
    assert "HUBBUB_SECRET_KEY" in finding.detail


def test_settings_that_a_newer_plugin_refuses_are_reported_with_their_field(hub):
    channel_id = _create(hub)
    with transaction(hub.engine) as db:
        queries.change_channel(db, channel_id, values={"settings": {"retired": 1}})
    with pytest.raises(UnknownType, match=r"settings\.retired"):
        open_connection(hub, find_channel(hub, channel_id))


def test_a_rate_limited_check_leaves_the_channel_inactive_for_now(hub):
    channel_id = _create(hub)
    hub.http.error = RateLimited("Too fast.", retry_after=timedelta(seconds=3))
    (finding,) = check_channel(hub, channel_id)
    assert "Wait" in finding.fix


def test_every_change_is_in_the_audit_log_without_a_secret(hub):
    channel_id = _create(hub)
    change = ChannelChange(name="Sales", credentials={"second": "another secret"})
    change_channel(hub, channel_id, change, actor="user:1")
    delete_channel(hub, channel_id, actor="user:1")
    with reading(hub.engine) as db:
        found = db.execute(text("SELECT action, detail FROM audit ORDER BY id"))
        lines = [tuple(row) for row in found]
    assert [action for action, _ in lines] == [
        "channel.created",
        "channel.changed",
        "channel.deleted",
    ]
    assert json.loads(lines[1][1]) == {"changed": ["name", "credentials.second"]}
    assert "secret" not in "".join(detail for _, detail in lines)
