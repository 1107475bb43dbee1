"""Write the OpenAPI document as one page that people can read, with nothing from elsewhere."""

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from jinja2 import Environment
from markupsafe import Markup, escape

from hubbub.api.problems import MEANINGS, status_of

_CODE: Final = re.compile("``?([^`]+)``?")
STYLE: Final = """\
:root { color-scheme: light dark; --line: #8884; --soft: #8881; --accent: #3a6ea5; }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 60rem; padding: 1rem;
  overflow-wrap: anywhere; }
h1 { margin-bottom: 0; } h2 { margin-top: 3rem; border-bottom: 1px solid var(--line); }
nav ul { columns: 2; padding-left: 1rem; } nav li { break-inside: avoid; }
article { border: 1px solid var(--line); border-radius: .5rem; margin: 1rem 0;
  padding: 0 1rem 1rem; }
h3 { font: 600 1rem ui-monospace, monospace; overflow-wrap: anywhere; }
h3 b { color: var(--accent); display: inline-block; min-width: 4.5rem; }
table { border-collapse: collapse; width: 100%; }
th, td { border-top: 1px solid var(--line); padding: .3rem .6rem .3rem 0; text-align: left;
  vertical-align: top; }
th, td:not(:last-child) { overflow-wrap: normal; }
code, pre { background: var(--soft); border-radius: .25rem; font-size: .9em; padding: .1em .3em; }
pre { overflow-x: auto; padding: .75rem; } summary { cursor: pointer; }
:target { outline: 2px solid var(--accent); }
@media (max-width: 40rem) { nav ul { columns: 1; } }
"""

_PAGE: Final = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ info.title }} API</title>
<link rel="stylesheet" href="/docs/style.css">
</head>
<body>
<h1>{{ info.title }} API</h1>
<p>Version {{ info.version }}. {{ info.description | coded }}
Send <code>Authorization: Bearer &lt;token&gt;</code> with every call.
For machines: <a href="/openapi.json">OpenAPI 3.1</a>.</p>
<nav aria-label="Calls"><ul>
{% for tag, calls in groups.items() %}<li><a href="#{{ tag }}">{{ tag }}</a></li>{% endfor %}
<li><a href="#problems">Problems</a></li><li><a href="#schemas">Schemas</a></li>
</ul></nav>
<main>
{% for tag, calls in groups.items() %}
<h2 id="{{ tag }}">{{ tag }}</h2>
{% for call in calls %}
<article id="{{ call.operationId }}">
<h3><b>{{ call.method }}</b> {{ call.path }}</h3>
<p><strong>{{ call.summary | coded }}.</strong> {{ call.description | coded }}</p>
{% if call.parameters %}
<table><thead><tr><th>Parameter</th><th>In</th><th>Meaning</th></tr></thead><tbody>
{% for one in call.parameters %}
<tr><td><code>{{ one.name }}</code></td><td>{{ one.in }}</td>
<td>{{ one.description | coded }}</td></tr>
{% endfor %}
</tbody></table>
{% endif %}
{% for kind, body in (call.requestBody or {}).get("content", {}).items() %}
<p>Body, {{ kind }}: {{ body.schema | named }}</p>
{% endfor %}
<table><thead><tr><th>Status</th><th>Answer</th></tr></thead><tbody>
{% for status, answer in call.responses.items() %}
<tr><td>{{ status }}</td><td>{{ answer.description | coded }}
{% for body in answer.get("content", {}).values() %}{{ body.schema | named }}{% endfor %}</td></tr>
{% endfor %}
</tbody></table>
</article>
{% endfor %}
{% endfor %}
<h2 id="problems">Problems</h2>
<p>An error is <code>application/problem+json</code>; its <code>type</code> ends in one of
these.</p>
<table><thead><tr><th>Type</th><th>Status</th><th>Meaning</th></tr></thead><tbody>
{% for code, meaning, status in problems %}
<tr id="problem-{{ code }}"><td><code>{{ code }}</code></td><td>{{ status }}</td>
<td>{{ meaning | coded }}</td></tr>
{% endfor %}
</tbody></table>
<h2 id="schemas">Schemas</h2>
{% for name, schema in schemas.items() %}
<details id="schema-{{ name }}"><summary><code>{{ name }}</code>
{{ schema.description | coded }}</summary>
<pre>{{ schema | pretty }}</pre></details>
{% endfor %}
</main>
</body>
</html>
"""


def page(document: Mapping[str, Any]) -> str:
    """Return the HTML page that shows an OpenAPI ``document``."""
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters["named"] = _named
    environment.filters["coded"] = _coded
    environment.filters["pretty"] = _pretty
    return environment.from_string(_PAGE).render(
        info=document["info"],
        groups=_groups(document),
        problems=[(code, text, status_of(code)) for code, text in MEANINGS.items()],
        schemas=dict(sorted(document["components"]["schemas"].items())),
    )


def _groups(document: Mapping[str, Any]) -> dict[str, list[dict[str, Any]]]:
    groups: dict[str, list[dict[str, Any]]] = {tag["name"]: [] for tag in document["tags"]}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            call = {**operation, "path": path, "method": method.upper()}
            groups[operation["tags"][0]].append(call)
    return groups


def _named(schema: Mapping[str, Any]) -> str:
    name = str(schema.get("$ref", "")).rpartition("/")[2]
    return name or ", ".join(schema.get("properties", {}))


def _coded(text: str | None) -> Markup:
    """Return ``text``, what stands between backticks as code. An odd one is left as it is."""
    return Markup(_CODE.sub(r"<code>\1</code>", str(escape(text or ""))))  # noqa: S704  # escaped before


def _pretty(value: object) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
