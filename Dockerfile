# The demo in a container: docker build -t fhir-personalization . && docker run --rm -p 8080:8080 fhir-personalization
FROM python:3.11-slim
WORKDIR /app
COPY requirements.lock pyproject.toml README.md LICENSE ./
COPY service service
COPY fhir_profiles fhir_profiles
RUN python -m pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements.lock
RUN python -m pip install --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation .
USER 10001
WORKDIR /tmp
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8080/fhir/metadata', timeout=2)"]
CMD ["personalize", "demo", "--host", "0.0.0.0", "--port", "8080"]
