"""A site that is not among the allowed ones is named to whoever runs the hub, and can be allowed."""

import pytest
from redis.exceptions import RedisError

from hubbub.connect.health import channel_health
from hubbub.connect.sites import origin_of, refused_sites
from hubbub.connect.work import ChannelChange, change_channel, check_channel, find_channel
from hubbub.doctor import _asked
from hubbub.store.session import reading

SITES = ("https://shop.example", "https://*.example.org")


@pytest.fixture
def named(shop):
    return shop.open(allowed_origins=SITES)


def load(shop, origin, *, what=".js", into="script", **headers):
    """Let a page of a site load the script, as a browser says it."""
    referer = {"Referer": f"{origin}/"} if origin else {}
    told = {**referer, "Sec-Fetch-Dest": into, **headers}
    at = headers.pop("at", "203.0.113.7")
    return shop.app.test_client().get(
        f"/widget/{shop.key}{what}", headers=told, environ_base={"REMOTE_ADDR": at}
    )


def refused(shop):
    settings = shop.world.line(shop.channel_id).settings
    return [(one.origin, one.times) for one in refused_sites(shop.hub, shop.channel_id, settings)]


def test_a_site_that_is_not_allowed_is_noted_with_how_often_and_when(named):
    for _ in range(3):
        assert load(named, "https://www.shop.example").status_code == 200
    load(named, "http://other.example:8080", what="/frame", into="iframe")
    assert refused(named) == [("https://www.shop.example", 3), ("http://other.example:8080", 1)]
    settings = named.world.line(named.channel_id).settings
    assert refused_sites(named.hub, named.channel_id, settings)[0].last_at == named.world.clock.now


@pytest.mark.parametrize(
    "origin", ["https://shop.example", "https://a.example.org", "http://hub.example", ""]
)
def test_a_site_that_is_allowed_is_not(named, origin):
    public = named.hub.settings.base_url if origin == "http://hub.example" else origin
    load(named, public)
    assert refused(named) == []


def test_where_every_site_is_allowed_none_is_refused(shop):
    load(shop, "https://any.example")
    assert refused(shop) == []


def test_what_is_no_page_of_a_site_is_not_noted(named):
    load(named, "https://link.example", into="document")
    load(named, "", Referer="data:text/html,x")
    load(named, "", Referer="https://[::1", Origin="null")
    load(named, "", Origin="https://bad host.example")
    assert refused(named) == []


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("https://Shop.Example/cart?x=1#y", "https://shop.example"),
        ("http://shop.example:8080/", "http://shop.example:8080"),
        ("https://user:word@shop.example/", "https://shop.example"),
        ("https://shop.example:99999/", ""),
        (f"https://{'a' * 300}.example", ""),
        ("https://shop.example\x00/", ""),
        ("https://<b>.example", ""),
        ("https://*.example", ""),
        ("file:///etc", ""),
        ("null", ""),
        ("", ""),
    ],
)
def test_of_an_address_only_the_site_is_kept(address, origin):
    assert origin_of(address) == origin


def test_strangers_fill_no_memory_and_push_out_nothing_that_comes_often(named):
    for _ in range(3):
        load(named, "https://www.shop.example")
    for number in range(100):
        load(named, f"https://s{number}.example", at=f"198.51.100.{number}")
    found = refused(named)
    assert found[0] == ("https://www.shop.example", 3)
    assert ("https://s99.example", 1) in found
    assert named.hub.redis.hlen(f"widget:refused:{named.channel_id}") == len(found) == 20


def test_from_one_place_not_much_is_noted(named):
    for _ in range(100):
        assert load(named, "https://www.shop.example").status_code == 200
    assert refused(named) == [("https://www.shop.example", 60)]


def test_a_site_that_asks_no_more_is_forgotten(named):
    load(named, "https://www.shop.example")
    named.world.clock.forward(days=7, seconds=1)
    assert refused(named) == []


def test_without_redis_the_script_is_served_and_nobody_is_named(named, monkeypatch):
    def away(*_, **__):
        raise RedisError

    monkeypatch.setattr(named.hub.redis, "hgetall", away)
    assert load(named, "https://www.shop.example").status_code == 200
    assert refused(named) == []


def test_check_and_doctor_name_it_and_warn_of_nothing(named):
    load(named, "https://www.shop.example")
    load(named, "https://www.shop.example")
    said = "https://www.shop.example asked for the window at least 2 times, last at 20"
    findings = {one.code: one for one in check_channel(named.hub, named.channel_id)}
    assert findings["refused_site"].detail.startswith(said)
    # Nothing is broken: strangers must not be able to turn a channel to error, or to a warning.
    row = find_channel(named.hub, named.channel_id)
    assert row.status == "connected"
    with reading(named.hub.engine) as db:
        parts = {one.name: one for one in channel_health(named.hub, db, row).parts}
    assert {one.state for one in parts.values()} <= {"fine", "unknown"}
    assert parts["auth"].state == "fine"
    told = [one.detail for one in _asked(named.hub, named.channel_id, "Shop")]
    assert any(one.startswith(said) for one in told)


def test_many_sites_are_told_in_few_words(named):
    for number in range(15):
        load(named, f"https://s{number}.example")
    found = check_channel(named.hub, named.channel_id)
    assert sum(one.code == "refused_site" for one in found) == 5


def test_it_is_allowed_by_a_button(named, admin):
    load(named, "https://www.shop.example")
    where = f"/channels/{named.channel_id}"
    assert 'name="origin" value="https://www.shop.example"' in admin.get(where).text
    assert admin.fill(f"{where}/allow", origin="https://www.shop.example").status_code == 302
    settings = named.world.line(named.channel_id).settings
    assert settings.allowed_origins == (*SITES, "https://www.shop.example")
    assert "refused" not in admin.get(where).text
    assert all(one.code != "refused_site" for one in check_channel(named.hub, named.channel_id))
    # Once more changes nothing.
    assert admin.fill(f"{where}/allow", origin="https://www.shop.example").status_code == 302
    assert named.world.line(named.channel_id).settings == settings


def test_two_sites_that_are_allowed_at_once_are_both_allowed(named, admin, monkeypatch):
    other = "https://other.example"
    meanwhile: list[str] = []

    def find_and_be_overtaken(hub, channel_id):
        row = find_channel(hub, channel_id)
        if not meanwhile:
            meanwhile.append(other)
            change = ChannelChange(settings={"allowed_origins": [*SITES, other]})
            change_channel(hub, channel_id, change, actor="cli")
        return row

    monkeypatch.setattr("hubbub.ui.channels.views.find_channel", find_and_be_overtaken)
    where = f"/channels/{named.channel_id}/allow"
    assert admin.fill(where, origin="https://www.shop.example").status_code == 302
    allowed = named.world.line(named.channel_id).settings.allowed_origins
    assert allowed == (*SITES, other, "https://www.shop.example")


def test_what_is_no_site_is_not_allowed(named, admin):
    where = f"/channels/{named.channel_id}"
    answer = admin.fill(f"{where}/allow", origin="<b>everything</b>")
    assert answer.status_code == 422
    assert "is no origin" in answer.text
    assert named.world.line(named.channel_id).settings.allowed_origins == SITES


def test_where_every_site_is_allowed_the_button_forbids_none(shop, admin):
    named = shop.open()
    where = f"/channels/{named.channel_id}"
    assert admin.fill(f"{where}/allow", origin="https://www.shop.example").status_code == 302
    assert named.world.line(named.channel_id).settings.allowed_origins == ()
