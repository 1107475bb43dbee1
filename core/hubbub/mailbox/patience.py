"""Decide how long to wait after a mailbox failed, and when people must hear of it. Pure."""

from dataclasses import dataclass

from hubbub.sdk.errors import AuthFailed, SendError


@dataclass(frozen=True, kw_only=True)
class Pace:
    """Seconds by which a mailbox is watched."""

    #: Between attempts: doubled each time, and a part of it chosen at random.
    first_pause: float = 5.0
    longest_pause: float = 900.0
    #: A session that lasted so long was well: the next pause is the first one again.
    good: float = 300.0
    #: Failures for so long are shown.
    shown: float = 600.0
    #: A refused password is shown at once, and tried once more. Servers punish who repeats it,
    #: and the next good login too.
    refused: float = 600.0
    #: A server that is silent for so long is gone.
    silence: float = 60.0
    #: Between looks whether to stop.
    look: float = 0.5
    #: For a letter to come to its end when we are to stop; then the connection is cut.
    grace: float = 2.0


class Patience:
    """What has failed so far, and since when; times are seconds on one clock."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._failures = 0
        self._failing_since: float | None = None
        self._refused_at: float | None = None
        self._began: float | None = None

    def connected(self, now: float) -> None:
        """Hear that we were let in."""
        self._began = now
        self._refused_at = self._failing_since = None

    def failed(self, error: SendError, now: float, jitter: float) -> float:
        """Return the seconds to wait; ``jitter`` is from 0 to 1.

        Raises `AuthFailed` when a login is refused a second time.
        """
        if self._began is not None and now - self._began >= self._pace.good:
            self._failures = 0
        self._began = None
        if self._failing_since is None:
            self._failing_since = now
        if isinstance(error, AuthFailed):
            return self._refused(error, now)
        longest = min(self._pace.first_pause * 2.0**self._failures, self._pace.longest_pause)
        self._failures = min(self._failures + 1, 20)
        return longest * jitter

    @property
    def refused(self) -> bool:
        """Whether a login was refused since we were let in."""
        return self._refused_at is not None

    def over(self, now: float) -> bool:
        """Whether people must hear of it: nothing has worked for long, or a login is refused."""
        since = self._failing_since
        return self.refused or (since is not None and now - since >= self._pace.shown)

    def _refused(self, error: AuthFailed, now: float) -> float:
        if self._refused_at is not None and now - self._refused_at >= self._pace.refused:
            raise error
        if self._refused_at is None:
            self._refused_at = now
        return self._refused_at + self._pace.refused - now
