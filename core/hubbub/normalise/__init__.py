"""Turn kept calls into contacts, conversations and messages."""
