"""Template tags: `{% load progress %}`."""
