"""Is the process alive, and is everything ready that an answer needs?"""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.cache import cache
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse

from crm.models import Artifact
from marketing.celery import app


def healthz(request: HttpRequest) -> HttpResponse:
    """Alive: the process answers. Nothing else is asked, so nothing else can fail it."""
    return HttpResponse("ok", content_type="text/plain")


def readyz(request: HttpRequest) -> JsonResponse:
    """Ready: database, migrations, broker and models. 503 while any of them is not."""
    report = {name: _try(check) for name, check in CHECKS.items()}
    ready = all(part["ok"] for part in report.values())
    return JsonResponse({"ready": ready, **report}, status=200 if ready else 503)


def _try(check: Callable[[], str]) -> dict[str, Any]:
    try:
        return {"ok": True, "detail": check()}
    except Exception as error:  # a health page reports whatever is wrong, it never fails itself
        return {"ok": False, "detail": f"{type(error).__name__}: {error}"[:200]}


def _database() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return connection.vendor


def _migrations() -> str:
    executor = MigrationExecutor(connection)
    waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if waiting:
        raise RuntimeError(f"{len(waiting)} migrations are not applied")
    return "applied"


def _broker() -> str:
    """Redis or RabbitMQ must answer; a broker of files must take a file."""
    if cached := cache.get("readyz:broker"):  # a connection for every probe would be a burden
        return str(cached)
    if not settings.CELERY_TASK_ALWAYS_EAGER:
        with app.connection_for_write() as link:
            link.ensure_connection(max_retries=1, timeout=2)
    cache.set("readyz:broker", app.connection().transport_cls, 10)
    return str(app.connection().transport_cls)


def _models() -> str:
    champions = Artifact.objects.filter(status=Artifact.Status.CHAMPION).count()
    if not champions:
        raise RuntimeError("no estimator is trained yet: run manage.py train")
    return f"{champions} champions"


CHECKS: dict[str, Callable[[], str]] = {
    "database": _database,
    "migrations": _migrations,
    "broker": _broker,
    "models": _models,
}
