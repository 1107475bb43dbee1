"""Every log goes one way: fields for machines, lines for people, secrets for nobody."""

import io
import json
import logging
import os
import warnings

import pytest
import structlog

from hubbub import logs, redact


@pytest.fixture
def stream():
    return io.StringIO()


def test_our_logs_are_json_with_the_process_they_come_from(stream):
    logs.configure("worker", json=True, stream=stream)
    structlog.get_logger("hubbub.deliver").info("delivery sent", delivery="d1")
    line = json.loads(stream.getvalue())
    assert line["kind"] == "worker"
    assert line["process"].endswith(f"-{os.getpid()}")
    assert line["timestamp"].endswith("Z")
    assert (line["event"], line["level"], line["delivery"]) == ("delivery sent", "info", "d1")


@pytest.mark.parametrize("name", ["dramatiq", "alembic", "granian", "something.else"])
def test_the_logs_of_libraries_go_the_same_way(stream, name):
    logs.configure("web", json=True, stream=stream)
    logging.getLogger(name).warning("went %s", "wrong")
    line = json.loads(stream.getvalue())
    assert (line["event"], line["level"], line["kind"]) == ("went wrong", "warning", "web")


def test_people_get_lines_instead(stream):
    logs.configure("web", json=False, stream=stream)
    structlog.get_logger().warning("redis is away", seconds=3)
    said = stream.getvalue()
    assert "redis is away" in said
    assert "seconds=3" in said
    assert "\x1b" not in said, "only terminals get colours"


@pytest.mark.parametrize("as_json", [True, False])
def test_secrets_are_in_no_log_wherever_they_were_hidden(stream, as_json):
    redact.registry.add(["canary-4711"])
    logs.configure("web", json=as_json, stream=stream)
    log = structlog.get_logger()
    log.info("asked canary-4711", url="https://provider.example/canary-4711/x")
    logging.getLogger("library").error("refused %s", "canary-4711")
    try:
        int("canary-4711")
    except ValueError:
        log.exception("failed")
        logging.getLogger("library").exception("failed")
    assert stream.getvalue().count("Traceback") == 2
    assert "canary" not in stream.getvalue()


def test_an_http_client_may_not_log_addresses(stream):
    logs.configure("worker", json=True, stream=stream)
    logging.getLogger("urllib3.connectionpool").warning("Retrying /bot123:token/sendMessage")
    assert stream.getvalue() == ""


def test_details_for_developers_are_left_out(stream):
    logs.configure("web", json=True, stream=stream)
    structlog.get_logger().debug("a detail")
    logging.getLogger("library").debug("a detail")
    assert stream.getvalue() == ""


def test_configuring_twice_says_everything_once(stream):
    logs.configure("web", json=True, stream=io.StringIO())
    logs.configure("worker", json=True, stream=stream)
    structlog.get_logger().info("once")
    (line,) = stream.getvalue().splitlines()
    assert json.loads(line)["kind"] == "worker"


def test_warnings_of_python_are_logs_too(stream):
    logs.configure("web", json=True, stream=stream)
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)
        warnings.warn("old", DeprecationWarning, stacklevel=1)
    assert "old" in json.loads(stream.getvalue())["event"]
