import queue
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import dramatiq
import pytest
from redis.exceptions import ConnectionError as RedisConnectionError, TimeoutError as RedisTimeout
from structlog.testing import capture_logs

from hubbub.broker import make_broker
from hubbub.consumer import PromptBroker
from hubbub.embedded import EmbeddedValkey
from hubbub.redis_client import make_redis
from hubbub.store.session import DatabaseDown

#: Seconds after which a message counts as lost; far more than a slow machine needs.
PATIENCE = 60


def declare(
    broker: PromptBroker, handler: Callable[..., None], name: str = "work"
) -> dramatiq.Actor[..., None]:
    actor = dramatiq.actor(broker=broker, queue_name="inbound", actor_name=name)
    return actor(handler)


@pytest.fixture
def broker(valkey_url, make_worker_broker):
    return make_worker_broker(valkey_url)


@pytest.fixture
def work(broker):
    return declare(broker, lambda *_: None)


@pytest.fixture
def consumer(broker, work):
    return broker.consume("inbound", prefetch=2, timeout=20)


def test_an_idle_worker_waits_on_the_list_itself(broker, run_worker, valkey, eventually):
    ran: queue.Queue[str] = queue.Queue()
    work = declare(broker, ran.put)
    run_worker(broker, worker_threads=2)
    # Dramatiq's own consumer sleeps up to 0.2 s between two looks, and no client is blocked by that.
    for word in ("first", "second"):
        eventually(lambda: any("b" in client["flags"] for client in valkey.client_list()))
        work.send(word)
        assert ran.get(timeout=PATIENCE) == word


def test_every_message_runs_once_while_several_workers_wait(
    valkey_url, make_worker_broker, run_worker, eventually
):
    ran: list[int] = []
    brokers = [make_worker_broker(valkey_url) for _ in range(2)]
    works = [declare(broker, ran.append) for broker in brokers]
    for broker in brokers:
        run_worker(broker, worker_threads=4)
    for number in range(200):
        works[number % 2].send(number)
    eventually(lambda: len(ran) >= 200)
    assert sorted(ran) == list(range(200))


def test_messages_of_a_killed_worker_go_to_another(valkey_url, make_worker_broker, run_worker):
    heartbeat = 1.5
    script = Path(__file__).with_name("lasting_worker.py")
    broker = make_worker_broker(valkey_url, heartbeat=timedelta(seconds=heartbeat))
    ran: queue.Queue[str] = queue.Queue()
    declare(broker, lambda: ran.put("again")).send()
    command = [sys.executable, "-P", str(script), valkey_url, str(heartbeat)]
    core = Path(__file__).parents[3] / "core"
    with subprocess.Popen(command, stdout=subprocess.PIPE, env={"PYTHONPATH": str(core)}) as doomed:
        try:
            assert doomed.stdout is not None
            assert doomed.stdout.readline() == b"begun\n"
            run_worker(broker, worker_threads=1)
            with pytest.raises(queue.Empty):
                ran.get(timeout=2 * heartbeat)  # it lives: its message stays its own
        finally:
            doomed.send_signal(signal.SIGKILL)
    assert ran.get(timeout=PATIENCE) == "again"


def test_a_worker_goes_on_after_valkey_was_killed_and_started_again(
    tmp_path, make_worker_broker, run_worker
):
    first = EmbeddedValkey(tmp_path)
    broker = make_worker_broker(first.start())
    ran: queue.Queue[str] = queue.Queue()
    work = declare(broker, ran.put)
    with capture_logs() as logs:
        run_worker(broker, worker_threads=1)
        work.send("before")
        assert ran.get(timeout=PATIENCE) == "before"
        assert first._process is not None
        first._process.kill()
        first.stop()
        with pytest.raises(RedisConnectionError):
            work.send("meanwhile")
        second = EmbeddedValkey(tmp_path)
        second.start()
        try:
            work.send("after")
            assert ran.get(timeout=PATIENCE) == "after"
        finally:
            second.stop()
    told = [entry["event"] for entry in logs]
    assert told.count("redis does not answer") <= 2  # this outage, and the one at the end
    assert told.count("redis answers again") == 1


def test_a_worker_goes_on_after_redis_was_emptied_of_everything(broker, run_worker, valkey):
    ran: queue.Queue[str] = queue.Queue()
    work = declare(broker, ran.put)
    run_worker(broker, worker_threads=1)
    work.send("before")
    assert ran.get(timeout=PATIENCE) == "before"
    valkey.flushall()
    valkey.script_flush()
    work.send("after")
    assert ran.get(timeout=PATIENCE) == "after"


@pytest.mark.parametrize("error", [RedisTimeout("late"), RedisConnectionError("gone")])
def test_messages_in_an_answer_that_never_arrived_are_fetched_again(
    broker, work, consumer, monkeypatch, error
):
    work.send("lost on the way")
    fetched = broker.do_fetch("inbound", 1)
    assert len(fetched) == 1
    with monkeypatch.context() as patch:

        def fails(*_, **__):
            raise error

        patch.setattr(broker.patient, "blmove", fails)
        assert next(consumer) is None
    message = next(consumer)
    assert message.args == ("lost on the way",)


def test_a_busy_worker_still_says_that_it_lives(broker, work, consumer, valkey):
    for number in range(3):
        work.send(number)
    held = [next(consumer), next(consumer)]
    assert len(held) == 2
    valkey.zadd("dramatiq:__heartbeats__", {broker.broker_id: 1})
    consumer._maintain_at = 0.0
    assert next(consumer) is None
    assert valkey.zscore("dramatiq:__heartbeats__", broker.broker_id) > 1


def test_no_more_is_fetched_than_may_be_held(work, consumer, valkey):
    for number in range(3):
        work.send(number)
    first, second = next(consumer), next(consumer)
    assert next(consumer) is None
    assert valkey.llen("dramatiq:inbound") == 1
    consumer.ack(first)
    assert next(consumer).args == (2,)
    assert second.args == (1,)


def test_a_finished_message_leaves_nothing_behind(work, consumer, valkey):
    work.send()
    consumer.ack(next(consumer))
    assert valkey.keys() == [b"dramatiq:__heartbeats__"]


def test_a_refused_message_is_dropped(work, consumer, valkey):
    work.send()
    consumer.nack(next(consumer))
    assert valkey.keys() == [b"dramatiq:__heartbeats__"]


def test_what_was_finished_during_an_outage_is_told_afterwards(
    broker, work, consumer, valkey, monkeypatch
):
    work.send()
    message = next(consumer)
    with monkeypatch.context() as patch:

        def fails(*_):
            raise RedisConnectionError("gone")

        patch.setattr(broker, "acknowledge", fails)
        consumer.ack(message)
    assert valkey.hlen("dramatiq:inbound.msgs") == 1
    consumer._maintain_at = 0.0
    assert next(consumer) is None
    assert valkey.hlen("dramatiq:inbound.msgs") == 0


def test_a_message_taken_over_by_another_worker_is_left_to_it(work, consumer, valkey, broker):
    work.send()
    message = next(consumer)
    valkey.delete(broker.unacknowledged("inbound"))
    consumer.ack(message)
    assert valkey.hlen("dramatiq:inbound.msgs") == 1


def test_closing_gives_back_what_was_not_begun(work, consumer, valkey):
    work.send("begun")
    work.send("waiting")
    begun = next(consumer)
    consumer.close()
    assert valkey.llen("dramatiq:inbound") == 1
    consumer.requeue([begun])
    assert valkey.llen("dramatiq:inbound") == 2


def test_closing_during_an_outage_raises_nothing(make_worker_broker, tmp_path):
    broker = make_worker_broker(f"unix://{tmp_path}/nobody.sock")
    declare(broker, lambda: None)
    consumer = broker.consume("inbound", timeout=20)
    message: dramatiq.Message[None] = dramatiq.Message(
        queue_name="inbound",
        actor_name="work",
        args=(),
        kwargs={},
        options={"redis_message_id": "1"},
    )
    assert next(consumer) is None
    consumer.requeue([message])
    consumer.ack(message)
    consumer.close()
    assert broker.outage.away


def test_an_unreadable_message_is_left_out(work, consumer, valkey):
    valkey.hset("dramatiq:inbound.msgs", "1", b"not JSON")
    valkey.rpush("dramatiq:inbound", "1")
    work.send("readable")
    with capture_logs() as logs:
        assert next(consumer).args == ("readable",)
    assert "cannot be read" in logs[0]["event"]


def test_a_delay_is_refused(broker, work):
    with pytest.raises(ValueError, match="Delays live in the database"):
        work.send_with_options(delay=1000)


def test_no_queue_has_a_delayed_twin(broker, work):
    assert broker.get_declared_queues() == {"inbound"}
    assert broker.get_declared_delay_queues() == set()


def test_a_worker_stops_promptly(broker, work):
    worker = dramatiq.Worker(broker, worker_threads=1)
    worker.start()
    begun = time.monotonic()
    worker.stop()
    # Less than Dramatiq grants it; far more than a look at what it was told takes.
    assert time.monotonic() - begun < 30


def test_work_that_finds_no_database_is_one_sentence_in_the_log(valkey_url, run_worker, caplog):
    broker = make_broker(valkey_url)
    ran: queue.Queue[str] = queue.Queue()

    def look(word: str) -> None:
        ran.put(word)
        if word == "first":
            raise DatabaseDown("The database (here) did not answer: away")

    work = declare(broker, look)
    with capture_logs() as logs, closing(broker):
        worker = run_worker(broker, worker_threads=1)
        work.send("first")
        work.send("second")
        assert [ran.get(timeout=PATIENCE), ran.get(timeout=PATIENCE)] == ["first", "second"]
        worker.stop()
    assert [entry["event"] for entry in logs] == ["work waits for the database"]
    assert logs[0]["reason"] == "The database (here) did not answer: away"
    assert "Traceback" not in caplog.text


def test_the_broker_of_a_process_is_on_the_redis_of_its_environment(valkey_url):
    program = (
        "import dramatiq, hubbub.broker as b;"
        "assert dramatiq.get_broker() is b.broker;"
        "b.broker.client.set('found', 1)"
    )
    core = Path(__file__).parents[3] / "core"
    environment = {"HUBBUB_REDIS_URL": valkey_url, "PYTHONPATH": str(core)}
    subprocess.run([sys.executable, "-c", program], check=True, env=environment)
    with make_redis(valkey_url) as client:
        assert client.get("found") == b"1"
