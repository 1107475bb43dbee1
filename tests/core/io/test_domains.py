"""What the domain name system says of a name, from a server of our own."""

import socket
import threading

import dns.message
import dns.rcode
import dns.rrset
import pytest
from dns.resolver import Resolver

from hubbub.domains import DomainsTransport
from hubbub.sdk import Transient
from hubbub.sdk.dns import looked_up, looking_up

RECORDS = {
    ("a.test.", "TXT"): ['"v=spf1 -all"', '"one " "text"'],
    ("a.test.", "MX"): ["10 mail.a.test."],
}


@pytest.fixture
def transport():
    """A transport that asks a server which knows `RECORDS`, and fails at ``broken.test``."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
        server.bind(("127.0.0.1", 0))
        thread = threading.Thread(target=_serve, args=(server,))
        thread.start()
        resolver = Resolver(configure=False)
        resolver.nameservers, resolver.port = ["127.0.0.1"], server.getsockname()[1]
        yield DomainsTransport(resolver)
        server.sendto(b"", server.getsockname())
        thread.join()


def _serve(server):
    while True:
        data, peer = server.recvfrom(512)
        if not data:
            return
        query = dns.message.from_wire(data)
        question = query.question[0]
        reply = dns.message.make_response(query)
        kind = question.rdtype.name
        known = RECORDS.get((str(question.name), kind))
        if str(question.name) == "broken.test.":
            reply.set_rcode(dns.rcode.SERVFAIL)
        elif known:
            reply.answer.append(dns.rrset.from_text(question.name, 60, "IN", kind, *known))
        elif str(question.name) != "a.test.":
            reply.set_rcode(dns.rcode.NXDOMAIN)
        server.sendto(reply.to_wire(), peer)


@pytest.mark.parametrize(
    ("name", "kind", "records"),
    [
        ("a.test", "TXT", ("v=spf1 -all", "one text")),
        ("a.test", "MX", ("10 mail.a.test.",)),
        ("a.test", "CNAME", ()),
        ("nobody.test", "TXT", ()),
    ],
)
def test_a_name_has_the_records_that_its_server_tells(transport, name, kind, records):
    # In no order.
    assert {*looked_up(transport.perform(looking_up(name, kind)))} == {*records}


@pytest.mark.parametrize("name", ["broken.test", "no..name", "x" * 300])
def test_where_nobody_tells_it_can_be_asked_again(transport, name):
    with pytest.raises(Transient) as raised:
        transport.perform(looking_up(name))
    assert raised.value.code == "dns_unavailable"
