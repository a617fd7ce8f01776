"""What every test starts from: files in a folder of its own, and no artifact in memory."""

import pytest
from django.core.cache import cache
from django.utils import translation

from crm import artifacts
from recommendations import popular


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
