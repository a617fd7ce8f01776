import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "marketing.settings")
application = get_wsgi_application()

from marketing.checks import refuse_half_configured  # noqa: E402

refuse_half_configured()
