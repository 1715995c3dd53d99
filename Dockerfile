# syntax=docker/dockerfile:1
# The product alone, for servers of your own: web, worker and beat are the same image with another command.
FROM python:3.13-slim AS packages
WORKDIR /app
COPY requirements.lock .
RUN python -m venv /app/.venv \
    && /app/.venv/bin/pip install --no-cache-dir --require-hashes --only-binary=:all: -r requirements.lock

FROM python:3.13-slim
ENV PATH=/app/.venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1
RUN useradd --system --uid 10001 --no-create-home portal
WORKDIR /app
COPY --from=packages /app/.venv .venv
COPY . .
# Neither step connects to anything; the settings only want to read their variables.
RUN python tools/translations.py compile \
    && SECRET_KEY=build DATABASE_URL=postgresql://build@build/build REDIS_URL=redis://build \
       python manage.py collectstatic --no-input --verbosity 0
USER 10001
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import socket; socket.create_connection(('127.0.0.1', 8000), 3).close()"]
CMD ["gunicorn"]
