"""Every failure says whether the provider may have acted, and none waits beyond its deadline."""

import contextlib
import ipaddress
import socket
import ssl
import threading
import time

import pytest

from hubbub.guard import Guard
from hubbub.sdk.errors import OutcomeUnknown, Permanent, Transient
from hubbub.transport import AnswerTooLarge, NotSent

LOOPBACK = [ipaddress.ip_network("127.0.0.0/8")]
#: Seconds that a request may take which must end by its deadline of a fraction of one: less than
#: the ten for which servers here say nothing, or little, and more than slow machines need.
SOON = 8.0


@contextlib.contextmanager
def soon():
    began = time.monotonic()
    yield
    assert time.monotonic() - began < SOON


@pytest.fixture
def closed_port():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return listener.getsockname()[1]


# --- nothing was sent ------------------------------------------------------------------------


def test_a_refused_connection_is_tried_three_times_and_was_not_sent(
    perform, make_transport, closed_port
):
    pauses: list[float] = []
    transport = make_transport(sleep=pauses.append)

    with pytest.raises(NotSent) as caught:
        perform(f"http://127.0.0.1:{closed_port}/bot-canary", transport=transport)

    assert caught.value.code == "unreachable"
    assert caught.value.retryable
    assert caught.value.detail == "127.0.0.1 cannot be reached: connection refused."
    assert len(pauses) == 2
    assert all(0.05 <= pause <= 0.2 for pause in pauses)


def test_a_server_that_comes_up_between_two_tries_gets_the_request_once(
    serve, polite, perform, make_transport
):
    server = serve(polite)
    answers = iter([socket.gaierror(socket.EAI_AGAIN, "again"), "127.0.0.1"])

    def lookup(host, port, **_):
        answer = next(answers)
        if isinstance(answer, Exception):
            raise answer
        return [(socket.AF_INET, 1, 6, "", (answer, port))]

    transport = make_transport(Guard(LOOPBACK, lookup=lookup), sleep=lambda _: None)

    assert perform(server.url(host="late.example"), transport=transport).status == 200
    assert len(server.requests) == 1


def test_a_name_that_does_not_resolve_was_not_sent(perform, make_transport):
    def lookup(host, port, **_):
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    transport = make_transport(Guard(lookup=lookup), sleep=lambda _: None)

    with pytest.raises(NotSent, match="its name cannot be resolved"):
        perform("https://nowhere.example/", transport=transport)


def test_a_name_without_addresses_was_not_sent(perform, make_transport):
    transport = make_transport(Guard(lookup=lambda *_, **__: []), sleep=lambda _: None)

    with pytest.raises(NotSent, match="its name has no address"):
        perform("https://empty.example/", transport=transport)


def test_a_silent_name_server_does_not_outlast_the_deadline(perform, make_transport):
    answered = threading.Event()

    def lookup(host, port, **_):
        answered.wait(10)
        return []

    transport = make_transport(Guard(lookup=lookup), sleep=lambda _: None)

    with soon(), pytest.raises(NotSent, match="no answer in time"):
        perform("https://silent.example/", transport=transport, timeout=0.1)
    answered.set()


def test_a_connection_that_is_never_accepted_was_not_sent(perform):
    with socket.socket() as listener, contextlib.ExitStack() as waiting:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):  # more than the system queues: the next one gets no answer
            client = waiting.enter_context(socket.socket())
            client.settimeout(0)
            client.connect_ex(listener.getsockname())

        with soon(), pytest.raises(NotSent, match="no answer in time"):
            perform(f"http://127.0.0.1:{listener.getsockname()[1]}/", timeout=0.2)


def test_a_kept_connection_that_takes_not_one_byte_is_replaced_by_a_new_one(
    serve, polite, perform, make_transport
):
    server = serve(polite)
    transport = make_transport()
    perform(server.url(), transport=transport)
    [[link]] = transport._pool._idle.values()
    # The peer looks alive, but the first write fails: nothing of the request can be there.
    link.quiet = lambda: True
    link.socket.shutdown(socket.SHUT_RDWR)

    assert perform(server.url(), transport=transport).status == 200
    assert (len(server.requests), server.connections) == (2, 2)


def test_a_connection_that_the_server_closed_meanwhile_is_not_used(serve, perform):
    def handle(peer):
        peer.request()
        peer.answer()

    server = serve(handle)

    for _ in range(3):
        assert perform(server.url()).status == 200
        assert server.left.acquire(timeout=5)

    assert server.connections == 3


# --- it may have been sent -------------------------------------------------------------------


def _drop(peer):
    peer.request()


def _drop_at_once(peer):
    peer._more()


def _reset(peer):
    peer.request()
    linger = (1).to_bytes(4, "little") + (0).to_bytes(4, "little")
    peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)


def _break_off(peer):
    peer.request()
    peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")


def _break_off_in_the_head(peer):
    peer.request()
    peer.send(b"HTTP/1.1 200 OK\r\nContent-Le")


def _break_off_in_a_chunk(peer):
    peer.request()
    peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab")


def _talk_nonsense(peer):
    peer.request()
    peer.send(b"220 smtp.canary.example ready\r\n")


def _give_a_negative_chunk(peer):
    peer.request()
    peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nabcde\r\n0\r\n\r\n")


def _give_a_chunk_to_the_end(peer):
    peer.request()
    peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n" + b"y" * 10_000)


def _give_endless_headers(peer):
    peer.request()
    peer.send(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200)


def _give_more_headers_than_anybody(peer):
    peer.request()
    peer.send(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 300 + b"Content-Length: 0\r\n\r\n")


def _give_one_endless_header(peer):
    peer.request()
    peer.send(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000)


BROKEN = [
    _drop,
    _drop_at_once,
    _reset,
    _break_off,
    _break_off_in_the_head,
    _break_off_in_a_chunk,
    _talk_nonsense,
    _give_a_negative_chunk,
    _give_a_chunk_to_the_end,
    _give_endless_headers,
    _give_more_headers_than_anybody,
    _give_one_endless_header,
]


@pytest.mark.parametrize("handle", BROKEN)
def test_a_lost_answer_is_an_unknown_outcome_and_nothing_is_repeated(serve, perform, handle):
    server = serve(handle)

    with pytest.raises(OutcomeUnknown) as caught:
        perform(server.url("/bot-canary"), body=b"x")

    assert caught.value.detail.startswith("127.0.0.1 may have done as asked")
    assert "canary" not in caught.value.detail
    assert server.connections == 1


@pytest.mark.parametrize("handle", BROKEN)
def test_a_lost_answer_to_a_safe_request_is_worth_another_try(serve, perform, handle):
    server = serve(handle)

    with pytest.raises(Transient) as caught:
        perform(server.url(), method="GET", safe=True)

    assert not isinstance(caught.value, NotSent)
    assert caught.value.code == "no_answer"
    assert server.connections == 1


def test_a_kept_connection_that_dies_under_a_request_leaves_its_outcome_unknown(serve, perform):
    def handle(peer):
        peer.request()
        peer.answer()
        peer.request()  # takes the second one, and says nothing

    server = serve(handle)
    perform(server.url())

    with pytest.raises(OutcomeUnknown):
        perform(server.url())

    assert (len(server.requests), server.connections) == (2, 1)


def test_a_large_upload_that_breaks_off_half_way_is_an_unknown_outcome(serve, perform):
    def handle(peer):
        peer.socket.recv(10)

    with pytest.raises(OutcomeUnknown):
        perform(serve(handle).url(), body=bytes(20_000_000))


@pytest.mark.parametrize("stays", [False, True])
def test_an_answer_given_before_the_upload_was_read_is_still_read(serve, perform, stays):
    def handle(peer):
        peer.socket.recv(10)
        peer.answer(b"too much", "413 Content Too Large")
        if stays:
            peer.stopped.wait(10)

    server = serve(handle)

    answer = perform(server.url(), body=bytes(20_000_000))

    assert (answer.status, answer.body) == (413, b"too much")


# --- too slow --------------------------------------------------------------------------------


def _trickle(before, piece):
    def handle(peer):
        peer.request()
        peer.send(before)
        for _ in range(1000):  # ten seconds
            if not peer.stopped.wait(0.01):
                peer.send(piece)

    return handle


def _say_nothing(peer):
    peer.request()
    peer.stopped.wait(10)


SLOW = {
    "silence": _say_nothing,
    "head": _trickle(b"HTTP/1.1 200 OK\r\nX: ", b"y"),
    "interim answers": _trickle(b"", b"HTTP/1.1 102 Processing\r\n\r\n"),
    "body": _trickle(b"HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n", b"y"),
    "chunks": _trickle(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\ny\r\n"),
    "no length": _trickle(b"HTTP/1.1 200 OK\r\n\r\n", b"y"),
}


@pytest.mark.parametrize("handle", SLOW.values(), ids=SLOW)
@pytest.mark.parametrize(("safe", "error"), [(False, OutcomeUnknown), (True, Transient)])
def test_an_answer_that_trickles_is_given_up_at_the_deadline(serve, perform, handle, safe, error):
    server = serve(handle)

    with soon(), pytest.raises(error, match="no answer in time"):
        perform(server.url(), timeout=0.5, safe=safe)


def test_a_server_that_does_not_read_is_given_up_at_the_deadline(serve, perform):
    def handle(peer):
        peer.stopped.wait(10)

    with soon(), pytest.raises(OutcomeUnknown, match="no answer in time"):
        perform(serve(handle).url(), body=bytes(50_000_000), timeout=0.3)


# --- too much --------------------------------------------------------------------------------


def _endless(before, piece):
    def handle(peer):
        peer.request()
        peer.send(before)
        while True:
            peer.send(piece)

    return handle


LARGE = {
    "stated": _endless(b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n", b"y"),
    "chunks": _endless(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"64\r\n" + b"y" * 100 + b"\r\n"
    ),
    "one chunk": _endless(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n", b"y" * 1000
    ),
    "no length": _endless(b"HTTP/1.1 200 OK\r\n\r\n", b"y" * 1000),
    "interim answers": _endless(
        b"", b"HTTP/1.1 102 Processing\r\nX: " + b"y" * 60_000 + b"\r\n\r\n"
    ),
}


@pytest.mark.parametrize("handle", LARGE.values(), ids=LARGE)
def test_an_answer_beyond_its_limit_is_not_read_on(serve, perform, handle):
    server = serve(handle)

    with pytest.raises(AnswerTooLarge) as caught:
        perform(server.url(), method="GET", safe=True, max_answer=1000)

    assert isinstance(caught.value, Permanent)
    assert "1000 bytes" in caught.value.detail


def test_a_head_without_end_is_given_up(serve, perform):
    handle = _endless(b"HTTP/1.1 200 OK\r\nX: ", b"y" * 10_000)
    with soon(), pytest.raises(Transient, match="no valid HTTP"):
        perform(serve(handle).url(), method="GET", safe=True)


def test_too_large_an_answer_to_what_changes_something_leaves_the_outcome_unknown(serve, perform):
    with pytest.raises(OutcomeUnknown, match="the answer is too large"):
        perform(serve(LARGE["stated"]).url(), max_answer=1000)


@pytest.mark.parametrize("length", [999, 1000])
def test_an_answer_of_just_its_limit_is_read(serve, perform, length):
    def handle(peer):
        peer.request()
        peer.answer(b"y" * length)

    assert len(perform(serve(handle).url(), max_answer=1000).body) == length


# --- encryption ------------------------------------------------------------------------------


@pytest.fixture
def secure(make_transport, certificate):
    """A transport that trusts the test's certificate, and resolves every name to loopback."""

    def lookup(host, port, **_):
        return [(socket.AF_INET, 1, 6, "", ("127.0.0.1", port))]

    pauses: list[float] = []
    transport = make_transport(
        Guard(LOOPBACK, lookup=lookup), tls=certificate[1], sleep=pauses.append
    )
    transport.pauses = pauses
    return transport


def test_encrypted_requests_name_the_host_and_keep_their_connection(
    serve, polite, perform, secure, certificate
):
    context = certificate[0]
    names = []
    context.sni_callback = lambda _socket, name, _context: names.append(name)
    server = serve(polite, tls=context)

    for _ in range(3):
        perform(server.url(host="hub.test"), transport=secure, body=bytes(100_000))

    assert names == ["hub.test"]
    assert (len(server.requests), server.connections) == (3, 1)
    assert {len(body) for _, body in server.requests} == {100_000}


def test_a_certificate_for_another_name_was_not_sent_and_is_not_tried_again(
    serve, polite, perform, secure, certificate
):
    server = serve(polite, tls=certificate[0])

    with pytest.raises(NotSent, match="certificate is not valid"):
        perform(server.url(host="other.test"), transport=secure)

    assert (server.requests, server.connections, secure.pauses) == ([], 1, [])


def test_a_certificate_that_nobody_vouches_for_was_not_sent(
    serve, polite, perform, make_transport, certificate
):
    def lookup(host, port, **_):
        return [(socket.AF_INET, 1, 6, "", ("127.0.0.1", port))]

    server = serve(polite, tls=certificate[0])

    with pytest.raises(NotSent, match="certificate is not valid"):
        perform(
            server.url(host="hub.test"), transport=make_transport(Guard(LOOPBACK, lookup=lookup))
        )

    assert server.requests == []


def test_a_certificate_that_a_request_trusts_is_believed_for_that_request_alone(
    serve, polite, perform, make_transport, certificate
):
    def lookup(host, port, **_):
        return [(socket.AF_INET, 1, 6, "", ("127.0.0.1", port))]

    (der,) = certificate[1].get_ca_certs(binary_form=True)
    server = serve(polite, tls=certificate[0])
    transport = make_transport(Guard(LOOPBACK, lookup=lookup))
    pem = ssl.DER_cert_to_PEM_cert(der)

    for _ in range(2):
        perform(server.url(host="hub.test"), transport=transport, trust=pem)
    with pytest.raises(NotSent, match="certificate is not valid"):
        perform(server.url(host="hub.test"), transport=transport)
    with pytest.raises(NotSent, match="certificate is not valid"):
        perform(server.url(host="other.test"), transport=transport, trust=pem)

    assert len(server.requests) == 2


def test_a_server_that_speaks_no_tls_was_not_sent(serve, perform, secure):
    def handle(peer):
        peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        peer.stopped.wait(10)

    server = serve(handle)

    with pytest.raises(NotSent, match="the encryption failed"):
        perform(f"https://hub.test:{server.port}/", transport=secure)


def test_a_handshake_that_never_ends_is_given_up_at_the_deadline(serve, perform, secure):
    def handle(peer):
        peer.stopped.wait(10)

    server = serve(handle)

    with soon(), pytest.raises(NotSent, match="no answer in time"):
        perform(f"https://hub.test:{server.port}/", transport=secure, timeout=0.2)


def test_an_encrypted_answer_that_trickles_is_given_up_at_the_deadline(
    serve, perform, secure, certificate
):
    server = serve(SLOW["body"], tls=certificate[0])

    with soon(), pytest.raises(OutcomeUnknown, match="no answer in time"):
        perform(server.url(host="hub.test"), transport=secure, timeout=0.4)


# --- interrupted -----------------------------------------------------------------------------


def test_an_interrupt_closes_the_connection_half_way(serve, perform, make_transport, monkeypatch):
    server = serve(_say_nothing)
    transport = make_transport()
    monkeypatch.setattr("hubbub.link.Link.wait", _interrupt)

    with pytest.raises(KeyboardInterrupt):
        perform(server.url(), transport=transport)

    assert transport._pool._idle == {}


def _interrupt(*_):
    raise KeyboardInterrupt
