"""What a model takes in memory, in bytes: weights, cache, gradients and optimizer, each a formula and a number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from symcount.core.values import by_letter
from symcount.errors import OptionError
from symcount.exact.evaluate import integer_value
from symcount.foreign import guarded
from symcount.formulas.formula import Formula
from symcount.storage.blocks import BLOCKS
from symcount.storage.dtypes import dtype as type_of
from symcount.storage.packing import METHODS
from symcount.storage.passes import held
from symcount.storage.trees import PAGE
from symcount.verification.real_model import default_dtype
from symcount.verification.report import realised

__all__ = ["Buffers", "Footprint", "Request", "buffers", "footprint", "parts", "stated_dtype"]

_BITSANDBYTES = "bitsandbytes_"


@dataclass(frozen=True)
class Request:
    """What is asked for.

    Attributes:
        dtype: of the weights; `None` for what the config says, or fp32 where it says nothing.
        batch: sequences at a time.
        length: tokens of each that the cache holds; `None` for no cache.
        optimizer: for training; `None` for inference.
        master: whether the optimizer works on copies in fp32.
        quantization: a method by its name, or `none`; `None` for what the config says.
        lora: the rank of an adapter that alone is trained; `None` for none.
        targets: the modules that are adapted; `None` for PEFT's own.
        tokens: of training, for a budget of operations: a number, or so many for each parameter: `20N`.
        further: numbers by config field that the parameters do not depend on, but the cache or the operations may:
            `max_position_embeddings`, `sliding_window`.
    """

    dtype: str | None = None
    batch: int = 1
    length: int | None = None
    optimizer: str | None = None
    master: bool = False
    quantization: str | None = None
    lora: int | None = None
    targets: str | Sequence[str] | None = None
    tokens: int | str = "20N"
    further: Mapping[str, int] = field(default_factory=dict, hash=False)


@dataclass(frozen=True)
class Footprint:
    """The bytes of a model's parts.

    Attributes:
        formula: of its parameters, with an adapter where one was asked for.
        dtype: of the weights.
        parts: the formula of each part.
        numbers: the bytes of each part.
        rounding: bytes besides, since torch's CUDA allocator hands out whole pages for each tensor of the weights.
        step: bytes besides that a step of the optimizer takes for a while; `None` for inference.
    """

    formula: Formula = field(repr=False)
    dtype: str
    parts: Mapping[str, Formula] = field(repr=False)
    numbers: Mapping[str, int]
    rounding: int
    step: int | None

    @property
    def total(self) -> int:
        """All parts together."""
        return sum(self.numbers.values())


@dataclass(frozen=True)
class Buffers:
    """The bytes of a model's buffers, which are no parameters.

    Attributes:
        persistent: of those that are in a file of weights, and in its `total_size`.
        others: of those that the model makes when it is built.
        rounding: bytes besides of the allocator's pages, for both.
    """

    persistent: int
    others: int
    rounding: int


@guarded
def buffers(formula: Formula, config: Any = None, dtype: str = "float32", **values: Any) -> Buffers:
    """The bytes of the buffers of the real model at a config, built on the meta device with *dtype* as torch's default.

    Args:
        formula: of the model's parameters.
        config: a `config.json` path or dict, or a transformers config; by default the class's own.
        dtype: of the weights.
        values: letters or config fields that differ from *config*.

    Raises:
        DependencyError: torch or transformers is missing.
        SymcountError: see `symcount.verification.report.verify`.
    """
    kind = type_of(dtype).name
    with default_dtype(kind):
        _, model = realised(formula, config, by_letter(formula.notation, values))
    inside, outside, rounding = 0, 0, 0
    for module in model.modules():
        for name, tensor in module._buffers.items():
            if tensor is None:
                continue
            rounding += -tensor.nbytes % PAGE
            if name in module._non_persistent_buffers_set:
                outside += tensor.nbytes
            else:
                inside += tensor.nbytes
    return Buffers(inside, outside, rounding)


def footprint(formula: Formula, fields: Mapping[str, Any], values: Mapping[str, Any], asked: Request) -> Footprint:
    """The bytes of the parts of a model.

    Args:
        formula: of the model's parameters.
        fields: of its config: its `dtype` and `quantization_config` are heeded.
        values: by letter.
        asked: what is wanted.

    Raises:
        OptionError: no such type, optimizer or method of quantisation; or a model without a cache.
        SymcountError: see `Formula.count`.
    """
    kind, storage = _storage(formula, fields, asked, values)
    formula = _adapted(formula, asked, values)
    found = _parts(formula, fields, asked, kind, storage)
    numbers = dict.fromkeys(("weights", "cache", "gradients", "optimizer"), 0)
    numbers |= {name: _at(part, values) for name, part in found.items()}
    rounded = formula.bytes(kind, "weights", **storage, page=PAGE)
    step = None
    if asked.optimizer is not None:
        step = _at(formula.bytes(kind, "step", **storage), values)
    return Footprint(formula, str(kind), found, numbers, _at(rounded, values) - numbers["weights"], step)


def parts(formula: Formula, fields: Mapping[str, Any], asked: Request, values: Mapping[str, Any]) -> dict[str, Formula]:
    """The formula of each part that is asked for: weights, cache, gradients, optimizer, master weights.

    Raises:
        OptionError: see `footprint`.
    """
    kind, storage = _storage(formula, fields, asked, values)
    return _parts(_adapted(formula, asked, values), fields, asked, kind, storage)


def _parts(
    formula: Formula, fields: Mapping[str, Any], asked: Request, kind: str, storage: Mapping[str, Any]
) -> dict[str, Formula]:
    if asked.master and asked.optimizer is None:
        raise OptionError("master weights are an optimizer's: give one, such as --optimizer adamw")
    found = {"weights": formula.bytes(kind, "weights", **storage)}
    if asked.length is not None:
        found["cache"] = held(formula, asked.batch, asked.length, kind, fields, asked.further)
    elif asked.further:
        formula.notation[next(iter(asked.further))]  # the error of an unknown symbol
    trained = ("gradients", "optimizer", *(("master",) if asked.master else ()))
    for name in trained if asked.optimizer is not None else ():
        found[name] = formula.bytes(kind, name, **storage)
    return found


def _storage(
    formula: Formula, fields: Mapping[str, Any], asked: Request, values: Mapping[str, Any]
) -> tuple[str, dict[str, Any]]:
    """The type of the weights, and the other arguments of `Formula.bytes`."""
    storage: dict[str, Any] = {
        "master": asked.master,
        "values": {**formula.defaults, **values},
        "quantization": _quantization(asked.quantization, fields),
        **({} if asked.optimizer is None else {"optimizer": asked.optimizer}),
    }
    return asked.dtype or stated_dtype(fields), storage


def _adapted(formula: Formula, asked: Request, values: Mapping[str, Any]) -> Formula:
    """The model with the adapter that is asked for, if one is."""
    if asked.lora is not None:
        return formula.adapter("lora", values=values, r=asked.lora, target_modules=asked.targets)
    if asked.targets is not None:
        raise OptionError("targets are an adapter's: give its rank, such as --lora 8")
    return formula


def _at(part: Formula, values: Mapping[str, Any]) -> int:
    known = {**part.defaults, **values}  # an adapter's letters are beside those of the model
    return integer_value(part.total, part.values({k: v for k, v in known.items() if k in part.notation}))


def stated_dtype(fields: Mapping[str, Any]) -> str:
    """The type that a config says, or else a part of it; fp32, as transformers makes it, where it says none."""
    inner = (value for name, value in fields.items() if name.endswith("_config") and name != "quantization_config")
    for part in (fields, *(value for value in inner if isinstance(value, Mapping))):
        found = part.get("dtype", part.get("torch_dtype"))
        if found not in (None, "auto"):
            return str(found)
    return "float32"


def _quantization(name: str | None, fields: Mapping[str, Any]) -> Mapping[str, Any] | None:
    if name is None:
        said = fields.get("quantization_config")
        return said if isinstance(said, Mapping) else None
    if name.lower() == "none":
        return None
    if name not in METHODS and f"{_BITSANDBYTES}{name}" in METHODS:
        name = f"{_BITSANDBYTES}{name}"
    if name not in METHODS and name.upper() in BLOCKS:
        return {"quant_method": "gguf", "type": name}
    return {"quant_method": name}
