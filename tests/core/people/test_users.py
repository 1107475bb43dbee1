from concurrent.futures import ThreadPoolExecutor

import pytest
from argon2 import PasswordHasher
from sqlalchemy import text

from hubbub.people.errors import Conflict, Invalid, NotFound, TooManyAttempts
from hubbub.people.sessions import close_session, cookie_name, open_session, person_of
from hubbub.people.throttle import Throttle
from hubbub.people.users import (
    add_user,
    authenticate,
    change_own_password,
    change_user,
    find_user,
    list_users,
)
from hubbub.store.session import reading

PASSWORD = "correct horse"


def _add(hub, email="ada@example.com", role="admin", **more):
    return add_user(hub, email=email, password=PASSWORD, role=role, actor="cli", **more)


def _log_in(hub, throttle=None, email="ada@example.com", password=PASSWORD, address="192.0.2.1"):
    throttle = throttle or Throttle()
    return authenticate(hub, throttle, email=email, password=password, address=address)


def test_a_person_is_let_in_with_their_password_alone(every_hub):
    user_id = _add(every_hub, email=" Ada@Example.com ", name=" Ada ")
    person = _log_in(every_hub, email="ADA@example.com ")
    assert (person.id, person.email, person.name, person.role) == (
        user_id,
        "ada@example.com",
        "Ada",
        "admin",
    )
    assert _log_in(every_hub, password="wrong") is None
    assert _log_in(every_hub, email="eve@example.com") is None


def _stored_hash(hub):
    with reading(hub.engine) as db:
        return db.execute(text("SELECT password_hash FROM users")).scalar_one()


def test_the_password_is_stored_as_an_argon2_hash_of_the_default_cost(hub, monkeypatch):
    monkeypatch.setattr("hubbub.people.users._HASHER", PasswordHasher())
    _add(hub)
    assert _stored_hash(hub).startswith("$argon2id$")
    assert not PasswordHasher().check_needs_rehash(_stored_hash(hub))


def test_a_hash_of_another_cost_is_renewed_at_the_next_login(hub, monkeypatch):
    _add(hub)
    dearer = PasswordHasher(time_cost=2, memory_cost=16, parallelism=1)
    monkeypatch.setattr("hubbub.people.users._HASHER", dearer)
    assert _log_in(hub) is not None
    assert not dearer.check_needs_rehash(_stored_hash(hub))
    assert _log_in(hub) is not None


def test_an_unknown_email_costs_a_hash_too(hub, monkeypatch):
    checked = []

    def note(password_hash, _):
        checked.append(password_hash)
        return True

    monkeypatch.setattr("hubbub.people.users._matches", note)
    assert _log_in(hub, email="nobody@example.com") is None
    assert checked[0].startswith("$argon2id$")


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"email": "ada"}, "email"),
        ({"email": "@example.com"}, "email"),
        ({"email": "a b@example.com"}, "email"),
        ({"email": "a\0b@example.com"}, "email"),
        ({"password": "short"}, "password"),
        ({"password": "x" * 513}, "password"),
        ({"role": "root"}, "role"),
    ],
)
def test_a_person_who_cannot_be_added_is_told_which_field_is_wrong(hub, given, field):
    values = {"email": "ada@example.com", "password": PASSWORD, "actor": "cli", **given}
    with pytest.raises(Invalid) as caught:
        add_user(hub, **values)
    assert [complaint.field for complaint in caught.value.complaints] == [field]


def test_an_email_belongs_to_one_person(every_hub):
    _add(every_hub)
    with pytest.raises(Conflict) as caught:
        _add(every_hub, email="ADA@example.com")
    assert caught.value.code == "email_taken"


def test_guessing_is_stopped_by_account_even_with_the_right_password(hub):
    _add(hub)
    throttle = Throttle()
    for _ in range(10):
        assert _log_in(hub, throttle, password="wrong", address="192.0.2.1") is None
    with pytest.raises(TooManyAttempts) as caught:
        _log_in(hub, throttle, address="192.0.2.1")
    assert _log_in(hub, throttle, address="192.0.2.2") is not None
    assert 0 < caught.value.retry_after.total_seconds() <= 15 * 60


def test_guessing_is_stopped_by_address_over_many_accounts():
    throttle = Throttle()
    for number in range(200):
        throttle.attempt(account=f"user{number}", address="192.0.2.1")
        throttle.failed(address="192.0.2.1")
    with pytest.raises(TooManyAttempts):
        throttle.attempt(account="another", address="192.0.2.1")
    throttle.attempt(account="another", address="192.0.2.2")


def test_people_behind_one_proxy_who_log_in_well_are_never_stopped():
    throttle = Throttle()
    for number in range(500):
        throttle.attempt(account=f"user{number}", address="192.0.2.1")
        throttle.succeeded(account=f"user{number}", address="192.0.2.1")


def test_guessing_is_stopped_over_many_addresses():
    throttle = Throttle()
    for number in range(50):
        throttle.attempt(account="ada", address=f"192.0.2.{number}")
    with pytest.raises(TooManyAttempts):
        throttle.attempt(account="ada", address="192.0.2.99")


def test_guesses_at_the_same_moment_are_all_counted():
    throttle = Throttle()

    def guess(number):
        try:
            throttle.attempt(account="ada", address="192.0.2.1")
        except TooManyAttempts:
            return 0
        return 1

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(guess, range(40))) == 10


def test_a_login_that_succeeds_clears_the_account(hub):
    _add(hub)
    throttle = Throttle()
    for _ in range(3):
        for _ in range(9):
            throttle.attempt(account="ada@example.com", address="192.0.2.7")
        assert _log_in(hub, throttle, address="192.0.2.7") is not None


def test_the_throttle_is_shared_through_redis_and_survives_its_loss(valkey_url, valkey):
    one, other = Throttle.on(valkey_url), Throttle.on(valkey_url)
    for _ in range(10):
        one.attempt(account="ada", address="192.0.2.1")
    with pytest.raises(TooManyAttempts):
        other.attempt(account="ada", address="192.0.2.1")


def test_without_redis_each_process_counts_by_itself():
    throttle = Throttle.on("unix:///nowhere/valkey.sock")
    for _ in range(10):
        throttle.attempt(account="ada", address="192.0.2.1")
    with pytest.raises(TooManyAttempts):
        throttle.attempt(account="ada", address="192.0.2.1")


def test_a_session_is_known_by_its_cookie_and_stored_as_a_digest(every_hub):
    user_id = _add(every_hub)
    cookie = open_session(every_hub, user_id)
    person = person_of(every_hub, cookie)
    assert person is not None
    assert person.id == user_id
    assert person_of(every_hub, "another") is None
    with reading(every_hub.engine) as db:
        stored = db.execute(text("SELECT id FROM sessions")).scalar_one()
    assert stored != cookie
    assert len(cookie) >= 43


def test_a_session_ends_after_fourteen_days(hub):
    cookie = open_session(hub, _add(hub))
    hub.now.advance(days=13, hours=23)
    assert person_of(hub, cookie) is not None
    hub.now.advance(hours=1)
    assert person_of(hub, cookie) is None


def test_logging_in_again_ends_the_session_of_the_request(hub):
    user_id = _add(hub)
    planted = open_session(hub, user_id)
    fresh = open_session(hub, user_id, replaces=planted)
    assert person_of(hub, planted) is None
    assert person_of(hub, fresh) is not None


def test_logging_out_ends_the_session_and_may_be_done_twice(hub):
    cookie = open_session(hub, _add(hub))
    close_session(hub, cookie)
    close_session(hub, cookie)
    assert person_of(hub, cookie) is None


def test_the_cookie_is_guarded_by_its_name_with_https(make_settings):
    assert cookie_name(make_settings(public_url="https://hub.example")) == "__Host-hubbub"
    assert cookie_name(make_settings(public_url="http://hub.example")) == "hubbub"


def test_a_disabled_person_is_out_at_once_and_can_be_let_in_again(every_hub):
    hub = every_hub
    _add(hub)
    user_id = _add(hub, email="bob@example.com", role="agent")
    cookie = open_session(hub, user_id)
    assert change_user(hub, user_id, actor="cli", disabled=True).disabled_at is not None
    assert person_of(hub, cookie) is None
    assert _log_in(hub, email="bob@example.com") is None
    change_user(hub, user_id, actor="cli", disabled=False)
    assert _log_in(hub, email="bob@example.com").id == user_id


def test_a_new_password_ends_every_login(hub):
    user_id = _add(hub)
    cookie = open_session(hub, user_id)
    change_user(hub, user_id, actor="cli", password="battery staple")
    assert person_of(hub, cookie) is None
    assert _log_in(hub) is None
    assert _log_in(hub, password="battery staple") is not None


def test_one_s_own_password_is_changed_by_who_knows_it(hub):
    me = find_user(hub, _add(hub))
    cookie = open_session(hub, me.id)
    with pytest.raises(Invalid, match="This is not your password"):
        _change_own(hub, me, old="a guess")
    assert person_of(hub, cookie) == me
    _change_own(hub, me, old=PASSWORD)
    assert person_of(hub, cookie) is None
    assert _log_in(hub, password="battery staple") == me


def test_one_s_own_password_cannot_be_guessed_by_who_finds_the_browser_open(hub):
    me, throttle = find_user(hub, _add(hub)), Throttle()
    for _ in range(10):
        with pytest.raises(Invalid):
            _change_own(hub, me, throttle, old="a guess")
    with pytest.raises(TooManyAttempts):
        _change_own(hub, me, throttle, old=PASSWORD)


def _change_own(hub, person, throttle=None, *, old):
    change_own_password(
        hub, throttle or Throttle(), person, old=old, new="battery staple", address="192.0.2.1"
    )


@pytest.mark.parametrize("change", [{"role": "agent"}, {"disabled": True}])
def test_the_last_admin_stays_one(hub, change):
    user_id = _add(hub)
    _add(hub, email="bob@example.com", role="agent")
    with pytest.raises(Conflict) as caught:
        change_user(hub, user_id, actor="cli", **change)
    assert caught.value.code == "last_admin"
    assert find_user(hub, user_id).role == "admin"
    assert find_user(hub, user_id).disabled_at is None


def test_an_agent_can_be_renamed_where_there_is_no_admin(hub):
    user_id = _add(hub, role="agent")
    assert change_user(hub, user_id, actor="cli", name="Bob").name == "Bob"


def test_people_are_listed_the_newest_first_page_by_page(hub):
    ids = [_add(hub, email=f"user{number}@example.com") for number in range(3)]
    assert [person.id for person in list_users(hub, limit=2)] == ids[:0:-1]
    assert [person.id for person in list_users(hub, before=ids[1])] == ids[:1]


def test_there_is_no_unknown_person(hub):
    with pytest.raises(NotFound):
        find_user(hub, "nobody")
    with pytest.raises(NotFound):
        change_user(hub, "nobody", actor="cli", name="x")


def test_changes_are_in_the_audit_log_without_the_password(hub):
    user_id = _add(hub)
    _change_own(hub, find_user(hub, user_id), old=PASSWORD)
    with reading(hub.engine) as db:
        rows = db.execute(text("SELECT actor, action, object_id, detail FROM audit ORDER BY id"))
        lines = [tuple(row) for row in rows]
    assert [line[:3] for line in lines] == [
        ("cli", "user.created", user_id),
        (f"user:{user_id}", "user.changed", user_id),
    ]
    assert "battery" not in str(lines)
