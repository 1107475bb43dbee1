"""The guard lets calls reach the public internet, and nothing else unless told."""

import ipaddress
import socket
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from hubbub.guard import Guard, Refused, head

CLOSED = (Path(__file__).parent / "addresses/closed.txt").read_text().split()

PUBLIC = (Path(__file__).parent / "addresses/public.txt").read_text().split()


def answering(*addresses):
    """Return a resolver that gives these addresses, and the list of names it was asked for."""
    asked = []

    def lookup(host, port, **_):
        asked.append(host)
        for address in addresses:
            v6 = ":" in address
            tail = (port, 0, 0) if v6 else (port,)
            yield socket.AF_INET6 if v6 else socket.AF_INET, 1, 6, "", (address, *tail)

    return lookup, asked


@pytest.mark.parametrize("address", CLOSED)
def test_what_is_not_the_public_internet_is_refused(address):
    assert not Guard().permits(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_the_public_internet_is_allowed(address):
    assert Guard().permits(address)


@pytest.mark.parametrize(
    ("network", "allowed", "refused"),
    [
        ("127.0.0.0/8", "127.0.0.1", "::1"),
        ("::1/128", "::1", "127.0.0.1"),
        ("10.1.0.0/16", "10.1.2.3", "10.2.2.3"),
        ("10.1.0.0/16", "::ffff:10.1.2.3", "::ffff:10.2.2.3"),
        ("10.1.0.0/16", "64:ff9b::10.1.2.3", "64:ff9b::10.2.2.3"),
        ("fd00:1::/32", "fd00:1::5", "fd00:2::5"),
        ("169.254.169.254/32", "169.254.169.254", "169.254.169.253"),
    ],
)
def test_a_private_network_can_be_allowed_without_its_neighbours(network, allowed, refused):
    guard = Guard([ipaddress.ip_network(network)])

    assert guard.permits(allowed)
    assert not guard.permits(refused)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "0", "localhost", "::1"],
)
def test_every_spelling_of_this_machine_is_refused(host):
    with pytest.raises(Refused):
        Guard().resolve(host, 80)


def test_a_name_is_resolved_once_and_all_its_addresses_are_returned():
    lookup, asked = answering("8.8.8.8", "8.8.8.8", "2606:4700::1111")

    found = Guard(lookup=lookup).resolve("example.com", 443)

    assert found == [("8.8.8.8", 443), ("2606:4700::1111", 443, 0, 0)]
    assert asked == ["example.com"]


@pytest.mark.parametrize("position", [0, 1, 2])
def test_one_private_address_among_public_ones_refuses_the_name(position):
    addresses = ["8.8.8.8", "2606:4700::1111"]
    addresses.insert(position, "10.0.0.7")
    lookup, _ = answering(*addresses)

    with pytest.raises(Refused):
        Guard(lookup=lookup).resolve("example.com", 443)


def test_a_refusal_says_how_to_allow_it_and_tells_the_address_only_to_the_log():
    lookup, _ = answering("10.20.30.40")

    with capture_logs() as logs, pytest.raises(Refused) as caught:
        Guard(lookup=lookup).resolve("intranet.example", 443)

    assert "intranet.example" in caught.value.detail
    assert "HUBBUB_ALLOW_PRIVATE_NETWORKS" in caught.value.detail
    assert "10.20.30.40" not in caught.value.detail
    assert caught.value.code == "address_refused"
    assert not caught.value.retryable
    assert [entry["address"] for entry in logs] == ["10.20.30.40"]


@pytest.mark.parametrize(
    ("url", "host", "port", "name", "target"),
    [
        ("http://example.com", "example.com", 80, "example.com", "/"),
        ("https://example.com/", "example.com", 443, "example.com", "/"),
        ("HTTPS://EXAMPLE.com/A", "example.com", 443, "example.com", "/A"),
        ("http://example.com:8080/a?b=c#d", "example.com", 8080, "example.com:8080", "/a?b=c"),
        ("http://example.com?b=c", "example.com", 80, "example.com", "/?b=c"),
        ("http://[::1]:99/a", "::1", 99, "[::1]:99", "/a"),
        (
            "http://m\u00fcnchen.example/",
            "xn--mnchen-3ya.example",
            80,
            "xn--mnchen-3ya.example",
            "/",
        ),
        ("http://\uff11\uff12\uff17.0.0.1/", "127.0.0.1", 80, "127.0.0.1", "/"),
        (
            "http://example.com/gr\u00fc\u00dfe?x=%41",
            "example.com",
            80,
            "example.com",
            "/gr%C3%BC%C3%9Fe?x=%41",
        ),
        (
            "http://example.com\\@evil.example/",
            "example.com",
            80,
            "example.com",
            "/\\@evil.example/",
        ),
    ],
)
def test_a_web_address_is_split_as_it_will_be_called(url, host, port, name, target):
    origin, lines = head("GET", url, {}, 0)

    assert (origin.host, origin.port) == (host, port)
    assert lines.startswith(f"GET {target} HTTP/1.1\r\nhost: {name}\r\n".encode())


@pytest.mark.parametrize(
    "url",
    [
        "",
        "example.com",
        "/path",
        "//example.com/",
        "ftp://example.com/",
        "file:///etc/passwd",
        "gopher://example.com/",
        "unix:///run/valkey.sock",
        "javascript:alert(1)",
        "http:///path",
        "http://user@example.com/",
        "http://user:canary@example.com/",
        "http://user:canary@127.0.0.1@example.com/",
        "http://example.com:port/",
        "http://example.com:99999/",
        "http://example.com/a b",
        "http://example.com/a\r\nx: y",
        "http://example.com/\tcanary",
        "http://exa\nmple.com/",
        " http://example.com/",
        "http://exa%6dple.com/",
        "http://exam<ple.com/",
        "http://a..b/",
        "http://[::1/",
        "http://[fe80::1%25eth0]/",
        "http://" + "a" * 70 + ".example/",
    ],
)
def test_what_is_no_plain_web_address_is_refused_without_being_repeated(url):
    with pytest.raises(Refused) as caught:
        head("GET", url, {}, 0)

    assert caught.value.code == "refused"
    assert "canary" not in caught.value.detail


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x-a", "b\r\nx-c: d"),
        ("x-a", "b\nc"),
        ("x-a", "b\rc"),
        ("x-a", "b\0c"),
        ("x-a", "\u20ac"),
        ("x-a\r\nx-b", "c"),
        ("x a", "c"),
        ("x:a", "c"),
        ("", "c"),
        ("host", "elsewhere.example"),
        ("content-length", "5"),
        ("transfer-encoding", "chunked"),
        ("connection", "upgrade"),
    ],
)
def test_a_header_that_would_smuggle_something_is_refused(name, value):
    with pytest.raises(Refused) as caught:
        head("GET", "http://example.com/", {name: value}, 0)

    assert caught.value.code == "refused"


@pytest.mark.parametrize("method", ["", "get", "GET /", "GET\r\n", "G\u00cbT"])
def test_what_is_no_method_is_refused(method):
    with pytest.raises(Refused):
        head(method, "http://example.com/", {}, 0)


@pytest.mark.parametrize(
    ("method", "length", "stated"),
    [
        ("GET", 0, False),
        ("DELETE", 0, False),
        ("POST", 0, True),
        ("PUT", 0, True),
        ("GET", 3, True),
    ],
)
def test_the_length_of_a_body_is_stated_where_one_is_expected(method, length, stated):
    _, lines = head(method, "http://example.com/", {}, length)

    assert (f"content-length: {length}\r\n".encode() in lines) is stated
