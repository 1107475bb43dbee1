import pytest

from hubbub.sdk import AddressChanged, AddressState, Ignored, Sender, System, Text

GROUP_FILES = [
    "group_text",
    "group_topic",
    "group_anonymous",
    "group_joined",
    "group_left",
    "group_migrate_to",
    "callback_query_group",
    "my_chat_member_group_left",
    "reaction_anonymous",
]


@pytest.mark.parametrize("name", GROUP_FILES)
def test_groups_are_ignored_unless_switched_on(event, name):
    ignored = event(name)
    assert isinstance(ignored, Ignored)
    assert ignored.key
    assert not isinstance(event(name, allow_groups=True), Ignored)


def test_in_a_group_answers_go_to_the_group(event):
    received = event("group_text", allow_groups=True)
    assert received.sender == Sender(address="5550001", name="Ada Example")
    assert received.reply_address == "-1001234567890"
    assert received.reply_name == "Example Club"
    assert received.external_id == "-1001234567890:7"


def test_a_button_pressed_in_a_group_is_answered_there(event):
    received = event("callback_query_group", allow_groups=True)
    assert received.sender.address == "5550001"
    assert received.reply_address == "-1001234567890"


def test_a_topic_of_a_forum_is_an_address_of_its_own(event):
    received = event("group_topic", allow_groups=True)
    assert received.reply_address == "-1001234567890/77"
    assert received.reply_to_external_id is None


def test_the_bots_own_name_is_cut_from_commands(event):
    assert event("group_text", allow_groups=True).content == Text(text="/price cups")


def test_commands_to_another_bot_are_ignored(event):
    assert isinstance(event("group_other_command", allow_groups=True), Ignored)


def test_an_anonymous_administrator_writes_as_the_group(event):
    received = event("group_anonymous", allow_groups=True)
    assert received.sender == Sender(address="-1001234567890", name="Example Club")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("group_joined", System(event="joined", detail="Bob, Eve")),
        ("group_left", System(event="left", detail="Bob")),
    ],
)
def test_coming_and_going_are_told(event, name, content):
    assert event(name, allow_groups=True).content == content


def test_a_group_that_becomes_a_supergroup_moves_once(event):
    told_twice = [
        event(name, allow_groups=True) for name in ("group_migrate_to", "group_migrate_from")
    ]
    assert told_twice[0] == told_twice[1]
    assert told_twice[0] == AddressChanged(
        key="moved:-4001:-1001234567890", address="-4001", moved_to="-1001234567890"
    )


@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("my_chat_member_group_left", AddressState.BLOCKED),
        ("my_chat_member_group_joined", AddressState.OK),
        ("my_chat_member_group_restricted_out", AddressState.BLOCKED),
    ],
)
def test_leaving_a_group_changes_its_address(event, name, state):
    changed = event(name, allow_groups=True)
    assert (changed.address, changed.state) == ("-1001234567890", state)
