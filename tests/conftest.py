"""What every test starts from: files in a folder of its own, and no artifact in memory."""

import os

import pytest
from django.core.cache import cache, caches
from django.utils import translation

from crm import artifacts
from recommendations import popular

# Tests that run side by side share one Redis, not what they keep in it.
caches.settings["default"]["KEY_PREFIX"] = os.environ.get("PYTEST_XDIST_WORKER", "")


@pytest.fixture(autouse=True)
def _own_files(settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.EMAIL_FILE_PATH = str(tmp_path / "mail")
    artifacts._load.cache_clear()
    popular.forget()
    cache.clear()  # what one test knew of the rules is not so in the next


@pytest.fixture(autouse=True)
def _own_language():
    """A page asked for in Chinese leaves its language behind for whoever comes next."""
    translation.deactivate()
