"""The transport talks HTTP over kept connections, to the addresses that the guard checked."""

import io
import ipaddress
import socket
import threading

import pytest
from werkzeug.formparser import parse_form_data

from hubbub import transport as module
from hubbub.guard import Guard, Refused
from hubbub.sdk.content import Media
from hubbub.sdk.values import File, Multipart


def test_a_request_goes_out_exactly_as_described(serve, polite, perform):
    server = serve(polite)

    answer = perform(
        server.url("/bot1:A/send?x=%20y"),
        headers={"Content-Type": "application/json", "X-Note": "caf\u00e9"},
        body=b'{"a":1}',
    )

    assert (answer.status, answer.json()) == (200, {"ok": True})
    [(head, body)] = server.requests
    assert head.decode("latin-1").split("\r\n") == [
        "POST /bot1:A/send?x=%20y HTTP/1.1",
        f"host: 127.0.0.1:{server.port}",
        "accept-encoding: identity",
        "user-agent: hubbub",
        "content-type: application/json",
        "x-note: caf\u00e9",
        "content-length: 7",
    ]
    assert body == b'{"a":1}'


def test_headers_of_the_answer_ignore_case_and_repeated_ones_are_joined(serve, perform):
    def handle(peer):
        peer.request()
        peer.answer(b"", "429 Too Many", "Retry-After: 7", "X-A: 1", "x-a: 2")

    answer = perform(serve(handle).url())

    assert answer.status == 429
    assert (answer.headers["RETRY-AFTER"], answer.headers["x-A"]) == ("7", "1, 2")


def test_a_connection_serves_request_after_request(serve, polite, perform):
    server = serve(polite)

    for _ in range(3):
        perform(server.url())

    assert (len(server.requests), server.connections) == (3, 1)


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nKeep-Alive: timeout=1\r\n\r\n{}",
    ],
    ids=["closing", "http 1.0", "more than the answer", "no patience"],
)
def test_a_connection_that_is_not_fit_for_more_is_not_used_again(serve, perform, answer):
    def handle(peer):
        while True:
            peer.request()
            peer.send(answer)

    server = serve(handle)

    bodies = [perform(server.url()).body for _ in range(2)]

    assert bodies == [b"{}", b"{}"]
    assert server.connections == 2


@pytest.mark.parametrize(
    "case",
    [
        ("X: y", 29, 1),
        ("X: y", 31, 2),
        ("Keep-Alive: timeout=5, max=100", 3, 1),
        ("Keep-Alive: timeout=5, max=100", 4, 2),
        ("Keep-Alive: timeout=300", 31, 2),
    ],
)
def test_an_idle_connection_is_given_up_before_its_server_does(
    serve, perform, make_transport, case
):
    header, idle, connections = case

    def handle(peer):
        while True:
            peer.request()
            peer.answer(b"{}", "200 OK", header)

    server = serve(handle)
    now = [1000.0]
    transport = make_transport(clock=lambda: now[0])

    perform(server.url(), transport=transport)
    now[0] += idle
    perform(server.url(), transport=transport)

    assert server.connections == connections


def test_connections_that_nobody_asks_for_again_are_closed_by_and_by(
    serve, polite, perform, make_transport
):
    forgotten, busy = serve(polite), serve(polite)
    now = [1000.0]
    transport = make_transport(clock=lambda: now[0])
    perform(forgotten.url(), transport=transport)

    now[0] += 31
    perform(busy.url(), transport=transport)

    assert forgotten.left.acquire(timeout=5)
    assert [origin.port for origin in transport._pool._idle] == [busy.port]


def test_no_more_idle_connections_than_the_cap_are_kept(serve, perform, monkeypatch):
    monkeypatch.setattr(module, "_IDLE_LINKS", 2)
    together = threading.Barrier(3)

    def handle(peer):
        while True:
            peer.request()
            together.wait(5)
            peer.answer()

    server = serve(handle)
    threads = [threading.Thread(target=perform, args=(server.url(),)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(5)

    assert server.connections == 3
    assert server.left.acquire(timeout=5)
    assert not server.left.acquire(blocking=False)


def test_closing_ends_idle_connections_and_keeps_none_from_then_on(
    serve, polite, perform, make_transport
):
    server = serve(polite)
    transport = make_transport()
    perform(server.url(), transport=transport)

    transport.close()
    assert server.left.acquire(timeout=5)

    perform(server.url(), transport=transport)
    assert server.left.acquire(timeout=5)


def test_threads_get_each_their_own_answer(serve, perform):
    def echo(peer):
        while True:
            _, body = peer.request()
            peer.answer(body)

    server = serve(echo)
    wrong = []

    def work(number):
        for step in range(20):
            body = f"{number}-{step}".encode() * 50
            if perform(server.url(), body=body).body != body:
                wrong.append((number, step))

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    assert wrong == []
    assert len(server.requests) == 160
    assert server.connections <= 8


@pytest.mark.parametrize(
    "framing",
    [
        ("GET", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2;x=y\r\nde\r\n0\r\nT: u\r\n\r\n", 200, b"abcde"),
        ("HEAD", b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", 200, b""),
        ("DELETE", b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
        ("GET", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", 304, b""),
        ("POST", b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 200, b"ok"),
        ("POST", b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", 200, b"ok"),
        ("GET", b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", 200, b""),
    ],
    ids=["chunked", "head", "no content", "not modified", "continue", "early hints", "no reason"],
)  # fmt: skip
def test_every_framing_is_read_to_its_end_and_the_connection_goes_on(serve, perform, framing):
    method, answer, status, body = framing

    def handle(peer):
        while True:
            peer.request()
            peer.send(answer)

    server = serve(handle)

    for _ in range(2):
        found = perform(server.url(), method=method)
        assert (found.status, found.body) == (status, body)
    assert server.connections == 1


def test_a_body_where_none_may_be_ends_the_connection(serve, perform):
    def handle(peer):
        peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")
        peer.stopped.wait(10)

    server = serve(handle)
    for _ in range(2):
        assert perform(server.url(), method="HEAD").status == 200
    assert server.connections == 2


def test_an_answer_without_a_length_ends_with_its_connection(serve, perform):
    def handle(peer):
        peer.request()
        peer.send(b"HTTP/1.1 200 OK\r\n\r\nall of it")

    assert perform(serve(handle).url()).body == b"all of it"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_answer_and_is_not_followed(serve, perform, status):
    def handle(peer):
        while True:
            peer.request()
            peer.answer(b"", f"{status} Moved", f"Location: {peer.server.url('/elsewhere')}")

    server = serve(handle)

    answer = perform(server.url("/here"))

    assert (answer.status, answer.headers["location"]) == (status, server.url("/elsewhere"))
    assert len(server.requests) == 1


@pytest.mark.parametrize("name", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_a_proxy_in_the_environment_is_ignored(serve, polite, perform, monkeypatch, name):
    proxy, server = serve(polite), serve(polite)
    monkeypatch.setenv(name, proxy.url())

    perform(server.url())

    assert (proxy.connections, server.connections) == (0, 1)


def test_an_ipv6_address_is_reached_and_named_in_brackets(serve, polite, perform):
    server = serve(polite, host="::1")

    perform(server.url(host="[::1]"))

    assert f"\r\nhost: [::1]:{server.port}\r\n".encode() in server.requests[0][0]


def test_a_form_arrives_with_its_fields_and_files(serve, polite, perform):
    server = serve(polite)
    picture = bytes(range(256)) * 400
    form = Multipart(
        fields=(
            ("chat_id", "5"),
            ("caption", "Gr\u00fc\u00dfe\r\n--"),
            ("photo", File(Media(id="m1", mime_type="image/png"), 'a"b\r\n\u00fc.png')),
        )
    )

    perform(server.url(), body=form, files=lambda media: {"m1": picture}[media.id])

    [(head, body)] = server.requests
    _, fields, files = parse_form_data(_environ(head, body))
    file = files["photo"]
    content = file.read()
    file.close()
    assert fields.to_dict() == {"chat_id": "5", "caption": "Gr\u00fc\u00dfe\r\n--"}
    assert content == picture
    assert file.mimetype == "image/png"
    assert file.filename == 'a"b%0D%0A\u00fc.png'  # werkzeug takes %22 for a quote


def test_a_file_arrives_as_its_bytes_are(serve, polite, perform):
    server = serve(polite)
    picture = bytes(range(256)) * 400
    file = File(Media(id="m1"), "cup.png")
    headers = {"content-type": "image/png"}

    perform(server.url(), body=file, headers=headers, files=lambda media: {"m1": picture}[media.id])

    [(head, body)] = server.requests
    assert body == picture
    assert b"\r\ncontent-type: image/png\r\n" in head


def _environ(head, body):
    fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    return {
        "REQUEST_METHOD": "POST",
        "CONTENT_TYPE": fields["content-type"],
        "CONTENT_LENGTH": fields["content-length"],
        "wsgi.input": io.BytesIO(body),
    }


# --- the guard at work -----------------------------------------------------------------------


def test_a_private_address_is_never_connected_to(serve, polite, perform, make_transport):
    server = serve(polite)

    with pytest.raises(Refused):
        perform(server.url(), transport=make_transport(Guard()))

    assert server.connections == 0


def test_the_connection_goes_to_the_checked_address_whatever_the_name_says_later(
    serve, polite, perform, make_transport, monkeypatch
):
    server = serve(polite)
    answers = iter(["127.0.0.1", "10.0.0.1", "10.0.0.1"])
    asked = []

    def lookup(host, port, **_):
        asked.append(host)
        return [(socket.AF_INET, 1, 6, "", (next(answers), port))]

    monkeypatch.setattr(socket, "getaddrinfo", _never)
    guard = Guard([ipaddress.ip_network("127.0.0.0/8")], lookup=lookup)

    answer = perform(server.url(host="rebind.example"), transport=make_transport(guard))

    assert answer.status == 200
    assert asked == ["rebind.example"]
    assert f"\r\nhost: rebind.example:{server.port}\r\n".encode() in server.requests[0][0]


def test_a_name_that_turns_private_is_refused_when_it_is_connected_to_again(
    serve, perform, make_transport
):
    def handle(peer):
        peer.request()
        peer.answer(b"{}", "200 OK", "Connection: close")

    server = serve(handle)
    answers = iter(["127.0.0.1", "10.0.0.1"])

    def lookup(host, port, **_):
        return [(socket.AF_INET, 1, 6, "", (next(answers), port))]

    transport = make_transport(Guard([ipaddress.ip_network("127.0.0.0/8")], lookup=lookup))
    perform(server.url(host="rebind.example"), transport=transport)

    with pytest.raises(Refused):
        perform(server.url(host="rebind.example"), transport=transport)


def test_the_next_address_is_tried_when_the_first_refuses(serve, polite, perform, make_transport):
    server = serve(polite)

    def lookup(host, port, **_):
        return [
            (socket.AF_INET6, 1, 6, "", ("::1", port, 0, 0)),
            (socket.AF_INET, 1, 6, "", ("127.0.0.1", port)),
        ]

    networks = [ipaddress.ip_network(text) for text in ("127.0.0.0/8", "::1/128")]
    guard = Guard(networks, lookup=lookup)

    answer = perform(server.url(host="both.example"), transport=make_transport(guard))

    assert answer.status == 200


def _never(*_args, **_options):
    raise AssertionError("resolved a second time")
