"""For any WSGI server: `waitress-serve wsgi:app`, `gunicorn wsgi:app`."""

from catalogue.app import create_app

app = create_app()
app.extensions["travee"].hold()
