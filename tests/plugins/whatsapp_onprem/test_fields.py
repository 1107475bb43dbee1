"""The form: what it takes, what it refuses, and where it says so."""

import pytest
from pydantic import ValidationError

from hubbub_whatsapp_onprem.fields import OnPremiseFields


def form(credentials=None, **settings):
    given = {"username": "hub-user", "password": "secret"} if credentials is None else credentials
    return {"credentials": given, "settings": {"api_base": "https://wa.example.org", **settings}}


def places(form):
    with pytest.raises(ValidationError) as refused:
        OnPremiseFields.model_validate(form)
    return {".".join(map(str, one["loc"])) for one in refused.value.errors()}


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://wa.example.org:9090/", "https://wa.example.org:9090"),
        ("https://wa.example.org:9090/v1", "https://wa.example.org:9090"),
        ("http://10.0.0.7/client/v1/", "http://10.0.0.7/client"),
    ],
)
def test_the_clients_url_is_kept_without_what_the_hub_adds(given, kept):
    assert OnPremiseFields.model_validate(form(api_base=given)).settings.api_base == kept


@pytest.mark.parametrize(
    "url", ["", "wa.example.org", "ftp://wa.example.org", "https://a:b@wa.example.org", "http://[x"]
)
def test_what_is_no_address_of_a_client_is_refused(url):
    assert places(form(api_base=url)) == {"settings.api_base"}


def test_a_client_without_an_address_is_none():
    assert places({"credentials": form()["credentials"], "settings": {}}) == {"settings.api_base"}


@pytest.mark.parametrize(
    ("mode", "missing"),
    [
        ("login", {"credentials.username", "credentials.password"}),
        ("bearer", {"credentials.api_token"}),
        ("header", {"credentials.api_token"}),
    ],
)
def test_each_authentication_says_what_it_needs(mode, missing):
    assert places(form({}, auth_mode=mode)) == missing


def test_a_username_with_a_colon_would_be_read_as_another_one():
    wrong = {"username": "a:b", "password": "secret"}
    assert places(form(wrong)) == {"credentials.username"}


def test_a_header_cannot_be_broken_out_of():
    token = {"api_token": "t0ken"}
    assert places(form(token, auth_mode="header", header_name="X: 1\r\nY")) == {
        "settings.header_name"
    }
    assert places(form({"api_token": "a b"}, auth_mode="bearer")) == {"credentials.api_token"}
