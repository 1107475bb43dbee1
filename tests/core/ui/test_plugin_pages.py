"""The pages of plugins: where they are, who may see them, and that they harm nobody."""

import pytest

from hubbub.people.sessions import cookie_name, open_session
from hubbub.people.users import add_user
from hubbub.web import create_app


@pytest.fixture
def visit(invite):
    """Return what asks for a page of the plugin, as somebody of a role or as nobody."""

    def ask(sections, role=None, method="GET", **more):
        world = invite(sections)
        client = create_app(hub=world.hub).test_client()
        if role:
            user = add_user(
                world.hub, email="ada@example.org", password="long enough", role=role, actor="cli"
            )
            client.set_cookie(cookie_name(world.hub.settings), open_session(world.hub, user))
        return client.open("/plugins/guest/", method=method, **more)

    return ask


@pytest.mark.parametrize(
    ("open_to", "role", "status"),
    [
        ("people", None, 302),
        ("people", "agent", 200),
        ("admins", None, 302),
        ("admins", "agent", 403),
        ("admins", "admin", 200),
        ("everybody", None, 200),
    ],
)
def test_pages_are_shown_to_those_they_are_open_to(visit, open_to, role, status):
    page = visit(f'[plugins.guest]\nopen_to = "{open_to}"', role)
    assert page.status_code == status
    if role and status == 200:
        assert page.text == "Hello ada@example.org"


def test_pages_have_the_headers_of_the_console(visit):
    page = visit('[plugins.guest]\nopen_to = "everybody"')
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]


def test_a_forged_form_is_refused(visit):
    assert visit("[plugins.guest]", "admin", "POST").status_code == 403


def test_a_page_that_fails_is_an_error_and_no_more(visit):
    page = visit('[plugins.guest]\nopen_to = "everybody"\nbroken = ["page"]')
    assert page.status_code == 500
    assert "Something went wrong" in page.text


@pytest.mark.parametrize(
    "sections",
    [
        '[plugins.guest]\nbroken = ["contribute_blueprint"]',
        '[plugins.guest]\nopen_to = "nobody"',
        "[plugins.other]",
    ],
)
def test_a_plugin_without_usable_pages_harms_no_other_page(invite, sections):
    app = create_app(hub=invite(sections).hub)
    assert app.test_client().get("/plugins/guest/").status_code == 404
    assert app.test_client().get("/healthz").status_code == 200


def test_two_applications_can_serve_the_same_plugin(invite):
    hub = invite('[plugins.guest]\nopen_to = "everybody"').hub
    for app in (create_app(hub=hub), create_app(hub=hub)):
        assert app.test_client().get("/plugins/guest/").status_code == 200
