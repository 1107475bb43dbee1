"""A Redis whose master changes is found through its sentinels."""

import subprocess
import time

import pytest
import redis as plain

from hubbub.embedded import find_binary
from hubbub.people.throttle import Throttle
from hubbub.redis_client import make_redis
from hubbub.settings import BadSettings
from hubbub.system import free_port
from tests.services.shared import missing

_PATIENCE = 60
#: Milliseconds between a sentinel's looks, which are seconds and more by default.
_LOOKS = ("info-period", "200", "ping-period", "100", "publish-period", "200")


class Servers:
    """Two servers, one of which follows the other, and a sentinel that watches them."""

    def __init__(self, binary, folder):
        self._binary, self._folder = binary, folder
        self._running = []
        self.master = self._server(
            "master", "repl-diskless-sync-delay 0", "repl-ping-replica-period 1"
        )
        self.replica = self._server("replica", f"replicaof 127.0.0.1 {self.master}")
        self.sentinel = self._server(
            "sentinel",
            f"sentinel monitor hub 127.0.0.1 {self.master} 1",
            "sentinel down-after-milliseconds hub 500",
            "sentinel failover-timeout hub 2000",
        )
        with plain.Redis(port=self.sentinel) as client:
            client.execute_command("SENTINEL", "DEBUG", *_LOOKS)

    @property
    def url(self):
        return f"redis+sentinel://127.0.0.1:1,127.0.0.1:{self.sentinel}/hub/0"

    def _server(self, name, *lines):
        port = free_port("127.0.0.1", wanted=0)
        config = self._folder / f"{name}.conf"
        shared = (f"port {port}", "bind 127.0.0.1", f"dir {self._folder}", 'save ""')
        keep = [line for line in shared if name != "sentinel" or not line.startswith("save")]
        config.write_text("\n".join([*keep, *lines]) + "\n")
        mode = ["--sentinel"] if name == "sentinel" else []
        with (self._folder / f"{name}.log").open("wb") as log:
            self._running.append(
                subprocess.Popen([self._binary, str(config), *mode], stdout=log, stderr=log)
            )
        with plain.Redis(port=port) as client:
            eventually(client.ping)
        return port

    def know_the_replica(self):
        with plain.Redis(port=self.sentinel) as client:
            eventually(lambda: int(client.sentinel_master("hub")["num-slaves"]) == 1)
        with plain.Redis(port=self.replica) as client:
            eventually(lambda: client.info("replication")["master_link_status"] == "up")

    def lose_the_master(self):
        self._running[0].kill()
        self._running[0].wait()

    def stop(self):
        for process in self._running:
            process.kill()
            process.wait()


def eventually(ask):
    """Return once ``ask`` answers truly, which a server takes its time for."""
    end = time.monotonic() + _PATIENCE
    while True:
        try:
            if ask():
                return
        except (plain.RedisError, KeyError):
            pass
        assert time.monotonic() < end, "it never did"
        time.sleep(0.05)


@pytest.fixture
def servers(tmp_path):
    binary = find_binary()
    if binary is None:
        missing("There is no valkey-server here.")
    running = Servers(binary, tmp_path)
    yield running
    running.stop()


def test_the_master_is_found_and_after_a_failover_the_new_one(servers):
    servers.know_the_replica()
    with make_redis(servers.url) as client:
        client.set("kept", "yes")
        with plain.Redis(port=servers.master) as direct:
            assert direct.get("kept") == b"yes"
            assert direct.wait(1, 5000) == 1
        servers.lose_the_master()
        eventually(lambda: client.set("again", "yes"))
        # Logins are throttled through a library of its own.
        Throttle.on(servers.url).attempt(account="ada", address="::1")
        with plain.Redis(port=servers.replica) as direct:
            assert direct.mget("kept", "again") == [b"yes", b"yes"]
            assert direct.keys("LIMITS*ada*")


def test_a_sentinel_that_is_away_is_passed_over_at_once():
    with make_redis("redis+sentinel://one,two/hub") as client:
        for one in client.connection_pool.sentinel_manager.sentinels:
            assert one.get_retry().get_retries() == 0


def test_tls_and_credentials_are_handed_on():
    url = "rediss+sentinel://ada:p%40ss@one:26380,two/hub/3"
    with make_redis(url) as client:
        pool = client.connection_pool
        asked = [one.connection_pool.connection_kwargs for one in pool.sentinel_manager.sentinels]
        assert [(one["host"], one["port"]) for one in asked] == [("one", 26380), ("two", 26379)]
        given = pool.connection_kwargs
        assert (given["username"], given["password"], given["db"]) == ("ada", "p@ss", 3)
        assert "SSL" in pool.connection_class.__name__
    with make_redis("rediss://one:6380/1") as client:
        assert "SSL" in client.connection_pool.connection_class.__name__


@pytest.mark.parametrize("path", ["", "/", "/hub/x", "/hub/0/1"])
def test_sentinels_without_a_service_are_refused_by_name(make_settings, path):
    with pytest.raises(BadSettings, match="HUBBUB_REDIS_URL"):
        make_settings(redis_url=f"redis+sentinel://one,two{path}")
    assert make_settings(redis_url="redis+sentinel://one,two/hub").redis
