"""Verbs that touch several tables, a file a room of the mission. They take a session and the instant, flush, and never commit."""
