"""Keep everything: tables, states, sessions and migrations."""
