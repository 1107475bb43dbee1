"""Be the chat window of a site, whose provider is the hub itself."""

from tests.chaos.kinds.kind import Kind

WEBCHAT = Kind(
    name="webchat",
    type="webchat",
    credentials={"identity_secret": "CHAOS-identity-secret-canary-of-the-site"},
    provider="",
    operations=(),
    reached=lambda _simulator, _known: {},
    bot="keyword",
    webhook=None,
    window=True,
    first=7_000_000,
    # As much as a visitor may say in ten minutes.
    stamina=90,
)
