"""Count what happens in this process, and what waits in the database, for Prometheus.

Each process counts for itself and is scraped for itself; the gauges are read from the database
at each scrape and so say the same wherever they are read.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import lru_cache
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram, start_http_server
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from sqlalchemy import Connection, Engine, Row, TextClause, TextualSelect, text

from hubbub.store.session import DatabaseDown, reading
from hubbub.store.types import UtcDateTime

#: What `render` returns.
CONTENT_TYPE: Final = CONTENT_TYPE_LATEST
#: This process's own counts.
REGISTRY: Final = CollectorRegistry()

_CALLS: Final = Counter(
    "hubbub_calls_received",
    "Webhook calls by what their verification said",
    ["channel_type", "verdict"],
    registry=REGISTRY,
)
_EVENTS: Final = Counter(
    "hubbub_events", "Events by what became of them", ["outcome"], registry=REGISTRY
)
_MESSAGES: Final = Counter("hubbub_messages", "Messages stored", ["direction"], registry=REGISTRY)
_ATTEMPTS: Final = Counter(
    "hubbub_attempts", "Attempts at deliveries by how they ended", ["outcome"], registry=REGISTRY
)
_CALL_SECONDS: Final = Histogram(
    "hubbub_call_seconds",
    "From a webhook call's arrival to its answer",
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
    registry=REGISTRY,
)


def _age(query: str) -> TextualSelect:
    return text(query).columns(since=UtcDateTime())


#: Name, meaning and query: labels first, then the count, or the time since which.
_GAUGES: Final = (
    (
        "hubbub_calls_kept",
        "Webhook calls that are not done",
        text(
            "SELECT calls.state, count(*) AS value FROM channels JOIN calls"
            " ON calls.channel_id = channels.id"
            " AND calls.state IN ('pending', 'dead', 'quarantined') GROUP BY calls.state"
        ),
    ),
    (
        "hubbub_oldest_pending_seconds",
        "Age of the oldest webhook call that nobody has read",
        _age("SELECT min(received_at) AS since FROM calls WHERE state = 'pending'"),
    ),
    (
        "hubbub_deliveries",
        "Deliveries that are not over",
        text(
            "SELECT state, count(*) AS value FROM deliveries"
            " WHERE state IN ('queued', 'retrying') GROUP BY state UNION ALL"
            " SELECT state, count(*) AS value FROM deliveries"
            " WHERE state IN ('sending', 'unknown') GROUP BY state"
        ),
    ),
    (
        "hubbub_oldest_due_seconds",
        "How long the delivery that is most overdue has been due",
        # As the index has it: by channel, replies and bulk apart, and the two ways of both.
        _age(
            "SELECT min(since) AS since FROM (SELECT ("
            "SELECT due_at FROM deliveries WHERE state IN ('queued', 'retrying')"
            " AND channel_id = channels.id AND bulk = kinds.bulk AND onward = ways.onward"
            " ORDER BY due_at LIMIT 1) AS since"
            " FROM channels, (SELECT true AS bulk UNION ALL SELECT false) AS kinds,"
            " (SELECT true AS onward UNION ALL SELECT false) AS ways) AS earliest"
        ),
    ),
    (
        "hubbub_messages_failed",
        "Messages that failed or whose outcome is unknown",
        text(
            "SELECT state AS status, count(DISTINCT message_id) AS value FROM deliveries"
            " WHERE destination = 'contact' AND state IN ('failed', 'unknown') GROUP BY state"
        ),
    ),
    (
        "hubbub_media_pending",
        "Files still to be fetched",
        text("SELECT count(*) AS value FROM media WHERE state = 'pending'"),
    ),
    (
        "hubbub_channels",
        "Channels by type and status",
        text(
            "SELECT type, status, count(*) AS value FROM channels"
            " WHERE deleted_at IS NULL GROUP BY type, status"
        ),
    ),
    (
        "hubbub_process_seen_seconds",
        "Time since a process of this kind last said that it runs",
        _age("SELECT kind, max(seen_at) AS since FROM processes GROUP BY kind"),
    ),
)


# What a metric itself does to find the count of its labels takes as long as counting thrice.
_of = lru_cache(maxsize=1024)(Counter.labels)


def calls_received(channel_type: str, verdict: str, count: int = 1) -> None:
    """Count webhook calls by channel type and what their verification said."""
    _of(_CALLS, channel_type, verdict).inc(count)


def call_seconds(seconds: float) -> None:
    """Note how long a webhook call waited for its answer."""
    _CALL_SECONDS.observe(seconds)


def events_settled(outcome: str, count: int = 1) -> None:
    """Count events: ``applied``, ``duplicate``, ``ignored`` or ``dead``."""
    _of(_EVENTS, outcome).inc(count)


def messages_stored(direction: str, count: int = 1) -> None:
    """Count messages: ``inbound`` or ``outbound``."""
    _of(_MESSAGES, direction).inc(count)


def attempt_ended(outcome: str) -> None:
    """Count an attempt: ``accepted``, or the code of its error."""
    _of(_ATTEMPTS, outcome).inc()


def render(engine: Engine, *, now: datetime) -> bytes:
    """Return this process's counts and the database's gauges in Prometheus's text format.

    With the database down the gauges are left out, but for ``hubbub_database_up 0``.
    """
    gauges = CollectorRegistry()
    gauges.register(_Found(_gauges(engine, now)))
    return generate_latest(REGISTRY) + generate_latest(gauges)


def serve(host: str, port: int) -> None:
    """Serve this process's counts on a port of their own, for processes that are not the web."""
    start_http_server(port, host, registry=REGISTRY)


class _Found(Collector):
    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = list(metrics)

    def collect(self) -> list[Metric]:
        return self._metrics


def _gauges(engine: Engine, now: datetime) -> Iterator[Metric]:
    up = GaugeMetricFamily("hubbub_database_up", "Whether the database answers", value=1)
    try:
        with reading(engine) as db:
            yield from [_gauge(db, now, *gauge) for gauge in _GAUGES]
    except DatabaseDown:
        up = GaugeMetricFamily("hubbub_database_up", "Whether the database answers", value=0)
    yield up


def _gauge(
    db: Connection, now: datetime, name: str, about: str, query: TextClause | TextualSelect
) -> Metric:
    found = db.execute(query).all()
    labels = found[0]._fields[:-1] if found else ()
    metric = GaugeMetricFamily(name, about, labels=labels)
    for row in found:
        metric.add_metric([str(label) for label in row[:-1]], _number(row, now))
    return metric


def _number(row: Row[tuple[object, ...]], now: datetime) -> float:
    value = row[-1]
    if isinstance(value, datetime):
        return max(0.0, (now - value).total_seconds())
    return float(value) if isinstance(value, int | float) else 0.0
