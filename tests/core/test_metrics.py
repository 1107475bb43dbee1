"""Prometheus reads what this process counted and what waits in the database."""

from datetime import UTC, datetime, timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import insert

from hubbub import metrics
from hubbub.store.session import make_engine, transaction
from hubbub.store.tables import Call, Channel, MediaFile, Process, table

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def numbers(engine):
    """Return the numbers of a family by their labels, which are sorted by name."""

    def read(family):
        text = metrics.render(engine, now=NOW).decode()
        found = {one.name: one for one in text_string_to_metric_families(text)}
        return {tuple(item.labels.values()): item.value for item in found[family].samples}

    return read


def test_what_waits_is_counted_by_its_state_and_aged(engine, numbers):
    channel = {
        "type": "telegram",
        "name": "Shop",
        "status_reason": "",
        "status_since": NOW,
        "settings": {},
        "secrets": b"",
        "facts": {},
        "created_at": NOW,
    }
    call = {"channel_id": "c1", "method": "POST", "url": "", "headers": {}, "body": b"x"}
    call |= {"outcomes": [], "reason": ""}
    media = {"channel_id": "c1", "state": "pending", "created_at": NOW}
    with transaction(engine) as db:
        for name, status in (("c1", "connected"), ("c2", "error"), ("c3", "error")):
            own = {"id": name, "status": status, "webhook_key": name, "account": name}
            db.execute(insert(table(Channel)), {**channel, **own})
        for number, state in enumerate(["pending", "pending", "dead", "done", "quarantined"]):
            received = NOW - timedelta(seconds=10 - number)
            row = {"id": str(number), "state": state, "received_at": received}
            db.execute(insert(table(Call)), {**call, **row})
        db.execute(insert(table(MediaFile)), {"id": "m", **media})
        seen = {"id": "p", "kind": "worker", "host": "h", "started_at": NOW}
        db.execute(insert(table(Process)), {**seen, "seen_at": NOW - timedelta(seconds=2)})
    assert numbers("hubbub_calls_kept") == {("pending",): 2, ("dead",): 1, ("quarantined",): 1}
    assert numbers("hubbub_oldest_pending_seconds") == {(): 10}
    assert numbers("hubbub_media_pending") == {(): 1}
    assert numbers("hubbub_channels") == {("connected", "telegram"): 1, ("error", "telegram"): 2}
    assert numbers("hubbub_process_seen_seconds") == {("worker",): 2}
    assert numbers("hubbub_database_up") == {(): 1}


def test_deliveries_are_aged_by_the_one_most_overdue(world, numbers):
    assert world.hub.engine is not None
    assert numbers("hubbub_deliveries") == {}
    assert numbers("hubbub_oldest_due_seconds") == {(): 0}
    assert numbers("hubbub_messages_failed") == {}


@pytest.mark.parametrize(
    ("count", "family", "labels"),
    [
        (lambda: metrics.calls_received("t", "pending", 2), "calls_received", ("t", "pending")),
        (lambda: metrics.events_settled("applied", 2), "events", ("applied",)),
        (lambda: metrics.messages_stored("inbound", 2), "messages", ("inbound",)),
    ],
)
def test_what_happens_in_this_process_is_counted(count, family, labels):
    before = _own(f"hubbub_{family}", labels)
    count()
    assert _own(f"hubbub_{family}", labels) == before + 2


def test_attempts_are_counted_by_how_they_ended():
    before = _own("hubbub_attempts", ("accepted",))
    metrics.attempt_ended("accepted")
    assert _own("hubbub_attempts", ("accepted",)) == before + 1


def test_the_wait_of_webhook_calls_is_a_histogram():
    name = "hubbub_call_seconds_bucket"
    before = metrics.REGISTRY.get_sample_value(name, {"le": "0.005"}) or 0
    metrics.call_seconds(0.004)
    metrics.call_seconds(0.4)
    assert metrics.REGISTRY.get_sample_value(name, {"le": "0.005"}) == before + 1


def test_with_the_database_down_this_process_still_tells_its_own_numbers():
    engine = make_engine("postgresql+psycopg://u@127.0.0.1:1/none")
    text = metrics.render(engine, now=NOW).decode()
    assert "\nhubbub_database_up 0.0\n" in text
    assert "hubbub_calls_received" in text
    assert "hubbub_calls_kept" not in text


def _own(family, labels):
    for metric in metrics.REGISTRY.collect():
        for sample in metric.samples:
            if sample.name == f"{family}_total" and tuple(sample.labels.values()) == labels:
                return sample.value
    return 0
