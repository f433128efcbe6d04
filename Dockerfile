# Serves the profiles of the lake in the directory that is mounted at /data, beside personalize.toml:
#   docker build -t fhir-personalization . && docker run -p 8000:8000 -v "$PWD:/data" fhir-personalization
# The directory belongs to user 10001. Every other command works as well: `... fhir-personalization run hospital`. The demo:
#   docker run --rm --no-healthcheck -p 8080:8080 fhir-personalization demo --host 0.0.0.0 --port 8080
FROM python:3.11-slim
WORKDIR /app
COPY requirements.lock pyproject.toml README.md LICENSE ./
COPY service service
COPY fhir_profiles fhir_profiles
RUN python -m pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements.lock
RUN python -m pip install --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation .
USER 10001
WORKDIR /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/healthz', timeout=2)"]
ENTRYPOINT ["personalize"]
CMD ["serve", "--host", "0.0.0.0", "--port", "8000"]
