# Thin aliases: the commands themselves need no make.
.PHONY: up test check lock messages pictures

up:
	python3 manage.py up

test:
	python3 manage.py test

# What .ci/run asks for besides the tests.
check:
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy .
	.venv/bin/lint-imports
	.venv/bin/djlint templates progress_app tasks_app --check --quiet
	.venv/bin/djlint templates progress_app tasks_app --lint
	SECRET_KEY=x POSTGRES_PASSWORD=x .venv/bin/docker-compose -f docker-compose.yml config -q

# After a change of the dependencies in pyproject.toml. The locks name no index and no address.
LOCK = uv pip compile --universal --generate-hashes --no-annotate --no-header --quiet
lock:
	$(LOCK) pyproject.toml --output-file requirements.txt
	$(LOCK) pyproject.toml --group dev --extra pusher --extra ably --constraints requirements.txt --output-file requirements-dev.txt
	echo 'uv>=0.13,<0.14' | $(LOCK) - --output-file requirements-uv.txt

# After a change of texts: collects them, and compiles what was translated. Needs GNU gettext.
# The pictures of the README, after a change of how the pages look.
pictures:
	.venv/bin/python -m pytest tests/browser/test_pictures.py -m ""
	.venv/bin/python -m tests.pictures

messages:
	.venv/bin/python manage.py makemessages --locale de --no-location --no-wrap --ignore var --ignore .venv --ignore tests
	.venv/bin/python manage.py compilemessages --locale de --ignore .venv
