import re

import pytest
from sqlalchemy import text

from hubbub.people.errors import Invalid, NotFound
from hubbub.people.tokens import bearer_of, create_token, find_token, list_tokens, revoke_token
from hubbub.store.session import reading


def test_a_token_is_known_by_its_digest_alone(every_hub):
    token_id, token = create_token(every_hub, name=" Shop ", actor="cli")
    assert re.fullmatch(r"hub_[A-Za-z0-9]{40}", token)
    bearer = bearer_of(every_hub, token)
    assert bearer is not None
    assert (bearer.id, bearer.name, bearer.actor) == (token_id, "Shop", f"token:{token_id}")
    assert bearer.scopes == {"read", "write", "admin"}
    with reading(every_hub.engine) as db:
        assert token not in str(db.execute(text("SELECT * FROM tokens")).all())


@pytest.mark.parametrize("token", ["", "hub_", "hub_" + "x" * 40, "nonsense"])
def test_an_unknown_token_is_nobodys(hub, token):
    create_token(hub, name="Shop", actor="cli")
    assert bearer_of(hub, token) is None


def test_a_token_has_the_scopes_it_was_given(hub):
    _, token = create_token(hub, name="Reader", scopes=["read"], actor="cli")
    bearer = bearer_of(hub, token)
    assert bearer is not None
    assert bearer.scopes == {"read"}


@pytest.mark.parametrize("scopes", [[], ["read", "root"]])
def test_a_token_needs_scopes_that_exist(hub, scopes):
    with pytest.raises(Invalid, match="scopes"):
        create_token(hub, name="Shop", scopes=scopes, actor="cli")


def test_a_token_needs_a_name(hub):
    with pytest.raises(Invalid, match="name"):
        create_token(hub, name=" ", actor="cli")


def test_a_revoked_token_is_worthless_and_may_be_revoked_twice(every_hub):
    token_id, token = create_token(every_hub, name="Shop", actor="cli")
    revoke_token(every_hub, token_id, actor="cli")
    revoke_token(every_hub, token_id, actor="cli")
    assert bearer_of(every_hub, token) is None
    assert find_token(every_hub, token_id).revoked_at == every_hub.now()
    with reading(every_hub.engine) as db:
        actions = db.execute(text("SELECT action FROM audit ORDER BY id")).scalars().all()
    assert actions == ["token.created", "token.revoked"]


def test_there_is_no_unknown_token_to_revoke(hub):
    with pytest.raises(NotFound):
        revoke_token(hub, "nothing", actor="cli")


def test_its_last_use_is_noted_once_a_minute(hub):
    token_id, token = create_token(hub, name="Shop", actor="cli")
    assert find_token(hub, token_id).last_used_at is None
    bearer_of(hub, token)
    first = find_token(hub, token_id).last_used_at
    hub.now.advance(seconds=59)
    bearer_of(hub, token)
    assert find_token(hub, token_id).last_used_at == first
    hub.now.advance(seconds=1)
    bearer_of(hub, token)
    assert find_token(hub, token_id).last_used_at == hub.now()


def test_tokens_are_listed_the_newest_first(hub):
    ids = [create_token(hub, name=str(number), actor="cli")[0] for number in range(3)]
    assert [info.id for info in list_tokens(hub, limit=2)] == ids[:0:-1]
