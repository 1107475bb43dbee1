"""The list of messages while others write."""

import threading
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from hubbub.sandbox.twilio.cloud import Cloud
from hubbub.sandbox.twilio.messages import Form, listed
from hubbub.sandbox.twilio.state import Account


def test_a_list_does_not_see_what_comes_while_it_is_made():
    world: Any = SimpleNamespace(lock=threading.RLock())
    account = Account("AC" + "0" * 31 + "9")
    threads: list[threading.Thread] = []

    def add(sid):
        sms: Any = SimpleNamespace(
            recipient="+1",
            sender="+2",
            sent=None,
            created=datetime(2026, 1, 2, tzinfo=UTC),
            as_json=lambda: {"sid": sid},
        )
        with world.lock:
            account.messages[sid] = sms

    class Disturbed(Form):
        def get(self, name, default=""):
            if name == "From" and not threads:
                threads.append(threading.Thread(target=add, args=("SM3",)))
                threads[0].start()
                threads[0].join(0.2)  # it comes to its end only where nothing holds it up
            return super().get(name, default)

    add("SM1")
    add("SM2")
    page = listed(Cloud(world), account, Disturbed([]))
    threads[0].join()
    assert page["messages"] == [{"sid": "SM2"}, {"sid": "SM1"}]
    assert [*account.messages] == ["SM1", "SM2", "SM3"]
