"""Watch mailboxes over IMAP: keep every letter once, and mark it afterwards."""
