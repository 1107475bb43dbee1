"""Notice that a page of a site asks for the window on which it is not shown."""

from flask import Request

from hubbub.api.problems import Refusal
from hubbub.connect.sites import is_refused, note_refused, origin_of
from hubbub.directory import Line
from hubbub.hub import Hub
from hubbub.sdk.widget import WidgetSettings
from hubbub.widget.limits import spend
from hubbub.widget.places import network_of


def notice(hub: Hub, line: Line, settings: WidgetSettings, request: Request) -> None:
    """Note the site of the page that asks for the script, or for the window, if it is refused.

    A browser names it, unless the page forbids that. The script is loaded once in five minutes, so
    that there were more. What one place can say is limited.
    """
    if request.headers.get("Sec-Fetch-Dest", "script") not in {"script", "iframe"}:
        return
    origin = origin_of(request.headers.get("Origin") or request.headers.get("Referer", ""))
    if not origin or not is_refused(settings, hub.settings.base_url, origin):
        return
    try:
        spend(hub.limiter, "refused", visitor="", network=network_of(request.remote_addr or ""))
    except Refusal:
        return
    note_refused(hub, line.id, origin)
