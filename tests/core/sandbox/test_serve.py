"""The sandbox as a process of its own, on the server that the demo and the benchmarks use."""

import http.client
import json
import signal
import socket
import subprocess
import sys

import pytest

TOKEN = "5550900:" + "A" * 35
PROGRAM = "from hubbub.sandbox import serve; serve('127.0.0.1', {port}, hub_url='http://h.example')"


@pytest.fixture(scope="module")
def server():
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = [sys.executable, "-c", PROGRAM.format(port=port)]
    with subprocess.Popen(program, env={"PYTHONPATH": ":".join(sys.path)}) as process:
        try:
            wait_until_ready(process, port)
            yield process, port
        finally:
            process.kill()


def wait_until_ready(process, port):
    # Each try takes as long as it takes to be refused; the process ends if it cannot serve.
    while process.poll() is None:
        try:
            assert ask(port, "GET", "/_sandbox/health")["ok"] is True
        except ConnectionRefusedError:
            continue
        return
    raise AssertionError("The sandbox did not start.")


def ask(port, method, path, body=None):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        data = None if body is None else json.dumps(body)
        connection.request(method, path, data, {"Content-Type": "application/json"})
        return json.loads(connection.getresponse().read() or "null")
    finally:
        connection.close()


def test_a_connection_is_dropped_after_the_message_was_taken(server):
    _, port = server
    person = {"from": {"id": 5550001}, "text": "Hi"}
    ask(port, "POST", f"/_sandbox/telegram/{TOKEN}/messages", person)
    fault = {"kind": "drop_after_accept", "operation": "sendMessage", "times": 1}
    ask(port, "POST", "/_sandbox/faults", fault)
    message = {"chat_id": 5550001, "text": "Accepted"}
    with pytest.raises((http.client.IncompleteRead, http.client.RemoteDisconnected)):
        ask(port, "POST", f"/telegram/bot{TOKEN}/sendMessage", message)
    sent = ask(port, "GET", "/_sandbox/outbound")["items"]
    assert [line["text"] for line in sent] == ["Accepted"]
    message = {"chat_id": 5550001, "text": "Next"}
    assert ask(port, "POST", f"/telegram/bot{TOKEN}/sendMessage", message)["ok"] is True


def test_it_ends_when_it_is_told_to(server):
    process, port = server
    process.send_signal(signal.SIGTERM)
    assert process.wait(10) == 0
    with pytest.raises(ConnectionRefusedError):
        ask(port, "GET", "/_sandbox/health")
