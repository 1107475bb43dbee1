"""A listener in a process of its own, that can be killed and begun again."""

import multiprocessing
import threading
from importlib.metadata import EntryPoint

import fakeredis

POSTBOX = EntryPoint("postbox", "tests.services.postbox", "hubbub.plugins")
_SPAWN = multiprocessing.get_context("forkserver")
_SPAWN.set_forkserver_preload(["tests.services.mortal", "tests.services.world", "hubbub.listener"])


def watching(settings, folder, mailbox, pace):
    """Return a process that watches ``mailbox`` for the channels of a database; not begun yet."""
    return _SPAWN.Process(target=_watch, args=(settings, folder, mailbox, pace), daemon=True)


def _watch(settings, folder, mailbox, pace):
    from hubbub.listener import Listener
    from hubbub.store.session import make_engine
    from tests.services.postbox import Mailboxes
    from tests.services.world import make_world

    folder.mkdir(exist_ok=True)
    engine = make_engine(settings["database_url"])
    world = make_world(
        _settings(settings),
        engine,
        fakeredis.FakeRedis(),
        folder,
        guests=[POSTBOX],
        sections="[plugins.postbox]\n",
    )
    # The clock of a world stands still, so that no lease would ever end.
    world.hub.process_id = "reborn"
    Mailboxes.now = mailbox
    Listener(world.hub, pace).look()
    threading.Event().wait()


def _settings(given):
    from hubbub.settings import Settings

    return Settings.read(**given)
