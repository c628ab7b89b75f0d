"""The tables, by room; `app/models.py` is their index."""
