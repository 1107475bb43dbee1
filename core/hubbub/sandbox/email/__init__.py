"""Imitate a mail provider: SMTP to hand letters in, IMAP to read them, OAuth for both."""
