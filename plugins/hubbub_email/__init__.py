"""Letters as a channel: SMTP to send, IMAP to receive."""
