"""Show what failed by its cause, and try it again."""

from typing import Any

from flask import Blueprint, g, redirect, render_template, request, url_for

from hubbub.hub import Hub
from hubbub.people.errors import Conflict, NotFound
from hubbub.requeue.work import PACE, begin, stop
from hubbub.sdk.errors import HubError
from hubbub.store.clean import clean
from hubbub.ui.guard import Guard
from hubbub.ui.operate.failures_page import cause_page, failures_page
from hubbub.ui.words import said


def add_failures(ui: Blueprint, hub: Hub, guard: Guard) -> None:
    """Add the pages of failures, which are for admins."""

    @ui.get("/operate/failed")
    @guard.admin
    def failed() -> str:
        return _page(hub)

    @ui.get("/operate/failed/<kind>/<channel_id>")
    @guard.admin
    def failed_for(kind: str, channel_id: str) -> str:
        page = cause_page(
            hub,
            kind=kind,
            channel_id=channel_id,
            cause=clean(request.args.get("cause", "")),
            before=request.args.get("before", ""),
        )
        return render_template("operate/failed_for.html", page=page)

    @ui.post("/operate/failed")
    @guard.admin
    def try_again() -> Any:
        try:
            begin(
                hub,
                kind=request.form.get("kind", ""),
                channel_id=request.form.get("channel_id", ""),
                # A browser sends line ends of its own.
                cause=clean(request.form.get("cause", "")).replace("\r\n", "\n"),
                per_minute=_pace(),
                actor=g.person.actor,
            )
        except (Conflict, NotFound):
            pass  # somebody was faster, by a second click perhaps: the page shows how it is now
        except HubError as error:
            return _page(hub, problem=said(error)), 422
        return redirect(url_for("ui.failed"))

    @ui.post("/operate/failed/<requeue_id>/stop")
    @guard.admin
    def stop_again(requeue_id: str) -> Any:
        stop(hub, requeue_id, actor=g.person.actor)
        return redirect(url_for("ui.failed"))


def _page(hub: Hub, problem: str = "") -> str:
    page = failures_page(
        hub,
        channel=request.args.get("channel", ""),
        kind=request.args.get("kind", ""),
        problem=problem,
    )
    return render_template("operate/failed.html", page=page)


def _pace() -> int:
    typed = request.form.get("per_minute", "")
    return int(typed) if typed.isdecimal() and len(typed) < len("100000") else PACE
