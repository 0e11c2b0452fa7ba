# Two images: `lab` is what a researcher's session runs in, `hub` is everything else.
#   docker build --target lab --build-arg BASE_IMAGE=debian:bookworm-slim -t p20win-lab .
#   docker build --target hub --build-arg BASE_IMAGE=debian:bookworm-slim -t p20win-hub .
# BASE_IMAGE is any Debian 12 with Python 3.11 to be had from its own packages.
ARG BASE_IMAGE=debian:bookworm-slim

FROM ${BASE_IMAGE} AS python
ENV PYTHONUNBUFFERED=1 LANG=C.UTF-8
RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends ca-certificates python3 python3-venv tini \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/enclave
COPY requirements/ requirements/
RUN python3 -m venv .venv \
 && .venv/bin/pip install -q --no-cache-dir --require-hashes -r requirements/bootstrap.txt \
 && .venv/bin/uv pip install -q --system-certs --no-cache --python .venv/bin/python --require-hashes --compile-bytecode -r requirements/runtime.txt
ENV PATH=/opt/enclave/.venv/bin:$PATH

# The researcher's image: the tools and p20kit, nothing of the control plane, an unprivileged user.
FROM python AS lab
COPY p20kit/ lib/p20kit/
COPY hub_config/lab/ lab/
COPY notebooks/templates/ templates/
RUN useradd --uid 1000 --create-home --shell /usr/sbin/nologin analyst \
 && python -m compileall -q lib
ENV PYTHONPATH=/opt/enclave/lib
USER 1000
WORKDIR /home/analyst
ENTRYPOINT ["tini", "--"]
CMD ["python", "/opt/enclave/lab/serve.py"]

# The hub: agreement, intake, matching, gate, JupyterHub; keys and data come in as volumes.
FROM python AS hub
RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends bubblewrap gnupg openssl util-linux \
 && rm -rf /var/lib/apt/lists/*
COPY pyproject.toml README.md ./
COPY enclave/ enclave/
COPY p20kit/ p20kit/
COPY hub_config/ hub_config/
COPY policies/ policies/
COPY notebooks/ notebooks/
RUN uv pip install -q --system-certs --no-cache --python .venv/bin/python --no-deps --no-build-isolation --editable . \
 && python -m compileall -q enclave p20kit hub_config
ENV ENCLAVE_HOME=/var/lib/enclave ENCLAVE_HUB_CONFIG=/etc/enclave/hub.toml
VOLUME ["/var/lib/enclave"]
EXPOSE 8000 2222
ENTRYPOINT ["tini", "--"]
CMD ["jupyterhub", "-f", "/opt/enclave/hub_config/jupyterhub_config.py"]
