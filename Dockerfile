# docker build -t fruits-kedro . && docker run --rm -v "$PWD/data:/app/data" fruits-kedro
# The service alone, without Kedro, Spark, Java and TensorFlow: docs/serving.md
# docker build --target serve -t fruits-serve .
FROM python:3.11-slim-bookworm AS serve-build
COPY requirements-serving.lock ./
RUN python -m venv /app/.venv \
    && /app/.venv/bin/pip install --no-cache-dir --require-hashes -r requirements-serving.lock

FROM python:3.11-slim-bookworm AS serve
RUN useradd --uid 1000 fruits
COPY --from=serve-build /app/.venv /app/.venv
COPY src/fruits_kedro /app/src/fruits_kedro
ENV PATH=/app/.venv/bin:$PATH PYTHONPATH=/app/src PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 1000
EXPOSE 8000
HEALTHCHECK --interval=10s --start-period=10s CMD ["python", "-c", "from urllib.request import ProxyHandler, build_opener; build_opener(ProxyHandler({})).open('http://127.0.0.1:8000/health/ready', timeout=2)"]
ENTRYPOINT ["python", "-m", "fruits_kedro.serving", "--store", "/store", "--host", "0.0.0.0"]

FROM python:3.11-slim-bookworm AS build
WORKDIR /app
COPY requirements.lock pyproject.toml README.md LICENSE ./
RUN python -m venv /app/.venv \
    && /app/.venv/bin/pip install --no-cache-dir --require-hashes -r requirements.lock
COPY src src
RUN /app/.venv/bin/pip install --no-cache-dir --no-deps --no-build-isolation .

FROM python:3.11-slim-bookworm
RUN useradd --create-home --uid 1000 fruits
WORKDIR /app
COPY --from=build /app/.venv /app/.venv
COPY pyproject.toml README.md ./
COPY src src
COPY conf/base conf/base
COPY conf/s3 conf/s3
COPY conf/logging.yml conf/logging.yml
COPY notebooks notebooks
RUN mkdir -p conf/local data && chown -R fruits:fruits /app/conf /app/data
ENV PATH=/app/.venv/bin:$PATH PYTHONUNBUFFERED=1 DO_NOT_TRACK=1
USER 1000
CMD ["kedro", "run"]
