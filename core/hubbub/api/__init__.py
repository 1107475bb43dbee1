"""Offer the JSON API: what a program may ask of the hub, and its OpenAPI description."""

from hubbub.api.blueprint import make_api

__all__ = ["make_api"]
