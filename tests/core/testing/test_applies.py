"""A suite has the checks of what its channel type can do: none is skipped, and none is missing."""

from dataclasses import replace

from hubbub.sdk import ChannelType
from hubbub.testing import ChannelConformance
from tests.core.testing.carrier import Carrier, CarrierFields
from tests.core.testing.suite import CarrierConformance


class Bare(ChannelType[CarrierFields]):
    """Says nothing of itself, and overrides nothing."""


def checks(suite):
    return {name for name in dir(suite) if name.startswith("test_") and getattr(suite, name)}


def suite_of(channel_type, base=ChannelConformance, **given):
    return type("Suite", (base,), {"channel_type": channel_type, "credentials": {}, **given})


def test_every_check_applies_to_a_channel_type_that_can_do_all():
    assert checks(CarrierConformance) == checks(ChannelConformance)


def test_what_a_channel_type_does_not_do_is_not_checked():
    bare = suite_of(
        replaced(Bare, registers_webhook=False, finds=False, templates=False), signs_body=False
    )
    missing = {
        "test_the_icon_is_a_small_drawing_without_scripts",
        "test_the_credentials_hold_a_secret_that_the_hub_can_recognise",
        "test_a_changed_body_under_a_good_signature_is_rejected",
        "test_every_item_of_a_batch_is_read",
        "test_what_is_read_within_bounds_can_be_carried",
        "test_a_sound_channel_passes_its_check",
        "test_the_set_up_can_be_undone",
        "test_templates_are_listed_once_each",
        "test_a_file_is_fetched",
        "test_what_arrived_is_found",
        "test_a_provider_that_waits_is_answered",
        "test_somebody_is_shown_writing",
        "test_the_simulator_takes_a_text_and_names_it",
    }
    assert missing <= checks(ChannelConformance) - checks(bare)


def replaced(channel_type, **capabilities):
    changed = replace(Carrier.capabilities, **capabilities)
    return type("Changed", (channel_type,), {"capabilities": changed, "icon": ""})


def test_what_a_suite_leaves_out_comes_back_in_one_that_derives_from_it():
    less = suite_of(Carrier, CarrierConformance, batch=None)
    assert "test_every_item_of_a_batch_is_read" not in checks(less)
    more = suite_of(Carrier, less, batch=CarrierConformance.batch)
    assert "test_every_item_of_a_batch_is_read" in checks(more)


def test_what_an_author_overrides_stays():
    def mine(self):
        """Check something else."""

    name = "test_the_icon_is_a_small_drawing_without_scripts"
    suite = suite_of(replaced(Bare), **{name: mine})
    assert getattr(suite, name) is mine
