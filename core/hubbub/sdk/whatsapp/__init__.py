"""Help channel types of WhatsApp's: Meta's two products say messages in the same words."""
