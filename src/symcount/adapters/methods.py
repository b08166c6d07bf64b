"""The methods of PEFT: which tensors each adds to a module, as closed forms in its rank or the size of its blocks.

For a matrix of `in` columns and `out` rows, and a rank r:

| method | trained | source |
|---|---|---|
| LoRA, rsLoRA | `r(in + out)` | Hu et al. 2021, arXiv:2106.09685; Kalajdzievski 2023, arXiv:2312.03732 |
| DoRA | `r(in + out) + out` | Liu et al. 2024, arXiv:2402.09353 |
| AdaLoRA | `r(in + out + 1)` | Zhang et al. 2023, arXiv:2303.10512 |
| VeRA | `out + r` | Kopiczko et al. 2023, arXiv:2310.11454; its two projections are shared buffers |
| LoHa | `2r(in + out)` | Hyeon-Woo et al. 2021, arXiv:2108.06098 |
| LoKr | a Kronecker product; the factors of in and out are those of their divisors next to the root | Yeh et al. 2023, arXiv:2309.14859 |
| IA3 | `out`, or `in` in a feed-forward module | Liu et al. 2022, arXiv:2205.05638 |
| OFT | `in(b - 1)/2` with blocks of b | Qiu et al. 2023, arXiv:2306.07280 |
| BOFT | `m·in·b + out` with m butterfly factors | Liu et al. 2023, arXiv:2311.06243 |

The shapes are those of PEFT 0.21 (`tuners/*/layer.py`).
"""  # noqa: E501  # a table

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sympy import Expr, Integer, Min, Mul, expand, floor

from symcount.adapters.config import AdapterConfig
from symcount.config.sizes import size_of
from symcount.core.domain import Condition, divides, relation
from symcount.core.tree import ONE, Block, Parameter
from symcount.errors import OptionError
from symcount.exact.evaluate import integer_value

__all__ = ["LABELS", "LINEAR", "METHODS", "Place", "added", "in_parameter"]

LINEAR: Final = (
    "Linear", "Conv1D", "NonDynamicallyQuantizableLinear", "FalconLinear", "EsmFoldLinear", "IdeficsDecoupledLinear",
    "Llama4Router", "PhimoeTopKRouter",
)  # fmt: skip
_CONVOLUTIONS: Final = ("Conv1d", "Conv2d", "Conv3d")


@dataclass(frozen=True)
class Place:
    """A module to which something is added.

    Attributes:
        path: in the model.
        kind: its layer type.
        shape: of its weight, the output first, whichever way round the module has it.
        rank: the adapter's, or the size that takes its place.
        config: of the adapter.
        values: of the model, by letter.
    """

    path: str
    kind: str
    shape: tuple[Expr, ...]
    rank: Expr
    config: AdapterConfig
    values: Mapping[str, Any]

    @property
    def convolution(self) -> bool:
        """Whether it is a convolution."""
        return self.kind in _CONVOLUTIONS

    @property
    def kernel(self) -> tuple[Expr, ...]:
        """The kernel of a convolution; nothing for a matrix."""
        return self.shape[2:]

    def unknown(self) -> OptionError:
        """The method is not known for this kind of module."""
        label = LABELS[self.config.kind]
        return OptionError(
            f"{self.config.source}: {self.path} is a {self.kind}, to which {label} is not known to be added"
        )

    def matrix(self) -> tuple[Expr, Expr]:
        """The rows and columns of a linear map.

        Raises:
            OptionError: it is a module of another kind.
        """
        if len(self.shape) != 2 or self.kind not in LINEAR:
            raise self.unknown()
        return self.shape[0], self.shape[1]

    def number(self, size: Expr) -> int:
        """What a size of the model is."""
        return integer_value(size, self.values)


def _block(label: str, conditions: tuple[Condition, ...] = (), **shapes: tuple[Expr, ...]) -> Block:
    tensors = tuple(Parameter(name, shape) for name, shape in shapes.items())
    return Block("", label, tensors, conditions=conditions)


def _lora(place: Place) -> list[Block]:
    shape, rank = place.shape, place.rank
    if place.kind == "Embedding":
        tables = _block("LoRA", lora_embedding_A=(rank, shape[0]), lora_embedding_B=(shape[1], rank))
        return [tables, *_magnitudes(place, shape[1])]
    if place.convolution:
        ones = (ONE,) * len(place.kernel)
        down, up = (rank, *shape[1:]), (shape[0], rank, *ones)
        magnitudes = _magnitudes(place, ONE, shape[0], *ones)
    elif len(shape) == 2:
        down, up, magnitudes = (rank, shape[1]), (shape[0], rank), _magnitudes(place, shape[0])
    else:
        raise place.unknown()
    bias = (Parameter("bias", (up[0],)),) if place.config.fields.get("lora_bias") is True else ()
    first = Block("lora_A", "LoRA", (Parameter("weight", down),))
    return [first, Block("lora_B", "LoRA", (Parameter("weight", up), *bias)), *magnitudes]


def _magnitudes(place: Place, *shape: Expr) -> list[Block]:
    return [_block("DoRA", lora_magnitude_vector=shape)] if place.config.dora else []


def _ia3(place: Place) -> list[Block]:
    out, size = place.matrix()
    names = place.config.fields.get("feedforward_modules") or []
    names = [names] if isinstance(names, str) else names
    inner = any(place.path == n or place.path.endswith(f".{n}") for n in names)
    return [_block("IA3", ia3_l=(ONE, size) if inner else (out, ONE))]


def _adalora(place: Place) -> list[Block]:
    out, size = place.matrix()
    number = Block("", "AdaLoRA", (Parameter("ranknum", (ONE,), trainable=False),))
    shapes = {"lora_A": (place.rank, size), "lora_B": (out, place.rank), "lora_E": (place.rank, ONE)}
    return [_block("AdaLoRA", **shapes), number]


def _vera(place: Place) -> list[Block]:
    out, _ = place.matrix()
    return [_block("VeRA", vera_lambda_b=(out,), vera_lambda_d=(place.rank,))]


def _loha(place: Place) -> list[Block]:
    out, size, rank = place.shape[0], place.shape[1], place.rank
    if len(place.kernel) > 2 or not (place.convolution or place.kind in LINEAR) or place.kind == "Conv1D":
        raise place.unknown()
    found: dict[str, tuple[Expr, ...]] = {}
    effective = place.config.fields.get("use_effective_conv2d") is True and Mul(*place.kernel) != 1
    for i in (1, 2):
        if place.kernel and effective:
            found |= {f"hada_t{i}": (rank, rank, *place.kernel)}
            found |= {f"hada_w{i}_a": (rank, out), f"hada_w{i}_b": (rank, size)}
        else:
            found |= {f"hada_w{i}_a": (out, rank), f"hada_w{i}_b": (rank, size, *place.kernel)}
    return [_block("LoHa", **found)]


def _factors(number: int, factor: int) -> tuple[int, int]:
    """Two numbers whose product *number* is, the smaller first: *factor* and the rest, or those next to the root.

    >>> _factors(256, -1), _factors(127, -1), _factors(128, 4)
    ((16, 16), (1, 127), (4, 32))
    """
    if factor > 0 and number % factor == 0:
        return factor, number // factor
    most = number if factor == -1 else factor
    small, large = 1, number
    while small < large:
        following = next(n for n in range(small + 1, number + 1) if number % n == 0)
        if following + number // following > small + large or following > most:
            break
        small, large = following, number // following
    return min(small, large), max(small, large)


def _at_least(rank: Expr, half: int) -> Expr:
    """1 where *rank* is at least half of *half*, and 0 where it is less."""
    return Min(ONE, floor(2 * rank / half))


def _lokr(place: Place) -> list[Block]:
    if len(place.kernel) > 2 or not (place.convolution or place.kind in LINEAR) or place.kind == "Conv1D":
        raise place.unknown()
    fields, rank = place.config.fields, place.rank
    factor = fields.get("decompose_factor", -1)
    if type(factor) is not int or not (factor == -1 or factor > 0):
        raise OptionError(f"{place.config.source}: decompose_factor: expected -1 or at least 1, got {factor!r:.80}")
    sizes = [place.number(size) for size in place.shape[:2]]
    pinned = tuple(
        relation(size, "==", Integer(n)) for size, n in zip(place.shape[:2], sizes, strict=True) if size.free_symbols
    )
    (first, rest), (in_first, in_rest) = (_factors(n, factor) for n in sizes)
    kernel = Mul(*place.kernel)
    whole = _at_least(rank, max(rest, in_rest))
    if place.kernel and fields.get("use_effective_conv2d") is True and kernel != 1:
        parts = rank**2 * kernel + rank * (rest + in_rest)
    else:
        parts = rank * rest + rank * in_rest * kernel
    second = whole * rest * in_rest * kernel + (1 - whole) * parts
    one: Expr = Integer(first * in_first)
    if fields.get("decompose_both") is True:
        full = _at_least(rank, max(first, in_first))
        one = full * one + (1 - full) * rank * (first + in_first)
    return [_block("LoKr", pinned, lokr_w1=(one,), lokr_w2=(second,))]


def _nearest(number: int, wanted: int) -> int:
    """The divisor of *number* next to *wanted*, the smaller of two that are as near: PEFT's `adjust_oft_parameters`."""
    if wanted >= number:
        return number
    above = next(n for n in range(wanted, number + 1) if number % n == 0)
    below = next(n for n in range(wanted, 0, -1) if number % n == 0)
    return below if wanted - below <= above - wanted else above


def _rotated(place: Place) -> tuple[Expr, int]:
    """What a rotation acts on: the columns of a matrix, the patches of a convolution."""
    if place.kind == "Conv1D" or not (place.kind in LINEAR or place.kind == "Conv2d"):
        raise place.unknown()
    size = Mul(place.shape[1], *place.kernel)
    return size, place.number(size)


def _oft(place: Place) -> list[Block]:
    size, number = _rotated(place)
    asked = place.config.rank
    blocks = place.config.sized_by == "r"
    conditions: tuple[Condition, ...] = (divides(place.rank, size),)
    chosen: Expr = place.rank
    if number % asked or asked > number:
        chosen, conditions = Integer(_nearest(number, asked)), (relation(size, "==", Integer(number)),)
    block = size / chosen if blocks else chosen
    times = chosen if blocks else size / chosen
    if place.config.fields.get("block_share") is True:
        times = ONE
    return [_block("OFT", conditions, weight=(expand(times * block * (block - 1) / 2),))]


def _boft(place: Place) -> list[Block]:
    size, number = _rotated(place)
    asked = place.config.rank
    if number % asked:
        raise OptionError(
            f"{place.config.source}: {place.path} has {number:,} columns, which {place.config.sized_by} = {asked} must "
            "divide"
        )
    blocks = place.config.sized_by == "boft_block_num"
    block = size / place.rank if blocks else place.rank
    times = place.rank if blocks else size / place.rank
    butterflies = size_of(place.config.fields.get("boft_n_butterfly_factor", 1),
                          f"{place.config.source}: boft_n_butterfly_factor")  # fmt: skip
    shapes = {"boft_R": (Integer(butterflies), times, block, block), "boft_s": (place.shape[0], ONE)}
    return [_block("BOFT", (divides(place.rank, size),), **shapes)]


METHODS: Final[Mapping[str, Callable[[Place], list[Block]]]] = {
    "LORA": _lora, "IA3": _ia3, "ADALORA": _adalora, "VERA": _vera, "LOHA": _loha, "LOKR": _lokr, "OFT": _oft,
    "BOFT": _boft,
}  # fmt: skip
LABELS: Final = {
    "LORA": "LoRA", "IA3": "IA3", "ADALORA": "AdaLoRA", "VERA": "VeRA", "LOHA": "LoHa", "LOKR": "LoKr", "OFT": "OFT",
    "BOFT": "BOFT", "PREFIX_TUNING": "prefix tuning", "PROMPT_TUNING": "prompt tuning", "P_TUNING": "P-tuning",
}  # fmt: skip


def added(
    block: Block, weight: Parameter, path: str, rank: Expr, config: AdapterConfig, values: Mapping[str, Any]
) -> list[Block]:
    """The blocks that adapt a module.

    Raises:
        OptionError: a kind of module that the method is not known for, or an option of it that is malformed.
    """
    shape = weight.shape[1::-1] if block.kind == "Conv1D" else weight.shape
    place = Place(path, block.kind, shape, rank, config, values)
    if len(shape) < 2:
        raise place.unknown()
    return METHODS[config.kind](place)


def in_parameter(name: str, shape: tuple[Expr, ...], rank: Expr, path: str, config: AdapterConfig) -> Block:
    """What LoRA adds to a parameter that is no weight of a module: a stack of matrices has a rank each.

    Raises:
        OptionError: it is neither a matrix nor a stack of such.
    """
    if len(shape) not in (2, 3):
        raise OptionError(f"{config.source}: target_parameters: {path}.{name} is neither a matrix nor a stack of some")
    number = shape[0] if len(shape) == 3 else ONE
    out, size = shape[-2:]
    tensors = (Parameter("lora_A", (rank * number, size)), Parameter("lora_B", (out, rank * number)))
    return Block(f"{name}_adapter", "LoRA", tensors)
