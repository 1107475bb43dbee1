"""Speak IMAP: connect through the guard, open folders, fetch letters, look whether all is well."""
