"""What docs/bots.md shows of the keyword bot is what happens."""

import json
import re
from pathlib import Path

from hubbub_keyword.fields import KeywordFields

DOC = (Path(__file__).parents[3] / "docs" / "bots.md").read_text(encoding="utf-8")


def test_the_settings_are_valid():
    blocks = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", DOC, re.DOTALL)]
    (fields,) = [one["to"] for one in blocks if one.get("to", {}).get("type") == "keyword"]
    del fields["type"]

    bot = KeywordFields.model_validate(fields)
    assert set(fields) == bot.model_fields_set == set(KeywordFields.model_fields)
