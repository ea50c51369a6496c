# The exporter as an image: no root, no shell needed, works with a read-only file system.
#
#   docker build -t iblai-exporter .
#   docker run --rm -p 10880:10880 iblai-exporter demo
#
# Both architectures, the same bytes for the same commit:
#
#   docker buildx build --platform linux/amd64,linux/arm64 \
#     --build-arg SOURCE_DATE_EPOCH="$(git log -1 --format=%ct)" \
#     --output type=image,name=…,push=true,rewrite-timestamp=true .
#
# To pin the base by digest as well, take the one that `docker buildx imagetools inspect
# docker.io/library/python:3.13-slim` prints, as --build-arg PYTHON_IMAGE=…@sha256:…
# An index of your own: --secret id=pip.conf,src=$HOME/.config/pip/pip.conf
ARG PYTHON_IMAGE=docker.io/library/python:3.13-slim

FROM ${PYTHON_IMAGE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_NO_CACHE_DIR=1 \
    PIP_ROOT_USER_ACTION=ignore \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONHASHSEED=0
RUN ["python", "-m", "venv", "--without-pip", "/opt/iblai"]
COPY requirements/run.txt requirements/build.txt /src/requirements/
# Wheels alone: building one would run code that no hash covers.
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf \
    ["python", "-m", "pip", "--python", "/opt/iblai/bin/python", "install", "--no-compile", \
     "--require-hashes", "--only-binary", ":all:", "-r", "/src/requirements/run.txt"]
RUN --mount=type=secret,id=pip.conf,target=/etc/pip.conf \
    ["python", "-m", "pip", "install", "--require-hashes", "--only-binary", ":all:", \
     "-r", "/src/requirements/build.txt"]
COPY pyproject.toml README.md LICENSE /src/
COPY exporter /src/exporter
RUN ["python", "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--no-index", \
     "--wheel-dir", "/src/dist", "/src"]
RUN ["python", "-m", "pip", "--python", "/opt/iblai/bin/python", "install", "--no-compile", \
     "--no-deps", "--no-index", "--find-links", "/src/dist", "iblai-exporter"]
# Compiled here, as nothing can be written later; by content, as times of files mean nothing.
RUN ["/opt/iblai/bin/python", "-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash", \
     "/opt/iblai/lib"]
RUN ["python", "-c", "import os; os.makedirs('/opt/state/iblai-exporter'); \
     os.chmod('/opt/state/iblai-exporter', 0o770)"]

FROM ${PYTHON_IMAGE}
ARG VERSION=0.1.0
ARG REVISION=
LABEL org.opencontainers.image.title="iblai-exporter" \
      org.opencontainers.image.description="Prometheus exporter for ibl.ai learning analytics" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=build /opt/iblai /opt/iblai
# For `state_dir`. OpenShift runs containers as a random user of group 0.
COPY --from=build --chown=10001:0 /opt/state/ /var/lib/
ENV PATH=/opt/iblai/bin:${PATH} \
    PYTHONDONTWRITEBYTECODE=1 \
    IBLAI_EXPORTER_REVISION=${REVISION}
USER 10001:10001
EXPOSE 10880
HEALTHCHECK --interval=30s --timeout=5s --start-period=15s CMD ["iblai-exporter", "healthcheck"]
ENTRYPOINT ["iblai-exporter"]
CMD ["serve"]
