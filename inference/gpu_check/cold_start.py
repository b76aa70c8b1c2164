"""A rank as the supervisor starts it, from a checkpoint on disk to its first token."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import torch

from inference.engine.messages import Add, Failed, Loading, MessageSocket, Outputs, RankArgs, Ready
from inference.engine.sequence import SamplingParams
from inference.gpu_check.lab import Lab
from inference.gpu_check.local_engine import PAGE_SIZE
from inference.gpu_check.parity import hf_name
from inference.gpu_check.random_weights import RandomWeights
from inference.gpu_check.report import Row
from inference.model.config import ModelConfig, parameter_shapes

PATIENCE = 120.0


def cold_start(lab: Lab) -> Iterator[Row]:
    """Write the model to disk, and start a rank that serves it, with files that are warm."""
    lab.give_up()
    directory = Path(tempfile.mkdtemp(prefix="gpu-check-"))
    try:
        began = time.perf_counter()
        size = write_checkpoint(lab.sizes.shape, lab.device.name, directory)
        took = time.perf_counter() - began
        yield {"what": "checkpoint written", "s": took, "GB/s": size / took / 1e9}
        yield from _start(lab, directory, size)
    finally:
        shutil.rmtree(directory)


def _start(lab: Lab, directory: Path, size: int) -> Iterator[Row]:
    ours, theirs = socket.socketpair()
    began = time.perf_counter()
    rank = _rank(lab, directory, theirs)
    theirs.close()
    try:
        messages, loaded = MessageSocket(ours.detach()), []
        while not isinstance(message := messages.receive(PATIENCE), Ready):
            if isinstance(message, Failed) or message is None:
                raise RuntimeError(message.sentence if message else "the rank says nothing")
            if isinstance(message, Loading):
                loaded.append(time.perf_counter())
        ready = time.perf_counter()
        yield {"what": "process, imports, first layer", "s": loaded[0] - began}
        layers = loaded[-1] - loaded[0]
        if layers:
            share = (len(loaded) - 1) / len(loaded)
            yield {"what": "the other layers", "s": layers, "GB/s": size * share / layers / 1e9}
        yield {"what": "from the last layer to ready", "s": ready - loaded[-1]}
        yield {"what": "cold start to ready", "s": ready - began, "ok": ready - began < 20}
        yield {"what": "tokens of the cache", "tokens": message.page_count * PAGE_SIZE}
        params = asdict(SamplingParams(max_tokens=4))
        messages.send(Add("a", list(range(20)), [], 0, params))
        while not (isinstance(out := messages.receive(PATIENCE), Outputs) and out.items):
            assert not isinstance(out, Failed)
        yield {"what": "first token after ready", "s": time.perf_counter() - ready}
    finally:
        rank.kill()
        rank.wait()


def _rank(lab: Lab, directory: Path, end: socket.socket) -> "subprocess.Popen[bytes]":
    """Start it as `inference.engine.rank_processes` does, which needs pydantic."""
    args = RankArgs(
        rank=0,
        tp=1,
        parent=os.getpid(),
        fd=end.fileno(),
        store=str(directory / "store"),
        model=str(directory),
        adapters={},
        device=lab.device.name,
        dtype="auto",
        weights="auto",
        deterministic=None,
        speculate=True,
        end_ids=[],
        page_size=PAGE_SIZE,
        page_count=None if lab.on_gpu else lab.sizes.cache // PAGE_SIZE,
        kv_fraction=None,
        max_running=None,
        max_step_tokens=None,
        loading_seconds=PATIENCE,
        hang_seconds=PATIENCE,
    )
    command = [sys.executable, "-m", "inference.engine.worker", json.dumps(asdict(args))]
    environment = os.environ | {"GLOO_SOCKET_IFNAME": "lo", "PYTHONWARNINGS": "ignore"}
    return subprocess.Popen(command, pass_fds=[end.fileno()], env=environment)  # noqa: S603


def write_checkpoint(config: ModelConfig, device: str, directory: Path) -> int:
    """Write a directory as Hugging Face has it, in bf16; return the bytes of the weights.

    safetensors: the length of the header, the header in JSON, then all numbers
    (https://github.com/huggingface/safetensors#format).
    """
    weights, header, size = RandomWeights(config, device), {}, 0
    for name, (rows, columns) in parameter_shapes(config):
        end = size + 2 * rows * columns
        shape = [rows, columns] if columns > 1 else [rows]
        header[hf_name(name)] = {"dtype": "BF16", "shape": shape, "data_offsets": [size, end]}
        size = end
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with (directory / "model.safetensors").open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        for name, _ in parameter_shapes(config):
            file.write(weights.numbers(name).view(torch.uint8).cpu().numpy().data)
    (directory / "config.json").write_text(json.dumps(_hf_config(config)))
    return size


def _hf_config(config: ModelConfig) -> dict[str, object]:
    rope = config.patterns[0].rope
    assert rope is not None
    return {
        "model_type": "qwen3",
        "num_hidden_layers": config.layers,
        "hidden_size": config.hidden,
        "num_attention_heads": config.heads,
        "num_key_value_heads": config.kv_heads,
        "head_dim": config.head_dim,
        "intermediate_size": config.ffn,
        "vocab_size": config.vocab,
        "max_position_embeddings": config.context,
        "rms_norm_eps": config.norm_eps,
        "rope_theta": rope.base,
        "tie_word_embeddings": config.tied,
        "hidden_act": "silu",
    }
