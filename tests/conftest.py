"""What every test starts from: files in a folder of its own, and no artifact in memory."""

import os

import pytest
from django.core.cache import cache, caches
from django.utils import translation
from hypothesis import settings as hypothesis_settings

from crm import artifacts, outbox, write_keys
from crm.rest import views
from crm.segments import estimates
from recommendations import cold, looks, popular

# Read when the numeric libraries load. Their threads wait for each other busily, on a machine with
# other work for minutes; training has one thread in production as well (`marketing/learning.py`).
os.environ.setdefault("OMP_NUM_THREADS", "1")
# Tests that run side by side each have a database of the one Redis: to clear a cache empties all of
# its database, whatever the prefix, and what the neighbour had just kept would be gone.
_worker = os.environ.get("PYTEST_XDIST_WORKER", "").removeprefix("gw")
if _worker and caches.settings["default"]["BACKEND"].endswith("RedisCache"):
    _server = caches.settings["default"]["LOCATION"].rpartition("/")[0]
    caches.settings["default"]["LOCATION"] = f"{_server}/{8 + int(_worker)}"
# The same examples in every run, however slow the machine; PROPERTIES=explore looks for new ones.
hypothesis_settings.register_profile("same", deadline=None, derandomize=True)
hypothesis_settings.register_profile("explore", deadline=None)
hypothesis_settings.load_profile(os.environ.get("PROPERTIES", "same"))


@pytest.fixture(autouse=True)
def _own_files(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.PICTURES_ROOT = tmp_path / "pictures"
    settings.EMAIL_FILE_PATH = str(tmp_path / "mail")
    artifacts._load.cache_clear()
    popular.forget()
    looks.forget()
    cold.forget()
    outbox.forget()
    cache.clear()  # what one test knew of the rules is not so in the next
    write_keys.rate_limit.buckets.clear()
    views.rate_limit.buckets.clear()


@pytest.fixture(autouse=True)
def _own_language():
    """A page asked for in Chinese leaves its language behind for whoever comes next."""
    translation.deactivate()


@pytest.fixture(autouse=True)
def _patient_estimates(monkeypatch):
    """What staff would not wait for, a test on a busy machine does."""
    monkeypatch.setattr(estimates, "QUICK", 60.0)
    monkeypatch.setattr(estimates, "PATIENCE", 60.0)
