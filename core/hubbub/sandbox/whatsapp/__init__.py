"""Imitate the WhatsApp Cloud API: a product of Meta's Graph API."""
