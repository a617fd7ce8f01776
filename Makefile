# Everything a person runs. `make run` needs Python 3.11 and make, nothing else.
.DELETE_ON_ERROR:
.PHONY: run install test test-services test-scale chaos check bench lock messages

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8000
export PORT
# uv is ten times faster; pip is the way where uv cannot be had or meets a proxy it distrusts.
export UV_SYSTEM_CERTS ?= 1
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check

run: $(VENV)/.installed
	@exec $(BIN)/python manage.py up --port $(PORT)

install: $(VENV)/.installed

$(VENV)/.installed: requirements.txt constraints.txt
	$(PYTHON) -m venv $(VENV)
	-$(PIP) uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python -r requirements.txt -c constraints.txt \
		|| $(PIP) -r requirements.txt -c constraints.txt
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed requirements-dev.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python -r requirements-dev.txt -c constraints.txt \
		|| $(PIP) -r requirements-dev.txt -c constraints.txt
	@touch $@

test: $(VENV)/.installed-dev
	env -u DATABASE_URL -u REDIS_URL -u CELERY_BROKER_URL -u EMAIL_URL \
		$(BIN)/python -m pytest -n 2 -m "not services and not browser and not scale"

test-services: export DATABASE_URL ?= postgres://postgres@127.0.0.1:5432/postgres
test-services: export REDIS_URL ?= redis://127.0.0.1:6379/0
test-services: export CELERY_BROKER_URL ?= redis://127.0.0.1:6379/1
test-services: $(VENV)/.installed-dev
	$(BIN)/python -m pytest -n 2 -m "not services and not browser and not scale"
	$(BIN)/python -m pytest -m "services or browser"

# The extras: Spark (needs Java 17), the index over very many products, the recurrent network
# (by pip, which can be told where a build without CUDA lies), the stronger sentence encoder
# (without the gigabytes that its packages ask for and that it does not use).
test-scale: $(VENV)/.installed-dev
	$(BIN)/uv pip install --quiet --python $(BIN)/python -r requirements-scale.txt \
		|| $(PIP) -r requirements-scale.txt
	$(PIP) -r requirements-neural.txt
	$(BIN)/uv pip install --quiet --no-deps --python $(BIN)/python -r requirements-encoder.txt \
		|| $(PIP) --no-deps -r requirements-encoder.txt
	$(BIN)/python -m pytest -m scale

# Campaigns sent among random faults: killed workers, a database that hangs up, a mail server that
# refuses and drops, wrong clocks, tasks that come twice. Needs PostgreSQL. `make chaos RUNS=50`.
RUNS ?= 1000
chaos: export DATABASE_URL ?= postgres://postgres@127.0.0.1:5432/postgres
chaos: $(VENV)/.installed-dev
	$(BIN)/python tests/campaigns/chaos.py --runs $(RUNS)

check: $(VENV)/.installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy crm recommendations campaigns chatbot marketing
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python manage.py check

bench: $(VENV)/.installed-dev
	$(BIN)/python -m bench

lock:
	$(BIN)/uv pip compile --quiet --universal --no-header --no-annotate --no-emit-index-url \
		--python-version 3.11 requirements-dev.txt -o constraints.txt

messages:
	$(BIN)/python manage.py makemessages -l zh_Hans --ignore .venv --ignore var --no-location
	$(BIN)/python manage.py compilemessages --ignore .venv
