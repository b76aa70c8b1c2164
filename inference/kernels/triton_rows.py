"""What is computed row by row, in Triton: norms, rotation and storing, activations."""

import triton
import triton.language as tl


@triton.jit
def normalise(x, weight, bias, column, held, eps, WIDTH: tl.constexpr, CENTRED: tl.constexpr):
    """Return a row normalised, in fp32: by its root mean square, or CENTRED around its mean and
    with a bias. x: [block], zero beyond WIDTH.
    """
    if CENTRED:
        x = tl.where(held, x - tl.sum(x, 0) / WIDTH, 0.0)
    x = x * tl.rsqrt(tl.sum(x * x, 0) / WIDTH + eps)
    x = x * tl.load(weight + column, mask=held, other=0.0)
    if CENTRED:
        x = x + tl.load(bias + column, mask=held, other=0.0)
    return x


@triton.jit
def add_norm_row(
    hidden,
    added,
    post_weight,
    post_bias,
    weight,
    bias,
    out,
    post_eps,
    eps,
    WIDTH: tl.constexpr,
    BLOCK: tl.constexpr,
    ADDED: tl.constexpr,
    POST: tl.constexpr,
    POST_CENTRED: tl.constexpr,
    CENTRED: tl.constexpr,
):
    """Add to a row in place what a product has given, normalised if POST; write the row normalised
    to `out`. Grid: rows.
    """
    column = tl.arange(0, BLOCK)
    held = column < WIDTH
    start = tl.program_id(0).to(tl.int64) * WIDTH
    x = tl.load(hidden + start + column, mask=held, other=0.0)
    if ADDED:
        more = tl.load(added + start + column, mask=held, other=0.0).to(tl.float32)
        if POST:
            more = normalise(
                more, post_weight, post_bias, column, held, post_eps, WIDTH, POST_CENTRED
            )
        x = x + more
        tl.store(hidden + start + column, x, mask=held)
    x = normalise(x, weight, bias, column, held, eps, WIDTH, CENTRED)
    tl.store(out + start + column, x.to(out.dtype.element_ty), mask=held)


@triton.jit
def store_row(
    qkv,
    cache,
    positions,
    slots,
    cos,
    sin,
    weight,
    eps,
    KV_HEADS: tl.constexpr,
    GROUP: tl.constexpr,
    DIM: tl.constexpr,
    HEAD_BLOCK: tl.constexpr,
    HALF_BLOCK: tl.constexpr,
    NORM: tl.constexpr,
    ROTARY: tl.constexpr,
):
    """Normalise and turn the queries and the key of one row and key head; write key and value to
    the cache. Grid: rows, kv_heads. A thread holds both halves of what it writes, so that nothing
    is overwritten before it is read. weight: [GROUP + 1, DIM].
    """
    row, group = tl.program_id(0).to(tl.int64), tl.program_id(1)
    HALF: tl.constexpr = DIM // 2
    head = tl.arange(0, HEAD_BLOCK)[:, None]
    column = tl.arange(0, HALF_BLOCK)[None, :]
    held = (head < GROUP + 2) & (column < HALF)
    numbers = qkv + (row * KV_HEADS + group) * (GROUP + 2) * DIM + head * DIM + column
    low_given = tl.load(numbers, mask=held, other=0.0)
    high_given = tl.load(numbers + HALF, mask=held, other=0.0)
    low, high = low_given.to(tl.float32), high_given.to(tl.float32)
    if NORM:
        squares = tl.sum(low * low + high * high, 1)
        scale = tl.rsqrt(squares / DIM + eps)[:, None]
        normed = (head <= GROUP) & (column < HALF)
        low = low * scale * tl.load(weight + head * DIM + column, mask=normed, other=0.0)
        high = high * scale * tl.load(weight + head * DIM + HALF + column, mask=normed, other=0.0)
    if ROTARY:
        turn = tl.load(positions + row) * DIM + column
        inside = column < HALF
        cos_low = tl.load(cos + turn, mask=inside, other=0.0).to(tl.float32)
        cos_high = tl.load(cos + turn + HALF, mask=inside, other=0.0).to(tl.float32)
        sin_low = tl.load(sin + turn, mask=inside, other=0.0).to(tl.float32)
        sin_high = tl.load(sin + turn + HALF, mask=inside, other=0.0).to(tl.float32)
        low, high = low * cos_low + high * sin_low, high * cos_high + low * sin_high
    is_value = head == GROUP + 1
    low = tl.where(is_value, low_given, low.to(low_given.dtype))
    high = tl.where(is_value, high_given, high.to(low_given.dtype))
    is_query = held & (head < GROUP)
    tl.store(numbers, low, mask=is_query)
    tl.store(numbers + HALF, high, mask=is_query)
    slot = tl.load(slots + row) * KV_HEADS + group
    kept = cache + slot * 2 * DIM + (head - GROUP) * DIM + column
    is_kept = held & (head >= GROUP)
    tl.store(kept, low, mask=is_kept)
    tl.store(kept + HALF, high, mask=is_kept)


@triton.jit
def sigmoid(x):
    return 1 / (1 + tl.exp(-x))


@triton.jit
def activate_block(
    rows,
    out,
    WIDTH: tl.constexpr,
    BLOCK: tl.constexpr,
    ACTIVATION: tl.constexpr,
    GATED: tl.constexpr,
):
    """Activate a block of one row, and multiply by the second half of the columns if GATED. Grid:
    rows, blocks. WIDTH: of `out`. The approximation of GELU: Hendrycks and Gimpel 2016.
    """
    row = tl.program_id(0).to(tl.int64)
    column = tl.program_id(1) * BLOCK + tl.arange(0, BLOCK)
    held = column < WIDTH
    source = rows + row * WIDTH * (2 if GATED else 1) + column
    x = tl.load(source, mask=held, other=0.0).to(tl.float32)
    if ACTIVATION == "silu":
        x = x * sigmoid(x)
    elif ACTIVATION == "gelu":
        x = 0.5 * x * (1 + tl.erf(x * 0.7071067811865476))
    else:
        # (1 + tanh(y)) / 2 is sigmoid(2 y).
        x = x * sigmoid(1.5957691216057308 * (x + 0.044715 * x * x * x))
    if GATED:
        x = x * tl.load(source + WIDTH, mask=held, other=0.0).to(tl.float32)
    tl.store(out + row * WIDTH + column, x.to(out.dtype.element_ty), mask=held)
