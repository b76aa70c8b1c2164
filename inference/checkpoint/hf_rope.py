"""Rotary positions as config.json describes them, in the names of newer and of older files."""

from collections.abc import Mapping

from inference.checkpoint.fields import Fields
from inference.errors import ModelError
from inference.model.rope import Rope, yarn_attention_factor


def read_rope(
    hf: Fields, values: Mapping[str, object], dim: int, default_base: float = 10000.0
) -> Rope:
    """Read a rope from `values`: rope_theta and the stretching, which newer files have in
    rope_parameters. Raises ModelError.
    """
    fields = Fields(hf.path, {**values, **_scaling(values)})
    base = fields.number("rope_theta", default_base)
    context = hf.count("max_position_embeddings")
    if fields.number("partial_rotary_factor", 1.0) != 1:
        raise ModelError(f"{hf.path} turns only a part of each head, which is not served.")
    kind = fields.text("rope_type", fields.text("type", "default"))
    return Rope(dim, base) if kind == "default" else _stretched(fields, kind, dim, base, context)


def _stretched(fields: Fields, kind: str, dim: int, base: float, context: int) -> Rope:
    factor = fields.number("factor")
    original = fields.count("original_max_position_embeddings", context)
    match kind:
        case "linear":
            return Rope(dim, base, "linear", factor)
        case "dynamic":
            return Rope(dim, base, "dynamic", factor, context)
        case "llama3":
            low, high = fields.number("low_freq_factor"), fields.number("high_freq_factor")
            return Rope(
                dim, base, "llama3", factor, original, low_freq_factor=low, high_freq_factor=high
            )
        case "yarn":
            attention = yarn_attention_factor(
                factor, fields.number("mscale", 0.0), fields.number("mscale_all_dim", 0.0)
            )
            return Rope(
                dim,
                base,
                "yarn",
                factor,
                original,
                fields.number("beta_fast", 32.0),
                fields.number("beta_slow", 1.0),
                fields.flag("truncate", True),
                attention_factor=fields.number("attention_factor", attention),
            )
    raise ModelError(f"{fields.path} stretches rotary positions by {kind!r}, which is not served.")


def gemma3_ropes(hf: Fields, dim: int) -> tuple[Rope, Rope]:
    """Return the rope of layers that see all, and of those that see a window."""
    both = hf.fields("rope_parameters")
    if both is None:
        local: dict[str, object] = {"rope_theta": hf.get("rope_local_base_freq")}
        return read_rope(hf, hf.values, dim, 1e6), read_rope(hf, local, dim, 1e4)
    full, slid = (
        part.values if (part := both.fields(name)) else {}
        for name in ("full_attention", "sliding_attention")
    )
    return read_rope(hf, full, dim, 1e6), read_rope(hf, slid, dim, 1e4)


def _scaling(values: Mapping[str, object]) -> Mapping[str, object]:
    scaling = values.get("rope_scaling") or values.get("rope_parameters")
    return scaling if isinstance(scaling, dict) else {}
