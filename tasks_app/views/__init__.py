"""The doors for people: thin, and each asks for permission in its first line."""
