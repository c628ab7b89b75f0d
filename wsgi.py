"""Entry of production servers (`gunicorn wsgi:app`) and of the `flask` commands."""

from app import create_app
from config import SettingError

try:
    app = create_app()
except SettingError as error:
    raise SystemExit(f"Atiende: {error}") from None
