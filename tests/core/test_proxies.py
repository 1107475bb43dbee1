"""Who asks is told by our own proxies alone."""

import ipaddress

import pytest

from hubbub.proxies import Proxied, asker

OURS = tuple(ipaddress.ip_network(one) for one in ("127.0.0.1/32", "10.0.3.0/24", "2001:db8::/32"))


@pytest.mark.parametrize(
    ("peer", "forwarded", "found"),
    [
        ("192.0.2.1", "", "192.0.2.1"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", "192.0.2.1", "192.0.2.1"),
        ("127.0.0.1", "192.0.2.1, 10.0.3.7", "192.0.2.1"),
        ("::ffff:127.0.0.1", "192.0.2.1", "192.0.2.1"),
        ("2001:db8::1", "2001:dead::2", "2001:dead::2"),
        ("127.0.0.1", "192.0.2.1:4711", "192.0.2.1"),
        ("127.0.0.1", "[2001:dead::2]:4711", "2001:dead::2"),
        ("10.0.3.1", "127.0.0.1", "127.0.0.1"),
    ],
    ids=lambda text: text or "none",
)
def test_the_nearest_that_is_no_proxy_of_ours_asked(peer, forwarded, found):
    assert asker(peer, forwarded, OURS) == found


@pytest.mark.parametrize(
    ("peer", "forwarded", "found"),
    [
        ("192.0.2.1", "198.51.100.9", "192.0.2.1"),
        ("127.0.0.1", "198.51.100.9, 192.0.2.1", "192.0.2.1"),
        ("127.0.0.1", "198.51.100.9, unknown", "127.0.0.1"),
        ("127.0.0.1", "198.51.100.9,", "127.0.0.1"),
        ("", "198.51.100.9", ""),
    ],
)
def test_a_stranger_is_not_believed(peer, forwarded, found):
    assert asker(peer, forwarded, OURS) == found


def test_nobody_is_believed_unless_named():
    environ = {"REMOTE_ADDR": "127.0.0.1", "HTTP_X_FORWARDED_FOR": "198.51.100.9"}
    Proxied((), lambda _environ, _start: ())(environ, None)
    assert environ["REMOTE_ADDR"] == "127.0.0.1"
