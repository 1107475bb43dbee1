"""Speak IMAP4rev1 (RFC 3501) on the side of the server, with the extensions that clients use."""
