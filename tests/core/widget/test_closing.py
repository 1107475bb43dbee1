"""A visitor ends a conversation and says how it was; agents see both as lines of it."""

import json
from uuid import uuid4

import pytest


@pytest.fixture
def ada(shop):
    shop.open(conversation={"rating": True})
    window = shop.visitor()
    window.write("Hello")
    return window


def end(window, client_id=None):
    return window.ask("POST", "end", {"client_id": client_id or str(uuid4())})


def rate(window, stars, comment="", client_id=None):
    body = {"client_id": client_id or str(uuid4()), "stars": stars, "comment": comment}
    return window.ask("POST", "rating", body)


def lines(shop):
    rows = shop.world.rows("select content from messages where kind = 'system' order by seq")
    return [
        json.loads(row["content"]) if isinstance(row["content"], str) else row["content"]
        for row in rows
    ]


def conversation(shop):
    return shop.world.one("select status, unread from conversations")


def test_who_ends_a_conversation_settles_it_and_another_word_opens_it_again(shop, ada):
    assert end(ada).status_code == 204
    assert conversation(shop) == {"status": "resolved", "unread": 1}
    assert lines(shop) == [{"type": "system", "event": "left"}]
    assert ada.session().json["conversation"]["status"] == "resolved"
    ada.write("One more thing")
    assert conversation(shop)["status"] == "open"


def test_what_a_visitor_does_beside_writing_is_no_bubble_of_theirs(shop, ada):
    end(ada)
    rate(ada, 5)
    assert ada.texts() == ["Hello"]
    assert ada.write("Bye").json["seq"] == 2


def test_a_rating_is_a_line_that_asks_nobody_for_attention(shop, ada):
    end(ada)
    client_id = str(uuid4())
    for _ in range(2):
        assert rate(ada, 4, "Quick\u202e help", client_id).status_code == 204
    assert lines(shop)[1:] == [{"type": "system", "event": "rated", "detail": "4 of 5: Quick help"}]
    assert conversation(shop) == {"status": "resolved", "unread": 1}
    row = shop.world.one("select preview from conversations")
    assert row["preview"] == "Rated: 4 of 5: Quick help"


def test_a_window_knows_whether_its_end_was_rated_until_somebody_says_more(shop, ada):
    def rated():
        return ada.session().json["conversation"]["rated"]

    end(ada)
    assert rated() is False
    rate(ada, 4)
    assert rated() is True
    ada.write("One more thing")
    assert rated() is False


def test_what_two_tabs_end_has_ended_once(shop, ada):
    assert [end(ada).status_code, end(ada).status_code] == [204, 204]
    assert lines(shop) == [{"type": "system", "event": "left"}]


@pytest.mark.parametrize("stars", [0, 6, 2.5, None])
def test_there_are_one_to_five_stars(shop, ada, stars):
    assert rate(ada, stars).status_code == 422


def test_who_never_wrote_has_nothing_to_end(shop, ada):
    eve = shop.visitor()
    assert [end(eve).status_code, rate(eve, 5).status_code] == [404, 404]


def test_where_it_is_not_wanted_visitors_neither_end_nor_rate(shop):
    shop.open(conversation={"end_by_visitor": False})
    ada = shop.visitor()
    ada.write("Hello")
    assert [end(ada).status_code, rate(ada, 5).status_code] == [403, 403]


def test_nobody_rates_for_ever(shop, ada):
    statuses = [rate(ada, 5).status_code for _ in range(11)]
    assert statuses == [204] * 10 + [429]


def test_a_conversation_is_rated_once_until_somebody_says_something(shop, ada):
    assert [rate(ada, stars).status_code for stars in (5, 1, 1)] == [204] * 3
    assert [line["detail"] for line in lines(shop)] == ["5 of 5"]
    ada.write("One more thing")
    rate(ada, 4)
    assert [line["detail"] for line in lines(shop)] == ["5 of 5", "4 of 5"]
