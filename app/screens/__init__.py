"""The declared screens, a file a room, in the order of a clerk's day; `app/views.py` puts them in the menu."""
