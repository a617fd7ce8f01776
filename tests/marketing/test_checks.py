import os
import subprocess
import sys

import pytest

from marketing import checks

SERVERS = {
    "SECRET_KEY": "x" * 50,
    "ALLOWED_HOSTS": "shop.example",
    "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none",
    "REDIS_URL": "redis://127.0.0.1:1/0",
    "CELERY_BROKER_URL": "redis://127.0.0.1:1/1",
    "EMAIL_URL": "smtp://127.0.0.1:1",
    "FIELD_ENCRYPTION_KEYS": "key",
    "WIDGET_IDENTITY_SECRET": "secret",
    "SITE_URL": "https://shop.example",
}


def check(tmp_path, **environment):
    """Run the system checks in a process of its own, as a deployment would."""
    kept = {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}
    command = [sys.executable, "manage.py", "check", "--fail-level", "ERROR"]
    return subprocess.run(
        command,
        env=kept | {"VAR_DIR": str(tmp_path)} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_embedded_default_needs_nothing(tmp_path):
    assert check(tmp_path).returncode == 0


def test_production_names_everything_that_is_missing(tmp_path):
    done = check(tmp_path, DEBUG="0")
    assert done.returncode != 0
    for name in checks.NEEDED_IN_PRODUCTION:
        assert f"{name} is not set" in done.stderr


@pytest.mark.parametrize("missing", ["SECRET_KEY", "REDIS_URL"])
def test_production_refuses_to_start_half_configured(tmp_path, missing):
    servers = {name: value for name, value in SERVERS.items() if name != missing}
    done = check(tmp_path, DEBUG="0", **servers)
    assert done.returncode != 0
    assert done.stderr.count("is not set") == 1
    assert missing in done.stderr


def test_production_starts_when_everything_is_named(tmp_path):
    assert check(tmp_path, DEBUG="0", **SERVERS).returncode == 0


@pytest.mark.parametrize(
    "server",
    [
        ["uvicorn", "marketing.asgi:application", "--port", "0"],
        ["celery", "-A", "marketing", "worker", "-c", "1", "--pool", "solo"],
        ["celery", "-A", "marketing", "beat"],
    ],
    ids=["web", "worker", "scheduler"],
)
def test_no_server_starts_half_configured(tmp_path, server):
    kept = {key: os.environ[key] for key in ("PATH", "HOME") if key in os.environ}
    done = subprocess.run(
        [sys.executable, "-m", *server],
        env=kept | {"VAR_DIR": str(tmp_path), "DEBUG": "0"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode != 0
    assert "DATABASE_URL is not set" in done.stderr + done.stdout


def test_an_endpoint_without_a_model_is_refused(tmp_path):
    done = check(tmp_path, LLM_BASE_URL="http://127.0.0.1:1/v1")
    assert "LLM_MODEL is not" in done.stderr


def test_every_setting_of_the_environment_is_documented():
    from pathlib import Path

    text = Path("marketing/settings.py").read_text()
    example = Path(".env.example").read_text()
    import re

    for name in re.findall(r'env(?:\.\w+)?\(\s*"([A-Z_]+)"', text):
        assert f"{name}=" in example, name
