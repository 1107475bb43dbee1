"""Imitate what the products of Meta's Graph API share: apps, tokens, refusals, webhooks."""
