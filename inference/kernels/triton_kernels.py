"""The functions of a layer on a CUDA device, in Triton.

Each is one launch without a look at what is on the device, so that a CUDA graph can hold it; what
it needs beside its result it takes from torch's allocator. Only this module and the kernels
beside it know Triton, and only who has a CUDA device imports it.
"""

import math

import torch
import triton

from inference.kernels.activation import Activation
from inference.kernels.layer_kernels import LayerAttention, Norm, StepRows
from inference.kernels.triton_attention import SPLIT, attend_tile, merge_splits
from inference.kernels.triton_rows import activate_block, add_norm_row, store_row

LOG2_E = math.log2(math.e)
# The tensor cores' tiles of a decode and of a prompt. Four warps share the tokens of a block in
# both, so the sums of a row have one order; from 64 rows on Triton takes other instructions.
SMALL_TILE, TILE = 16, 32
WIDE_HEAD = 128
# Up to so many programs, the splits of a text are computed side by side and merged.
FEW_PROGRAMS = 1024
SCRATCH_BYTES = 512 * 2**20
MERGED_AHEAD = 16
ACTIVATED = 1024
# Fused multiplications and additions would round differently in each variant of a kernel.
UNFUSED = {"enable_fp_fusion": False}


class TritonKernels:
    """`LayerKernels` of a CUDA device. It needs no chunks: `StepRows` may be static.

    dtype: of the model, bf16 or fp32; group: queries that share a key.
    """

    def __init__(self, dtype: torch.dtype, group: int) -> None:
        self.dtype = dtype
        self.tile = max(TILE, triton.next_power_of_2(group))
        # Without tensor cores the order of sums depends on the tile.
        self.decode_tile = SMALL_TILE if group <= SMALL_TILE and dtype.itemsize == 2 else self.tile
        self.tile_rows = self.tile // group

    def add_norm(
        self, hidden: torch.Tensor, added: torch.Tensor | None, post: Norm | None, norm: Norm
    ) -> torch.Tensor:
        assert hidden.is_contiguous()
        assert added is None or added.is_contiguous()
        rows, width = hidden.shape
        out = torch.empty(hidden.shape, dtype=self.dtype, device=hidden.device)
        post = post or norm
        add_norm_row[(rows,)](
            hidden,
            hidden if added is None else added,
            post.weight,
            post.weight if post.bias is None else post.bias,
            norm.weight,
            norm.weight if norm.bias is None else norm.bias,
            out,
            post.eps,
            norm.eps,
            WIDTH=width,
            BLOCK=triton.next_power_of_2(width),
            ADDED=added is not None,
            POST=post is not norm,
            POST_CENTRED=post.bias is not None,
            CENTRED=norm.bias is not None,
            num_warps=8,
            **UNFUSED,
        )
        return out

    def store(self, qkv: torch.Tensor, layer: LayerAttention, step: StepRows) -> None:
        assert qkv.is_contiguous()
        rows, kv_heads, heads, dim = qkv.shape
        norm, rotary = layer.head_norm, layer.rotary
        store_row[(rows, kv_heads)](
            qkv,
            step.cache.data[layer.index],
            step.positions,
            step.slots,
            qkv if rotary is None else rotary.cos,
            qkv if rotary is None else rotary.sin,
            qkv if norm is None else norm.weight,
            0.0 if norm is None else norm.eps,
            KV_HEADS=kv_heads,
            GROUP=heads - 2,
            DIM=dim,
            HEAD_BLOCK=triton.next_power_of_2(heads),
            HALF_BLOCK=triton.next_power_of_2(dim // 2),
            NORM=norm is not None,
            ROTARY=rotary is not None,
            num_warps=2,
            **UNFUSED,
        )

    def attend(self, qkv: torch.Tensor, layer: LayerAttention, step: StepRows) -> torch.Tensor:
        """See `LayerKernels`. A step whose tiles all have one row is a decode."""
        assert qkv.is_contiguous()
        rows, kv_heads, heads, dim = qkv.shape
        q_heads, splits = kv_heads * (heads - 2), -(-step.longest // SPLIT)
        out = torch.empty(rows, q_heads * dim, dtype=qkv.dtype, device=qkv.device)
        few = len(step.tiles) * kv_heads <= FEW_PROGRAMS
        side_by_side = few and 1 < splits <= SCRATCH_BYTES // (rows * q_heads * (dim + 2) * 4)
        parts = (rows, q_heads, splits) if side_by_side else (1, 1, 1)
        mixes = torch.empty(*parts, dim, dtype=torch.float32, device=qkv.device)
        stats = torch.empty(*parts, 2, dtype=torch.float32, device=qkv.device)
        scale, cap = layer.scale * LOG2_E, 0.0
        if layer.cap is not None:
            scale, cap = 2 * scale / layer.cap, layer.cap * LOG2_E
        dim_block, window = triton.next_power_of_2(dim), layer.window or 0
        attend_tile[(len(step.tiles), kv_heads, splits if side_by_side else 1)](
            qkv,
            step.cache.data[layer.index],
            step.block_tables,
            step.positions,
            step.table_of,
            step.tiles,
            out,
            mixes,
            stats,
            step.block_tables.shape[1],
            splits,
            scale,
            cap,
            KV_HEADS=kv_heads,
            GROUP=heads - 2,
            DIM=dim,
            DIM_BLOCK=dim_block,
            PAGE=step.cache.page_size,
            WINDOW=window,
            CAPPED=layer.cap is not None,
            TILE=self.decode_tile if len(step.tiles) == rows else self.tile,
            SPLIT=SPLIT,
            BLOCK=64 if dim_block <= WIDE_HEAD else 32,
            WHOLE=not side_by_side,
            num_warps=4,
            num_stages=3 if side_by_side or dim_block <= WIDE_HEAD else 2,
            **UNFUSED,
        )
        if side_by_side:
            group_block = triton.next_power_of_2(heads - 2)
            merge_splits[(rows, kv_heads)](
                mixes,
                stats,
                step.positions,
                out,
                splits,
                KV_HEADS=kv_heads,
                GROUP=heads - 2,
                GROUP_BLOCK=group_block,
                DIM=dim,
                DIM_BLOCK=dim_block,
                WINDOW=window,
                SPLIT=SPLIT,
                AHEAD=MERGED_AHEAD,
                # Four numbers of each split for a thread, or what is read ahead would not fit.
                num_warps=min(16, max(1, group_block * dim_block // 128)),
                **UNFUSED,
            )
        return out

    def activate(self, rows: torch.Tensor, activation: Activation, gated: bool) -> torch.Tensor:
        assert rows.is_contiguous()
        count, width = rows.shape
        width = width // 2 if gated else width
        out = torch.empty(count, width, dtype=rows.dtype, device=rows.device)
        activate_block[(count, triton.cdiv(width, ACTIVATED))](
            rows,
            out,
            WIDTH=width,
            BLOCK=ACTIVATED,
            ACTIVATION=activation,
            GATED=gated,
            num_warps=4,
            **UNFUSED,
        )
        return out
