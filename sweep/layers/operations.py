"""What each operation of torch computes, counted as it is dispatched and credited to whoever is at work.

    MACs    matrix products, convolutions, attention, LSTM (``PRODUCTS``, most of it torch.utils.flop_counter's, halved)
    FLOPs   2 for each MAC; else 1 for each floating-point element that the operation writes
    0       views, copies, gathers, paddings, factories (``MOVES``)

Attention counts as its kernel works: the backward pass of fused attention computes the scores again (5 products for 2),
and a causal mask saves nothing.

Limits: a MAC of complex numbers counts as one; a reduction counts what it writes, not what it reads; an LSTM is its
products; operations that are not torch's own, and those of ``OPAQUE``, cannot be counted: noted, not guessed.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from math import prod
from typing import Any

import torch
from torch import Tensor
from torch._ops import OpOverload
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map_only
from torch.utils.flop_counter import flop_registry, sdpa_backward_flop_count, sdpa_flop_count

from sweep.layers.marking.owners import REST

Formula = Callable[..., int]

aten = torch.ops.aten
CPU = torch.device("cpu")


def _matrix_vector(matrix: Tensor) -> int:
    return 2 * matrix.numel()


def _lstm(inputs: Tensor, weight: Tensor, recurrent: Tensor) -> int:
    """One layer of an LSTM: inputs of shape ``(n_steps, n_batch, width)`` meet both weights at each step."""
    return 2 * prod(inputs.shape[:2]) * (weight.numel() + recurrent.numel())


PRODUCTS: dict[Any, Formula] = {
    **flop_registry,
    aten.mv: lambda matrix, *_, **__: _matrix_vector(matrix),
    aten.addmv: lambda _bias, matrix, *_, **__: _matrix_vector(matrix),
    aten.dot: lambda vector, *_, **__: _matrix_vector(vector),
    aten.vdot: lambda vector, *_, **__: _matrix_vector(vector),
    aten.addbmm: lambda _bias, left, right, **_: 2 * left.numel() * right.shape[2],
    aten._addmm_activation: flop_registry[aten.addmm],  # noqa: SLF001
    aten.mkldnn_rnn_layer: lambda inputs, weight, recurrent, *_, **__: _lstm(inputs, weight, recurrent),
    aten.mkldnn_rnn_layer_backward: lambda inputs, weight, recurrent, *_, **__: 2 * _lstm(inputs, weight, recurrent),
    aten._scaled_dot_product_flash_attention_for_cpu: (  # noqa: SLF001
        lambda q, k, v, *_, **__: sdpa_flop_count(q.shape, k.shape, v.shape)  # type: ignore[no-untyped-call]
    ),
    aten._scaled_dot_product_flash_attention_for_cpu_backward: (  # noqa: SLF001
        lambda grad, q, k, v, *_, **__: sdpa_backward_flop_count(  # type: ignore[no-untyped-call]
            grad.shape, q.shape, k.shape, v.shape
        )
    ),
}
"""FLOPs of operations made of MACs, from their arguments."""

MOVES = frozenset(
    """_local_scalar_dense _pack_padded_sequence _reshape_copy _to_copy _unsafe_index _unsafe_view alias as_strided
    as_strided_copy as_strided_scatter cat channel_shuffle clone constant_pad_nd contiguous copy detach
    diagonal_backward embedding empty_like fill flip full_like gather im2col index index_select lift_fresh masked_fill
    masked_select new_empty new_empty_strided new_full new_ones new_zeros nonzero ones_like pixel_shuffle
    pixel_unshuffle rand_like randint_like randn_like reflection_pad1d reflection_pad2d reflection_pad3d repeat
    replication_pad1d replication_pad2d replication_pad3d resize roll scatter select_backward select_scatter set
    slice_backward slice_scatter split_with_sizes_copy squeeze stack t take transpose tril triu unsafe_split
    unsafe_split_with_sizes unsqueeze upsample_nearest1d upsample_nearest2d upsample_nearest3d where zero
    zeros_like""".split()  # noqa: SIM905 - a list would fill a page
)
"""Operations that compute nothing; an underscore at the end (in place) does not matter."""

OPAQUE = tuple(
    """cdist cholesky cudnn euclidean_dist fft geqrf grouped_mm int_mm linalg lu_ miopen mkldnn native_multi_head nested
    ormqr sparse transformer triangular trilinear weight_int""".split()  # noqa: SIM905
)
"""How names begin, without underscores before them, of torch's operations whose products no formula tells."""


class Operations(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts what is dispatched while it is active.

    Args:
        twin: gives a fake tensor on the CPU for one that is not, such as a target that a loss brings along.

    Attributes:
        owner: to whom operations are credited.
        macs: by owner.
        flops: by owner.
        uncounted: names of operations that cannot be counted, by owner.
    """

    supports_higher_order_operators = True

    def __init__(self, twin: Callable[[Tensor], Tensor]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._twin = twin
        self.owner = REST
        self.macs: Counter[int] = Counter()
        self.flops: Counter[int] = Counter()
        self.uncounted: dict[int, set[str]] = defaultdict(set)

    def credit(self, owner: int) -> None:
        """Operations from now on are an owner's."""
        self.owner = owner

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        """Run an operation on fake tensors, in its parts if it is made of such, and count it."""
        args, kwargs = tree_map_only(Tensor, self._twin, (args, kwargs or {}))
        if kwargs.get("device") is not None:
            kwargs["device"] = CPU
        if (parts := self._parts(func, args, kwargs)) is not NotImplemented:
            return parts
        output = func(*args, **kwargs)
        self._count(func, args, kwargs, output)
        return output

    def _parts(self, func: Any, args: Any, kwargs: Any) -> Any:
        """What an operation gives that torch makes of others, by way of these."""
        if not isinstance(func, OpOverload) or func.overloadpacket in PRODUCTS or func.namespace == "prim":
            return NotImplemented
        with self:
            return func.decompose(*args, **kwargs)

    def _count(self, func: Any, args: Any, kwargs: Any, output: Any) -> None:
        packet = func.overloadpacket if isinstance(func, OpOverload) else func
        if packet in PRODUCTS:
            flops = PRODUCTS[packet](*args, **kwargs, out_val=output)
            self.macs[self.owner] += flops // 2
            self.flops[self.owner] += flops
        elif _is_opaque(func):
            self.uncounted[self.owner].add(str(packet))
        elif not _is_move(func, args, kwargs):
            self.flops[self.owner] += sum(t.numel() for t in _tensors(output) if t.dtype.is_floating_point)


def _is_opaque(func: Any) -> bool:
    """Whether an operation hides what it computes: by its name, or because it is not torch's own."""
    if not isinstance(func, OpOverload) or func.namespace not in ("aten", "prim", "prims"):
        return True
    return func.overloadpacket is not aten.linalg_vector_norm and func.overloadpacket.__name__.lstrip("_").startswith(
        OPAQUE
    )


def _is_move(func: OpOverload[..., Any], args: Any, kwargs: Any) -> bool:
    """Whether an operation computes nothing: it moves elements, makes a view, or makes a tensor from nothing."""
    name = func.overloadpacket.__name__
    return func.is_view or name.rstrip("_") in MOVES or not any(True for _ in _tensors((args, kwargs)))


def _tensors(tree: Any) -> Iterable[Tensor]:
    return (leaf for leaf in tree_leaves(tree) if isinstance(leaf, Tensor))
