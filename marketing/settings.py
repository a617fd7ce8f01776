"""Settings: every knob read from the environment, with a default that suits a laptop.

With nothing set this is the embedded default: SQLite, a broker made of files, an in-process
channel layer, mail into files. Production names its servers; marketing/checks.py refuses to
start when only some of them are named.
"""

import os
import secrets
import sys
import warnings
from pathlib import Path
from typing import Any

import environ
import structlog
from csp.constants import NONCE, NONE, SELF
from django.utils.translation import gettext_lazy as _
from kombu import Exchange, Queue

from marketing import navigation
from marketing.schedule import LONG, SCHEDULE, SHORT, TAKES_LONG
from marketing.subscriptions import LISTENERS, SUBSCRIPTIONS

# Sounds of single characters are all that is asked of pypinyin: without its phrases, 45 MB less.
os.environ.setdefault("PYPINYIN_NO_PHRASES", "1")
os.environ.setdefault("PYPINYIN_NO_DICT_COPY", "1")

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
environ.Env.read_env(BASE_DIR / ".env")
TESTING = "pytest" in sys.modules

VAR_DIR = Path(env("VAR_DIR", default=str(BASE_DIR / "var")))  # all that this installation writes
VAR_DIR.mkdir(parents=True, exist_ok=True)


def _kept_secret(name: str) -> str:
    """A secret of this installation, made on the first start (never used in production)."""
    path = VAR_DIR / name
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(secrets.token_urlsafe(48))
    return path.read_text().strip()


DEBUG = env.bool("DEBUG", default=True)
SECRET_KEY = env("SECRET_KEY", default="") or _kept_secret("secret_key")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]", "testserver"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
FIELD_ENCRYPTION_KEYS = env.list("FIELD_ENCRYPTION_KEYS", default=[])
WIDGET_IDENTITY_SECRET = env("WIDGET_IDENTITY_SECRET", default="") or _kept_secret("widget_secret")
SITE_URL = env("SITE_URL", default=f"http://localhost:{env('PORT', default='8000')}").rstrip("/")

INSTALLED_APPS = [
    *(["daphne"] if "runserver" in sys.argv else []),  # 25 MB that no other command needs
    "marketing",
    "unfold",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django_prometheus",
    "django_structlog",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "channels",
    "axes",
    "crm",
    "recommendations",
    "campaigns",
    "chatbot",
]
MIDDLEWARE = [
    "django_prometheus.middleware.PrometheusBeforeMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_structlog.middlewares.RequestMiddleware",
    "axes.middleware.AxesMiddleware",
    "django_prometheus.middleware.PrometheusAfterMiddleware",
]
ROOT_URLCONF = "marketing.urls"
WSGI_APPLICATION = "marketing.wsgi.application"
ASGI_APPLICATION = "marketing.asgi.application"
TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_ENABLED = not TESTING

# Data -----------------------------------------------------------------------------------
DATABASE_URL = env("DATABASE_URL", default="")
DATABASES: dict[str, dict[str, Any]] = {
    "default": env.db_url_config(DATABASE_URL or f"sqlite:///{VAR_DIR / 'rapport.sqlite3'}")
}
IS_SQLITE = "sqlite" in DATABASES["default"]["ENGINE"]
if IS_SQLITE:
    DATABASES["default"]["OPTIONS"] = {
        # Without both of the first two, writers fail with "database is locked".
        "transaction_mode": "IMMEDIATE",
        "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;"
        "PRAGMA mmap_size=134217728;PRAGMA cache_size=-20000;",
        "timeout": 20,
    }
    # A file, as in production: Django's own in-memory database shares one cache between the
    # threads of a test, and there a reader meets "table is locked" at once, timeout or no.
    DATABASES["default"]["TEST"] = {"NAME": str(VAR_DIR / f"test-{os.getpid()}.sqlite3")}
else:
    DATABASES["default"]["CONN_MAX_AGE"] = env.int("CONN_MAX_AGE", default=60)
    DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
MEDIA_ROOT = VAR_DIR / "media"
PICTURES_ROOT = VAR_DIR / "pictures"  # of products; everybody may see them
PICTURES_URL = "/pictures/"
SPARK_MASTER = env("SPARK_MASTER", default="")  # learns factors there: recommendations/spark.py
REDIS_URL = env("REDIS_URL", default="")
CACHES: dict[str, dict[str, Any]] = {
    "default": (
        {"BACKEND": "marketing.caches.RedisCache", "LOCATION": REDIS_URL}
        if REDIS_URL
        else {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
    )
}
CHANNEL_LAYERS: dict[str, dict[str, Any]] = {
    "default": (
        {
            "BACKEND": "channels_redis.core.RedisChannelLayer",
            "CONFIG": {
                # redis-py's own five seconds end idle sockets: the layer blocks that long.
                "hosts": [{"address": REDIS_URL, "socket_timeout": 15}],
                "group_expiry": 60,  # seconds: a process that is there says so every other second
            },
        }
        if REDIS_URL
        else {"BACKEND": "channels.layers.InMemoryChannelLayer"}
    )
}

# Jobs -----------------------------------------------------------------------------------
EVENT_SUBSCRIPTIONS = SUBSCRIPTIONS
EVENT_LISTENERS = LISTENERS
CELERY_BROKER_URL = env("CELERY_BROKER_URL", default="") or "filesystem://localhost"
CELERY_BROKER_TRANSPORT_OPTIONS: dict[str, Any] = {"socket_connect_timeout": 2}
if CELERY_BROKER_URL.startswith("filesystem://"):
    _queue = VAR_DIR / "queue"
    (_queue / "control").mkdir(parents=True, exist_ok=True)
    CELERY_BROKER_TRANSPORT_OPTIONS = {
        "data_folder_in": str(_queue),
        "data_folder_out": str(_queue),
        "control_folder": str(_queue / "control"),
        "polling_interval": 0.2,
    }
# A worker that is told no queue serves both.
CELERY_TASK_QUEUES = [Queue(name, Exchange(name), routing_key=name) for name in (SHORT, LONG)]
CELERY_TASK_DEFAULT_QUEUE = SHORT
CELERY_TASK_ROUTES = {task: {"queue": LONG} for task in TAKES_LONG}
CELERY_TASK_ALWAYS_EAGER = TESTING
CELERY_TASK_EAGER_PROPAGATES = True
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_CANCEL_LONG_RUNNING_TASKS_ON_CONNECTION_LOSS = True
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_PUBLISH_RETRY_POLICY = {"max_retries": 1, "interval_start": 0.1}
CELERY_BEAT_SCHEDULE = SCHEDULE
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "beat-schedule")
CELERY_BEAT_SCHEDULER = "marketing.beat.Scheduler"
CELERY_TIMEZONE = "UTC"

# Mail -----------------------------------------------------------------------------------
EMAIL_URL = env("EMAIL_URL", default="")
if EMAIL_URL:
    vars().update(env.email_url_config(EMAIL_URL))
else:
    EMAIL_BACKEND = "campaigns.mailfiles.EmailBackend"
EMAIL_PROVIDER = env("EMAIL_PROVIDER", default="")  # one that django-anymail knows, as "postmark"
if EMAIL_PROVIDER:
    EMAIL_BACKEND = f"anymail.backends.{EMAIL_PROVIDER}.EmailBackend"
ANYMAIL = {
    name.removeprefix("ANYMAIL_"): value
    for name, value in os.environ.items()
    if name.startswith("ANYMAIL_")
}
EMAIL_FILE_PATH = str(VAR_DIR / "mail")
EMAIL_CONNECTIONS = env.int("EMAIL_CONNECTIONS", default=4)  # of each sender, by SMTP
EMAIL_RATE = env.float("EMAIL_RATE", default=0.0)  # mails a second of all senders; 0: no limit
EMAIL_DOMAIN_RATES = env.dict("EMAIL_DOMAIN_RATES", cast={"value": float}, default={})
SMS_URL = env("SMS_URL", default="")  # twilio://account:token@+15550001; without it, files
WHATSAPP_URL = env("WHATSAPP_URL", default="")
PHONE_PREFIX = env("PHONE_PREFIX", default="+86")  # of numbers that were given without a country
REPORTS_SECRET = env("REPORTS_SECRET", default="")  # whsec_…: who has it may report bounces
DEFAULT_FROM_EMAIL = env("DEFAULT_FROM_EMAIL", default="Rapport Shop <shop@example.com>")

INTEREST_HALF_LIFE = env.float("INTEREST_HALF_LIFE", default=30.0)  # days
MESSAGE_COST = env.float("MESSAGE_COST", default=0.05)  # of one message, in the shop's currency

# The chat -----------------------------------------------------------------------------------
CHAT_HOURS = env("CHAT_HOURS", default="")  # when staff answer, like 09:00-21:00; always without
CHAT_WAIT_TOLD = env.float("CHAT_WAIT_TOLD", default=2.0)  # minutes until who waits is told so
CHAT_WAIT_OFFERED = env.float("CHAT_WAIT_OFFERED", default=10.0)  # … is offered a call back
CHAT_HOLDOUT = env.float("CHAT_HOLDOUT", default=0.0)  # share that the bot never speaks to first

# A language model, when somebody plugs one in --------------------------------------------
LLM_BASE_URL = env("LLM_BASE_URL", default="")
LLM_MODEL = env("LLM_MODEL", default="")
LLM_API_KEY = env("LLM_API_KEY", default="")
LLM_TIMEOUT = env.float("LLM_TIMEOUT", default=3.0)  # seconds, of a whole answer
LLM_DAILY_TOKENS = env.int("LLM_DAILY_TOKENS", default=200_000)  # none are asked for after that

# Requests to addresses that partners and staff choose ------------------------------------
OUTGOING_HTTP = env.bool("OUTGOING_HTTP", default=False)  # also without TLS
OUTGOING_PORTS = env.list("OUTGOING_PORTS", cast=int, default=[443, 8443])
OUTGOING_NETWORKS = env.list("OUTGOING_NETWORKS", default=[])  # of our own that may be reached

# Language and time ------------------------------------------------------------------------
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English")), ("zh-hans", _("Chinese"))]
LOCALE_PATHS = [BASE_DIR / "marketing" / "locale"]
FORMAT_MODULE_PATH = ["marketing.formats"]
USE_I18N = True
USE_TZ = True
TIME_ZONE = env("TIME_ZONE", default="UTC")

# Web --------------------------------------------------------------------------------------
STATIC_URL = "static/"
STATIC_ROOT = VAR_DIR / "static"
STATIC_ROOT.mkdir(exist_ok=True)
WHITENOISE_USE_FINDERS = DEBUG
WHITENOISE_AUTOREFRESH = False
# Static files are small: reading one in a piece under ASGI is what we want.
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous")
LOGIN_URL = LOGIN_REDIRECT_URL = "/admin/"
X_FRAME_OPTIONS = "DENY"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_SSL_REDIRECT = not DEBUG
SECURE_HSTS_SECONDS = 0 if DEBUG else 31_536_000
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = not DEBUG
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440
CONTENT_SECURITY_POLICY: dict[str, Any] = {
    "EXCLUDE_URL_PREFIXES": ("/admin",),  # unfold needs eval
    "DIRECTIVES": {
        "default-src": [SELF],
        "script-src": [SELF, NONCE],
        "style-src": [SELF, NONCE],
        "img-src": [SELF, "data:"],
        "connect-src": [SELF, "ws:", "wss:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
    },
}
UNFOLD = navigation.UNFOLD
_API = (
    "Customers, segments, recommendations, decisions and campaigns for partners and the company's "
    "own shops. Show a key as `Authorization: Bearer rk_…`; every error is an RFC 9457 problem."
)
REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAdminUser"],
    "DEFAULT_PARSER_CLASSES": ["crm.rest.asked.JSONParser"],
    "DEFAULT_SCHEMA_CLASS": "crm.rest.schema.Calls",
    "EXCEPTION_HANDLER": "crm.rest.problems.handler",
}
SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "Rapport",
    "VERSION": "1",
    "DESCRIPTION": _API,
    "OAS_VERSION": "3.1.1",
    "SCHEMA_PATH_PREFIX": "/api/v1/",
    "PREPROCESSING_HOOKS": ["crm.rest.schema.only_the_api"],
    "AUTHENTICATION_WHITELIST": ["crm.rest.views.PartnerAuthentication"],
    "SERVE_INCLUDE_SCHEMA": False,
    "COMPONENT_SPLIT_REQUEST": True,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "ENUM_NAME_OVERRIDES": {
        "SegmentKind": "crm.models.segments.Segment.Kind",
        "IdentityKind": "crm.models.customers.Identity.Kind",
        "RewardKind": "campaigns.models.Reward.Kind",
        "WebhookState": "crm.models.webhooks.Webhook.State",
        "MessageState": "crm.models.webhooks.WebhookMessage.State",
        "FeedbackKind": "crm.models.activity.Feedback.Kind",
    },
}

# What people read -------------------------------------------------------------------------
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"plain": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "plain"}},
    "root": {"handlers": ["console"], "level": env("LOG_LEVEL", default="INFO")},
    "loggers": {
        "django_structlog": {"level": "WARNING"},
        "axes": {"level": "WARNING"},
        "daphne": {"level": "WARNING"},
        "channels_redis": {"level": "WARNING"},  # a hint for a process that has ended is no news
    },
}
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = False  # of whoever visits: nobody's address is in the logs
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.filter_by_level,
        structlog.processors.format_exc_info,
        structlog.processors.KeyValueRenderer(key_order=["event", "request_id"]),
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
