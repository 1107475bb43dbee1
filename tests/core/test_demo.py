"""A demo that is started again finds its sandbox, which remembers nothing, told of its channels."""

from types import SimpleNamespace
from typing import Any

import pytest

from hubbub import demo
from hubbub.connect import simulator

SANDBOX = "http://127.0.0.1:8101"
EARLIER = "http://127.0.0.1:8001"
SERVERS = {f"{one}_{two}": two for one in ("smtp", "imap") for two in ("host", "port")}


@pytest.fixture
def set_up(monkeypatch):
    """Channels that were set up again, with their new settings."""
    changes: dict[str, Any] = {}
    monkeypatch.setattr(
        demo,
        "change_channel",
        lambda _hub, channel_id, change, **_: changes.update({channel_id: change.settings}),
    )
    monkeypatch.setattr(demo, "_configure_gateway", lambda *_: None)
    monkeypatch.setattr(demo, "tell_sandbox", lambda *_: {"address": "smpp://127.0.0.1:2"})
    return changes


@pytest.mark.parametrize(
    "kind", ["telegram", "twilio", "gateway", "vonage", "whatsapp", "messenger", "onprem"]
)
@pytest.mark.parametrize("port", [8001, 8101])
def test_channels_of_an_earlier_start_are_set_up_at_the_sandbox_of_this_one(set_up, kind, port):
    row: Any = SimpleNamespace(
        id="one",
        type=kind,
        secrets=b"",
        settings={"api_base": f"http://127.0.0.1:{port}/{kind}", "mode": "webhook"},
    )
    hub: Any = SimpleNamespace(vault=SimpleNamespace(open=lambda *_: {"credentials": {}}))
    demo._point(hub, row, SANDBOX)
    assert set_up == {"one": {"api_base": f"{SANDBOX}/{kind}"}}


def test_a_channel_of_an_earlier_message_centre_finds_the_port_of_this_one(set_up):
    row: Any = SimpleNamespace(id="one", settings={"api_base": "smpp://127.0.0.1:1"})
    hub: Any = None
    demo._point(hub, row, SANDBOX)
    assert set_up == {"one": {"api_base": "smpp://127.0.0.1:2"}}


def test_a_mailbox_of_an_earlier_start_finds_the_ports_of_this_one(set_up, monkeypatch):
    made = {**SERVERS, "security": "none", "address": "support@example.com"}
    monkeypatch.setattr(demo, "tell_sandbox", lambda *_: made)
    row: Any = SimpleNamespace(
        id="one", settings={"from_address": "support@example.com", "smtp_host": "127.0.0.1"}
    )
    hub: Any = None
    demo._point(hub, row, SANDBOX)
    more = {"security": "none", "username": "support@example.com"}
    assert set_up == {
        "one": SERVERS | {f"{one}_{two}": more[two] for one in ("smtp", "imap") for two in more}
    }


@pytest.mark.parametrize(
    "settings",
    [{}, {"from_address": "support@example.com"}, {"api_base": "https://api.telegram.org"}],
)
def test_somebodys_own_channel_is_left_alone(set_up, settings):
    row: Any = SimpleNamespace(id="one", settings=settings)
    hub: Any = None
    demo._point(hub, row, SANDBOX)
    assert set_up == {}


@pytest.mark.parametrize("kind", simulator._ACCOUNTS)
def test_an_account_that_somebody_tries_outlives_the_simulator(set_up, monkeypatch, kind):
    told: list[Any] = []

    def tell(_hub, url, what):
        told.append((url, what))
        return {**SERVERS, "security": "none"}

    monkeypatch.setattr(simulator, "tell_sandbox", tell)
    hub: Any = SimpleNamespace(settings=SimpleNamespace(sandbox_url=EARLIER))
    form = simulator.simulated(hub, kind)
    assert form is not None
    ((url, what),) = told
    hub.vault = SimpleNamespace(open=lambda *_: {"credentials": form["credentials"]})
    row: Any = SimpleNamespace(id="one", type=kind, secrets=b"", settings=form["settings"])
    if kind == "email":
        row.settings["smtp_host"] = "127.0.0.1"
    demo._point(hub, row, SANDBOX)
    draft: Any = SimpleNamespace(type=kind, typed={**form, "name": "Mine"}, simulated=True)
    bare: Any = SimpleNamespace(type=kind, typed={"name": "Begun"}, simulated=True)
    saved = []
    monkeypatch.setattr(demo, "drafts", lambda _: (draft, bare))
    monkeypatch.setattr(demo, "save_draft", lambda *given: saved.append(given[2]))
    demo._point_drafts(hub, SANDBOX)
    # Bots and accounts of Twilio need nobody to tell of them.
    assert told[1:] == [(url.replace(EARLIER, SANDBOX), what)] * (len(told) - 1)
    assert len(told) == (2 if kind in {"telegram", "sms_twilio"} else 3)
    assert EARLIER not in str(saved)
    assert saved[0]["credentials"] == form["credentials"]
    assert saved[1] == {"name": "Begun"}
    assert EARLIER not in str(set_up)
    assert set(set_up) == {"one"}
