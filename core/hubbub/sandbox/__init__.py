"""Imitate the providers: their APIs, webhooks and failures, and the customers behind them."""

from hubbub.sandbox.app import create_sandbox
from hubbub.sandbox.config import SandboxConfig
from hubbub.sandbox.serve import Live, live, serve

__all__ = ["Live", "SandboxConfig", "create_sandbox", "live", "serve"]
