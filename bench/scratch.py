"""A shop of one run's own: an empty folder, a database to be thrown away, and Django set up."""

import os
import tempfile
from contextlib import contextmanager


@contextmanager
def scratch_shop(**environment):
    """On the server of DATABASE_URL, or on SQLite. The environment is set before Django is."""
    url, drop = scratch(os.environ.get("DATABASE_URL", ""))
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"VAR_DIR": folder, "DATABASE_URL": url, "LOG_LEVEL": "WARNING"}
        os.environ |= {"DJANGO_SETTINGS_MODULE": "marketing.settings"} | environment
        import django

        django.setup()
        try:
            yield
        finally:
            django.db.connections.close_all()
            drop()


def scratch(url):
    """A database of this run's own; returns its address and how to drop it."""
    if "postgres" not in url:
        return "", lambda: None
    import psycopg2

    name, server = f"rapport_bench_{os.getpid()}", url.rsplit("/", 1)[0]
    connection = psycopg2.connect(f"{server}/postgres")
    connection.autocommit = True
    connection.cursor().execute(f"CREATE DATABASE {name}")
    return f"{server}/{name}", lambda: connection.cursor().execute(
        f"DROP DATABASE {name} WITH (FORCE)"
    )
