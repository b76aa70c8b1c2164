"""Draws a token for each row of logits: tensors in, tensors out, for any device.

Nothing here waits for the device or reads from it, so all of it can be captured in a CUDA graph.
A row's token depends on its own logits and parameters alone, and is the same on every device but
for draws within 1e-12 of a border, where `exp` may differ in its last bit:

- Tokens are ordered by falling logit, and where these are equal by id.
- Weights are whole numbers in float64. Their sums are exact, whatever the order of summation.
"""

from dataclasses import dataclass

import torch
from torch.nn.functional import pad

# Logits divided by a smaller temperature could overflow; the likeliest token is taken instead.
GREEDY_BELOW = 1e-4
# Most requests set a top-k of at most so many.
TOP = 64
# Top-p alone looks at so many of the likeliest tokens first.
MANY = 1024
# What `draw_nucleus` gives if it has not seen enough of a row, and all give for no numbers.
UNDECIDED, NO_NUMBERS = -2, -1
# The weight of the likeliest token. 2**19 tokens of this weight have an exact sum.
UNIT = 2.0**34
# So many neighbours are looked at together: first for the right group, then in it.
GROUP = 64
LOW_BITS, MAGNITUDE = 0xFFFFFFFF, 0x7FFFFFFF


@dataclass(frozen=True, slots=True)
class DrawParams:
    """How each row is drawn, on the device of the logits.

    temperature: [rows] float64, below GREEDY_BELOW: the likeliest token; top_k: [rows] int64, 0: no
    limit; top_p: [rows] float64, up to 1; penalty: [rows] float32, for repetition; uniform: [rows]
    float64, in [0, 1).
    """

    temperature: torch.Tensor
    top_k: torch.Tensor
    top_p: torch.Tensor
    penalty: torch.Tensor
    uniform: torch.Tensor

    @classmethod
    def of(cls, block: torch.Tensor) -> "DrawParams":
        """Take apart what was uploaded at once: [5, rows] float64, in the order of the fields."""
        temperature, top_k, top_p, penalty, uniform = block.unbind()
        return cls(temperature, top_k.long(), top_p, penalty.float(), uniform)

    @property
    def greedy(self) -> torch.Tensor:
        """Whether each row takes the likeliest token: [rows] bool."""
        return self.temperature < GREEDY_BELOW


def penalise_(logits: torch.Tensor, seen: torch.Tensor, penalty: torch.Tensor) -> None:
    """Make tokens that a text has already less likely (Keskar et al. 2019).

    logits: [rows, vocab] fp32, changed in place; seen: [rows, vocab] bool; penalty: [rows] fp32.
    """
    logits.copy_(torch.where(seen, _held_down(logits, penalty[:, None]), logits))


def penalise_pairs_(
    logits: torch.Tensor, rows: torch.Tensor, ids: torch.Tensor, penalty: torch.Tensor
) -> None:
    """Do the same for pairs of row and id. rows, ids: [pairs] int64; penalty: [rows of logits]."""
    # A pair that comes twice is written twice, the same both times.
    logits[rows, ids] = _held_down(logits[rows, ids], penalty[rows])


def draw_greedy(logits: torch.Tensor) -> torch.Tensor:
    """Return the likeliest token of each row, [rows] int64. logits: [rows, vocab] fp32."""
    groups = _groups(logits, GROUP)
    likeliest = groups.amax(dim=-1)
    # The first of equals, on every device: the lower id.
    group = likeliest.argmax(dim=-1, keepdim=True)
    inside = _inside(groups, group)[:, 0].argmax(dim=-1)
    return _checked(group[:, 0] * GROUP + inside, likeliest)


def draw_top(logits: torch.Tensor, params: DrawParams, count: int = TOP) -> torch.Tensor:
    """Return a token for each row, [rows] int64. Rows must be greedy or have a top-k of 1 to
    `count`. logits: [rows, vocab] fp32.
    """
    values, ids, maxima = _likeliest(logits, count)
    weights = _limited(_weights(values, values[:, :1], params), params)
    chosen = _choose(weights, weights.sum(dim=-1, keepdim=True), params)
    return _checked(ids.gather(-1, chosen)[:, 0], maxima)


def draw_nucleus(logits: torch.Tensor, params: DrawParams) -> torch.Tensor:
    """Return what `draw_sorted` does for rows without top-k, from the MANY likeliest tokens of
    each; UNDECIDED where these do not have the mass of top-p.
    """
    values, ids, maxima = _likeliest(logits, MANY)
    best = values[:, :1]
    mass = _weights(logits, best, params).sum(dim=-1, keepdim=True)
    weights = _weights(values, best, params)
    chosen = _choose(weights, mass, params)
    reached = weights.sum(dim=-1) >= params.top_p * mass[:, 0]
    return _checked(ids.gather(-1, chosen)[:, 0].where(reached, UNDECIDED), maxima)


def draw_whole(logits: torch.Tensor, params: DrawParams) -> torch.Tensor:
    """Return a token for each row, [rows] int64, from its whole vocabulary, in the order of ids;
    top-k and top-p are not looked at. logits: [rows, vocab] fp32.
    """
    groups = _groups(logits, GROUP)
    maxima = groups.amax(dim=-1)
    best = maxima.amax(dim=-1, keepdim=True)
    weights = _weights(groups.flatten(1), best, params).view(groups.shape)
    total = weights.sum(dim=-1).cumsum(dim=-1)
    point = params.uniform[:, None] * total[:, -1:]
    group = _first_above(total, point)
    inside = _inside(weights, group)[:, 0]
    before = total.gather(-1, group) - inside.sum(dim=-1, keepdim=True)
    chosen = _first_above(before + inside.cumsum(dim=-1), point)
    return _checked((group * GROUP + chosen)[:, 0], maxima)


def draw_sorted(logits: torch.Tensor, params: DrawParams) -> torch.Tensor:
    """Return a token for each row, [rows] int64, with any top-k and top-p, from its whole
    vocabulary in order, which is slow. logits: [rows, vocab] fp32.
    """
    return draw_top(logits, params, logits.shape[-1])


def draw_all(logits: torch.Tensor, params: DrawParams) -> torch.Tensor:
    """Return a token for each row, [rows] int64, of whatever kind: the same as the function for
    this kind alone. logits: [rows, vocab] fp32.
    """
    whole = ~params.greedy & (params.top_k == 0) & (params.top_p == 1)
    return draw_whole(logits, params).where(whole, draw_sorted(logits, params))


def _held_down(logits: torch.Tensor, penalty: torch.Tensor) -> torch.Tensor:
    return torch.where(logits > 0, logits / penalty, logits * penalty)


def _groups(logits: torch.Tensor, size: int) -> torch.Tensor:
    """Return neighbours together, [rows, groups, size]; what is missing in the last is -inf."""
    if rest := logits.shape[-1] % size:
        logits = pad(logits, (0, size - rest), value=-torch.inf)
    return logits.view(len(logits), -1, size)


def _likeliest(logits: torch.Tensor, count: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return the `count` likeliest tokens of each row in order: their logits and ids, [rows,
    count]; and the greatest logits of all parts of the row, [rows, parts].
    """
    # A group whose likeliest token is not among the first has no other that is. About as many
    # groups as tokens in the chosen groups make the least work.
    groups = _groups(logits, 1 << (logits.shape[-1] // count).bit_length() // 2)
    (_, parts, size), maxima = groups.shape, groups.amax(dim=-1)
    ids = torch.arange(max(parts, size), device=logits.device)
    if size > 1:
        keys = _keys(maxima, ids[:parts]).topk(count, dim=-1, sorted=False).values
        some = _ids(keys)
        ids = (some[..., None] * size + ids[:size]).flatten(1)
        keys = _keys(_inside(groups, some).flatten(1), ids)
    else:
        keys = _keys(maxima, ids)
    first = _ids(keys.topk(min(count, logits.shape[-1]), dim=-1).values)
    return groups.flatten(1).gather(-1, first), first, maxima


def _inside(groups: torch.Tensor, chosen: torch.Tensor) -> torch.Tensor:
    """Return the chosen groups. groups: [rows, groups, size]; chosen: [rows, count] int64."""
    return groups.gather(1, chosen[..., None].expand(-1, -1, groups.shape[-1]))


def _keys(logits: torch.Tensor, ids: torch.Tensor) -> torch.Tensor:
    """Return int64 numbers in the order of logits, greater for the lower id where these are equal:
    torch's topk takes any of equals, another on each device.
    """
    # Of negative floats the bits fall where the numbers rise; -0 becomes 0.
    bits = (logits + 0.0).view(torch.int32)
    rising = bits ^ ((bits >> 31) & MAGNITUDE)
    return (rising.long() << 32) - ids


def _ids(keys: torch.Tensor) -> torch.Tensor:
    return -keys & LOW_BITS


def _weights(logits: torch.Tensor, best: torch.Tensor, params: DrawParams) -> torch.Tensor:
    """Return what softmax makes of logits / temperature, times the same whole number for all of a
    row, and rounded: [rows, candidates] float64. best: [rows, 1].
    """
    temperature = params.temperature.masked_fill(params.greedy, 1.0)[:, None]
    weights = logits.double().sub_(best)
    return weights.div_(temperature).exp_().mul_(UNIT).round_()


def _limited(weights: torch.Tensor, params: DrawParams) -> torch.Tensor:
    """Return weights, likeliest first, without those after top-k; greedy rows have one."""
    candidates = weights.shape[-1]
    limit = params.top_k.where(params.top_k > 0, candidates).masked_fill(params.greedy, 1)
    after = torch.arange(candidates, device=weights.device) >= limit[:, None]
    return weights.masked_fill_(after, 0.0)


def _choose(weights: torch.Tensor, mass: torch.Tensor, params: DrawParams) -> torch.Tensor:
    """Return the candidate of each row at which its uniform number falls, [rows, 1], of those that
    make up top-p of the mass (Holtzman et al. 2020).

    weights: [rows, candidates], likeliest first; mass: [rows, 1], of all candidates of the row.
    """
    total = weights.cumsum(dim=-1)
    # The token that crosses top-p is kept, so that there is always one.
    left_out = total - weights >= params.top_p[:, None] * mass
    kept = total.masked_fill(left_out, 0.0).amax(dim=-1, keepdim=True)
    return _first_above(total, params.uniform[:, None] * kept)


def _first_above(total: torch.Tensor, point: torch.Tensor) -> torch.Tensor:
    """Return the first place where a sum is greater than the point, [rows, 1]; never one of no
    weight. The point is less than the last sum, unless these are no numbers.
    """
    return (total <= point).sum(dim=-1, keepdim=True)


def _checked(tokens: torch.Tensor, maxima: torch.Tensor) -> torch.Tensor:
    """Return the tokens, NO_NUMBERS in rows without a greatest logit. maxima: [rows, parts]."""
    return tokens.where(maxima.amax(dim=-1).abs() < torch.inf, NO_NUMBERS)
