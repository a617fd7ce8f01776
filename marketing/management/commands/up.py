"""`up`: everything with one command, on the embedded default or on named servers.

Migrates, fills an empty database with the demo shop, trains what was never trained, then
runs web, worker and scheduler together.
"""

import argparse
import os
import secrets
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.utils import timezone

from crm.models import Artifact, Customer
from marketing import demo
from marketing.schedule import LONG, SHORT
from marketing.supervisor import Supervisor, python

STAFF = "staff"


class Command(BaseCommand):
    help = "Migrate, fill and train where needed; then run web, worker and scheduler."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=int(os.environ.get("PORT", "8000")))
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--customers", type=int, default=2000, help="size of the demo shop")
        parser.add_argument("--no-demo", action="store_true", help="leave an empty database empty")

    def handle(self, **options: Any) -> None:
        started = time.monotonic()
        call_command("check")
        self._say("Bringing the database up to date …")
        call_command("migrate", verbosity=0)
        if not settings.DEBUG:
            call_command("collectstatic", interactive=False, verbosity=0)
        staff = self._staff()
        if not options["no_demo"] and not Customer.objects.exists():
            self._say(f"Making the demo shop with {options['customers']:,} customers …")
            demo.fill(customers=options["customers"], seed=7, now=timezone.now(), staff=staff)
        if Customer.objects.exists() and not _champions():
            self._say("Training every model …")
            subprocess.run(python("manage.py", "train"), check=True, stdout=subprocess.DEVNULL)
        address = f"http://localhost:{options['port']}/"
        threading.Thread(
            target=self._announce, args=(address, options, started), daemon=True
        ).start()
        os.environ["PORT"] = str(options["port"])  # links in messages lead to where it listens
        sys.exit(Supervisor(self._commands(options), self._say).run())

    def _commands(self, options: dict[str, Any]) -> dict[str, list[str]]:
        web = ["-m", "uvicorn", "marketing.asgi:application", "--no-access-log"]
        web += ["--host", options["host"], "--port", str(options["port"])]
        web += ["--log-level", "warning", "--ws-max-size", "65536"]
        web += ["--ws-per-message-deflate", "false"]  # it takes 60 kB a socket, and time
        web += ["--timeout-graceful-shutdown", "5"]
        short = _worker(SHORT, "-B", "--max-memory-per-child", "400000")
        long = _worker(LONG, "--max-tasks-per-child", "1")  # what a training took is given back
        return {"web": python(*web), "worker": short, "worker of long tasks": long}

    def _staff(self) -> User | None:
        """Make a first staff login; its password is kept where only this user can read it."""
        if User.objects.filter(is_staff=True).exists():
            return User.objects.filter(is_staff=True).first()
        password = secrets.token_urlsafe(9)
        path = settings.VAR_DIR / "staff-password"
        path.touch(mode=0o600)
        path.write_text(password)
        return User.objects.create_superuser(STAFF, "staff@example.com", password)

    def _announce(self, address: str, options: dict[str, Any], started: float) -> None:
        ready = f"http://127.0.0.1:{options['port']}/readyz"
        while True:
            try:
                with urllib.request.urlopen(ready, timeout=5):
                    break
            except urllib.error.HTTPError as error:
                if error.code != 503 or options["no_demo"]:
                    break  # it answers: what is not ready, /readyz tells
            except OSError:
                pass
            time.sleep(0.3)
        path = settings.VAR_DIR / "staff-password"
        login = f"{STAFF} / {path.read_text()}" if path.exists() else "as you set it"
        sys.stdout.write(
            f"\nRapport is ready after {time.monotonic() - started:.0f} s.\n"
            f"  Shop with chat   {address}\n"
            f"  Staff            {address}admin/   ({login})\n"
            f"  Sent mail        {settings.EMAIL_FILE_PATH}\n"
            "Ctrl-C stops everything.\n\n"
        )
        sys.stdout.flush()

    def _say(self, text: str) -> None:
        sys.stderr.write(text + "\n")
        sys.stderr.flush()


def _worker(queue: str, *options: str) -> list[str]:
    """One process that works through one queue."""
    # Celery warns of running as root for pickle's sake; our tasks are JSON.
    worker = ["-W", "ignore:You're running the worker", "-m", "celery", "-q", "-A", "marketing"]
    worker += ["worker", "-Q", queue, "-n", f"{queue}@%h", "-c", "1", "-l", "WARNING"]
    worker += ["--statedb", str(settings.VAR_DIR / f"worker-state-{queue}")]
    return python(*worker, "--pidfile", "", "--without-mingle", *options)


def _champions() -> bool:
    return Artifact.objects.filter(status=Artifact.Status.CHAMPION).exists()
