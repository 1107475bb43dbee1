"""People log in and out, and those who guess are slowed down."""

from datetime import UTC, datetime

from playwright.sync_api import expect

from hubbub.demo import EMAIL, PASSWORD
from tests.journeys.conftest import enter, log_in, reply


def try_to_log_in(page, email, password):
    page.get_by_label("Email").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()


def test_a_wrong_password_is_told_and_the_right_one_leads_to_where_one_wanted_to_go(browser):
    page = browser(logged_in=False).new_page()
    page.goto("/channels")
    try_to_log_in(page, EMAIL, "a wrong guess")
    expect(page.get_by_role("alert")).to_have_text(
        "This email and password do not belong together."
    )
    expect(page.get_by_label("Password")).to_be_focused()
    expect(page.get_by_label("Email")).to_have_value(EMAIL)
    try_to_log_in(page, EMAIL, PASSWORD)
    expect(page.get_by_role("heading", name="Channels")).to_be_visible()


def test_who_guesses_often_has_to_wait(demo, browser):
    page = browser(logged_in=False).new_page()
    page.goto("/login")
    guess = {"email": "somebody@hubbub.test", "password": "a guess"}
    for _ in range(10):
        page.request.post("/login", form=guess)
    try_to_log_in(page, *guess.values())
    expect(page.get_by_role("alert")).to_contain_text("Wait a few minutes")


def test_after_logging_out_no_page_is_shown_not_even_by_going_back(browser):
    page = browser(logged_in=False).new_page()
    log_in(page)
    page.get_by_role("button", name="Log out").click()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()


def test_a_login_that_ends_while_somebody_writes_loses_no_word(demo, browser, customer):
    ada = customer()
    ada.write("Hello")
    page = browser(logged_in=False).new_page()
    log_in(page)
    enter(page, ada.name)
    page.get_by_label("Reply to").fill("A long answer")
    # The page asks for itself now and then: here it is the answer that finds the login ended.
    page.route(
        "**/inbox/**",
        lambda route: route.abort() if route.request.method == "GET" else route.continue_(),
    )
    newest = demo.sql("SELECT max(created_at) FROM sessions")[0][0]
    past = datetime(2020, 1, 1, tzinfo=UTC).isoformat(sep=" ", timespec="microseconds")
    assert demo.sql("UPDATE sessions SET expires_at = ? WHERE created_at = ?", past, newest) == []
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_role("heading", name="Log in")).to_be_visible()
    expect(page.get_by_text("Your login ended. What you wrote is kept.")).to_be_visible()
    page.unroute("**/inbox/**")
    try_to_log_in(page, EMAIL, PASSWORD)
    expect(page.get_by_label("Reply to")).to_have_value("A long answer")
    reply(page, "A long answer, sent.")
    ada.sees("A long answer, sent.")
