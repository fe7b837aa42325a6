# The one image of web, worker, maintenance, beat and migrate: docker-compose.yml gives each its command.

FROM python:3.11-slim AS packages
RUN python -m venv /opt/venv
COPY requirements.txt .
RUN /opt/venv/bin/pip install --no-cache-dir --require-hashes -r requirements.txt

FROM node:20-slim AS libraries
WORKDIR /libraries
COPY config/npm/ ./
RUN npm ci --ignore-scripts --no-audit --no-fund && npm run collect

FROM python:3.11-slim
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=config.settings \
    HEADWAY_VAR=/var/lib/headway
RUN useradd --system --uid 1000 --home-dir /var/lib/headway --create-home headway
WORKDIR /app
COPY --from=packages /opt/venv /opt/venv
COPY manage.py ./
COPY config config
COPY progress_app progress_app
COPY tasks_app tasks_app
COPY templates templates
COPY --from=libraries --chown=headway /libraries/static /var/lib/headway/vendor/static
USER headway
# The key of this step signs nothing; the containers get theirs from the environment.
RUN SECRET_KEY=only-for-this-step python manage.py collectstatic --noinput
EXPOSE 8000
CMD ["python", "-m", "uvicorn", "config.asgi:application", "--host", "0.0.0.0", "--no-access-log"]
