"""`python -m inference.describe MODEL` says what would be loaded, without loading it.

It describes the model for this machine, unless DEVICE, DTYPE and WEIGHTS say otherwise. MODEL is
as in the settings of the worker.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from typing import Any

from inference.checkpoint.open import Checkpoint, open_model
from inference.errors import OperatorError
from inference.model.config import parameter_shapes
from inference.model.device import Device, Limits
from inference.model.weight_loader import WeightLoader, rank_bytes
from inference.settings import WorkerSettings, load_settings
from inference.tokenization.chat_template import ChatTemplate

MAX_TP = 64


Report = dict[str, Any]
"""What --json prints."""


def main() -> int:
    """Run the command. Exit codes: 0, 2 for a model that cannot be served (a sentence says why)."""
    parser = argparse.ArgumentParser(prog="python -m inference.describe", description=__doc__)
    parser.add_argument("model", nargs="?", help="a path or a package; by default MODEL")
    parser.add_argument("--json", action="store_true", help="print it as JSON")
    args = parser.parse_args()
    try:
        settings = load_settings()
        report = describe(args.model or settings.model, settings)
    except OperatorError as error:
        print(f"describe: {error}", file=sys.stderr)
        return error.exit_code
    print(json.dumps(report, ensure_ascii=False) if args.json else table(report))
    return 0


def describe(model: str, settings: WorkerSettings) -> Report:
    """Describe what MODEL names; sizes are in bytes. Raises ModelError."""
    checkpoint, vocabulary = open_model(model)
    device, config = Device.choose(settings, rank=0, tp=1), checkpoint.config
    return {
        "path": str(checkpoint.path),
        "source": checkpoint.source,
        "family": config.family,
        "parameters": sum(rows * columns for _, (rows, columns) in parameter_shapes(config)),
        "layers": config.layers,
        "hidden": config.hidden,
        "heads": config.heads,
        "kv_heads": config.kv_heads,
        "vocabulary": len(vocabulary.tokens),
        "context": config.context,
        "disk": sum(tensor.size for tensor in checkpoint.tensors.values()),
        "dtype": device.description,
        "kv_bytes_per_token": config.cache_bytes(1, 1, device.dtype.itemsize),
        "shares": list(_shares(checkpoint, device, Limits.choose(settings, device).kv_fraction)),
        "template": ChatTemplate(vocabulary).source,
        "ends": sorted(vocabulary.name(token) for token in vocabulary.end_ids),
    }


def _shares(checkpoint: Checkpoint, device: Device, fraction: float) -> Iterator[Report]:
    """Yield what each of `tp` ranks holds, in bytes, and how many tokens fit into the cache: into
    KV_FRACTION of the memory that is free now, without the weights.
    """
    loader, config = WeightLoader(checkpoint.tensors, checkpoint.refs), checkpoint.config
    size = device.dtype.itemsize
    for tp in range(1, min(config.heads, MAX_TP) + 1):
        if config.splits(tp):
            held = rank_bytes(loader, config, tp, device.form, size, device=device.name)
            token = config.cache_bytes(1, tp, size)
            tokens = int((device.free_memory(tp) - held) * fraction) // token
            yield {"tp": tp, "weights": held, "kv_bytes_per_token": token, "tokens": max(0, tokens)}


def table(report: Report) -> str:
    """Return the report for a terminal."""
    ends = ", ".join(report["ends"])
    lines = [
        ("model", report["path"]),
        ("source", f"{report['source']}, {report['disk'] / 1e6:,.0f} MB of weights"),
        ("family", report["family"]),
        ("parameters", f"{report['parameters']:,}"),
        ("layers", f"{report['layers']} of {report['hidden']} numbers"),
        ("heads", f"{report['heads']}, {report['kv_heads']} of keys and values"),
        ("vocabulary", f"{report['vocabulary']:,} tokens; a text ends at {ends}"),
        ("context", f"{report['context']:,} tokens"),
        ("numbers", report["dtype"]),
        ("KV cache", f"{report['kv_bytes_per_token']:,} bytes a token"),
    ]
    shares = [
        f"{share['tp']:>4}  {share['weights'] / 1e6:>16,.1f} MB  {share['tokens']:>14,}"
        for share in report["shares"]
    ]
    return "\n".join(
        [
            *(f"{name:<12}{text}" for name, text in lines),
            "",
            f"{'TP':>4}  {'weights a rank':>19}  {'tokens that fit':>14}",
            *shares,
            "",
            "chat template:",
            *(f"    {line}" for line in report["template"].splitlines()),
        ]
    )


if __name__ == "__main__":
    sys.exit(main())
