# The harness on a CPU, with the versions that constraints.txt pins (docs/containers.md):
#   docker build -t domain-harness .
#   docker run --rm -v "$PWD":/suites -v harness-cache:/cache domain-harness run suite.yaml
FROM python:3.11-slim-bookworm AS harness

# Of the default index pip would take a torch with CUDA, of several GB.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
ENV HARNESS_CACHE=/cache \
    PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PYTHONUNBUFFERED=1

WORKDIR /opt/domain-harness
COPY pyproject.toml constraints.txt README.md LICENSE ./
COPY harness harness
COPY baselines baselines
COPY adapters adapters
COPY reports reports
COPY suites suites
RUN pip install -c constraints.txt --extra-index-url "$TORCH_INDEX" '.[local,documents]'

# Not root, so that what a run writes into a mounted folder belongs to a user; -u "$(id -u)" makes it yours.
RUN useradd --create-home --uid 1000 harness \
    && mkdir -p /cache /suites \
    && chown harness:harness /cache /suites
USER 1000:1000
VOLUME ["/cache"]
WORKDIR /suites
ENTRYPOINT ["harness"]
CMD ["--help"]
