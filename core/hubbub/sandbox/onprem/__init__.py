"""Imitate WhatsApp Business API clients: the chats of ``sandbox.whatsapp`` behind an older API."""
