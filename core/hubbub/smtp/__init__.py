"""Speak SMTP: talk with one server, and keep such talks for the letters that follow."""
