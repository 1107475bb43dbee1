"""Know who works here: users, their sessions, API tokens, and what each of them changed."""
