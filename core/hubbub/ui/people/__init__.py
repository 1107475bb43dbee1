"""Let people in, and manage who works here: people, teams and tokens."""
