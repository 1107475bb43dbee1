"""Let schemathesis call everything that OpenAPI describes, rightly and wrongly."""

from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

EXAMPLES = 8


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("mode", ["positive", "negative"])
def test_every_answer_is_as_described(api, add_channel, add_conversation, add_inbound, mode):
    # Not at the top: it takes seconds to import, and its warnings are not ours.
    import schemathesis
    from schemathesis import GenerationMode
    from schemathesis.specs.openapi.checks import positive_data_acceptance

    add_inbound(api, add_conversation(api, add_channel(api)))
    app = api.client.application
    schema = schemathesis.openapi.from_wsgi("/openapi.json", app)
    wanted = GenerationMode(mode)
    for found in schema.get_all_operations():
        operation: Any = found
        operation = operation.ok()

        @given(case=operation.as_strategy(generation_mode=wanted))
        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            database=None,
            derandomize=True,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        def check(case):
            case.call_and_validate(
                headers={"Authorization": f"Bearer {api.token}"},
                # That an id must exist, or that a cursor is one of ours, no schema can say.
                excluded_checks=[positive_data_acceptance],
            )

        check()
