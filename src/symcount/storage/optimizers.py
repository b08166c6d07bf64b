"""Optimizers as data: which tensors each keeps beside a parameter, of what shape and type.

Sources, read in the code and compared with the states of real steps in the tests: `torch.optim` 2.13 (`adam.py`,
`_adafactor.py`, `_muon.py`, …), `transformers.optimization.Adafactor`, bitsandbytes 0.50 `optim/optimizer.py`
(states of at least 4,096 elements in eight bits, one maximum for 256 of them; `backends/cuda/ops.py`: its kernels write
into what is there).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from sympy import Expr, Integer, Min, Mul, ceiling, floor

from symcount.errors import OptionError, near

__all__ = ["OPTIMIZERS", "Optimizer", "State", "optimizer"]

Shape = tuple[Expr, ...]
ONE = Integer(1)


def _like(shape: Shape) -> Shape:
    return shape


def _scalar(shape: Shape) -> Shape:  # noqa: ARG001  # one number, whatever the parameter's shape
    return ()


def _rows(shape: Shape) -> Shape:
    return shape[:-1]


def _columns(shape: Shape) -> Shape:
    return (*shape[:-2], shape[-1])


_LEAST = 4096  # elements from which on bitsandbytes quantises a state
_BLOCK = 256


def _eight_bits(shape: Shape) -> Shape:
    """Bytes of a state: one an element, four where the tensor is small."""
    size = Mul(*shape)
    return (size * (4 - 3 * Min(ONE, floor(size / _LEAST))),)


def _maxima(shape: Shape) -> Shape:
    """Bytes of the maxima of the blocks; none where the tensor is small."""
    size = Mul(*shape)
    return (4 * ceiling(size / _BLOCK) * Min(ONE, floor(size / _LEAST)),)


@dataclass(frozen=True)
class State:
    """One tensor that is kept beside a parameter.

    Attributes:
        name: as the optimizer calls it.
        shape: from the parameter's shape to its own.
        dtype: torch's name; `None` for the parameter's own type; `bytes` where *shape* says bytes.
        least: dimensions from which on a parameter has it.
        most: dimensions up to which.
        host: whether it stays in the memory of the host.
    """

    name: str
    shape: Callable[[Shape], Shape] = _like
    dtype: str | None = None
    least: int = 0
    most: int = 99
    host: bool = False

    def is_of(self, shape: Sequence[Expr]) -> bool:
        """Whether a parameter of that shape has it."""
        return self.least <= len(shape) <= self.most


@dataclass(frozen=True)
class Optimizer:
    """What an optimizer keeps.

    Attributes:
        name: the shortest of its names.
        states: beside each parameter.
        once: bytes kept once for all of them, such as tables of quantisation.
        extra: how many further copies of all parameters a step takes for a while.
        loop: the name of what a loop over the parameters makes besides; see `symcount.storage.temporaries`.
        note: what one would not guess.
    """

    name: str
    states: tuple[State, ...]
    once: int = 0
    extra: int = 0
    loop: str = ""
    note: str = ""


_STEP = State("step", _scalar, "float32", host=True)
_ADAM = (State("exp_avg"), State("exp_avg_sq"))
_MOMENTUM = State("momentum_buffer")


def _on_device(one: Optimizer, name: str) -> Optimizer:
    return replace(one, name=name, states=tuple(replace(s, host=False) for s in one.states), extra=0)


_ADAMW = Optimizer("adamw", (_STEP, *_ADAM), extra=1, note="foreach, the default: a step takes one more copy")
_LOOP = replace(_ADAMW, name="adamw_for_loop", extra=0, loop="adamw_for_loop", note="two copies of a tensor at a time")
_STATES = ("state1", "state2")


def _in_eight_bits(names: Sequence[str]) -> tuple[State, ...]:
    pairs = ((State(n, _eight_bits, "bytes"), State(f"absmax{i}", _maxima, "bytes")) for i, n in enumerate(names, 1))
    return tuple(state for pair in pairs for state in pair)


def _in_32_bits(names: Sequence[str]) -> tuple[State, ...]:
    return tuple(State(name, dtype="float32") for name in names)


#: by name
OPTIMIZERS: Final = {
    o.name: o
    for o in (
        _ADAMW,
        _on_device(_ADAMW, "adamw_fused"),
        _LOOP,
        replace(_ADAMW, name="adamw_amsgrad", states=(*_ADAMW.states, State("max_exp_avg_sq"))),
        Optimizer("sgd", ()),
        Optimizer("sgd_momentum", (_MOMENTUM,)),
        Optimizer("rmsprop", (_STEP, State("square_avg")), extra=1),
        Optimizer("adagrad", (_STEP, State("sum")), extra=2),
        Optimizer("adadelta", (_STEP, State("square_avg"), State("acc_delta")), extra=2),
        Optimizer("adamax", (_STEP, State("exp_avg"), State("exp_inf")), extra=1),
        Optimizer("nadam", (_STEP, State("mu_product", _scalar, "float32", host=True), *_ADAM), extra=1),
        Optimizer("radam", (_STEP, *_ADAM), extra=1),
        Optimizer("asgd", (replace(_STEP, host=False), State("eta", _scalar, "float32"),
                           State("mu", _scalar, "float32"), State("ax")), extra=1,
                  note="its step lies with the parameter"),
        Optimizer("rprop", (_STEP, State("prev"), State("step_size")), extra=1, loop="rprop"),
        Optimizer("adafactor_torch", (_STEP, State("row_var", _rows, least=2), State("col_var", _columns, least=2),
                                      State("variance", most=1)), loop="adafactor_torch",
                  note="factors in the parameters' type"),
        Optimizer("adafactor", (State("exp_avg_sq_row", _rows, "float32", least=2),
                                State("exp_avg_sq_col", _columns, "float32", least=2),
                                State("exp_avg_sq", _like, "float32", most=1), State("RMS", _scalar, "float32")),
                  loop="adafactor", note="of transformers: factors in fp32"),
        Optimizer("muon", (replace(_MOMENTUM, least=2, most=2),), loop="muon",
                  note="two-dimensional parameters only: it takes no others, stacked experts among them"),
        Optimizer("muon_adamw", (replace(_MOMENTUM, least=2, most=2),
                                 *(replace(s, most=1) for s in _ADAMW.states),
                                 *(replace(s, least=3) for s in _ADAMW.states)),
                  loop="muon", note="Muon for two-dimensional parameters, AdamW for the rest, one after the other"),
        Optimizer("lion", (State("exp_avg"),), loop="lion", note="of lion-pytorch"),
        Optimizer("adamw_32bit", _in_32_bits(_STATES), note="of bitsandbytes: in fp32 whatever the parameters are in"),
        Optimizer("lion_32bit", _in_32_bits(_STATES[:1]), note="the same, with one state"),
        Optimizer("adamw_8bit", _in_eight_bits(_STATES), once=2048,
                  note="of bitsandbytes: small tensors stay in fp32"),
        Optimizer("lion_8bit", _in_eight_bits(_STATES[:1]), once=1024, note="the same, with one state"),
    )
}  # fmt: skip

#: other names -> those: Trainer's, torch's
_OTHERS: Final = {
    "adam": "adamw", "adamw_torch": "adamw", "adamw_foreach": "adamw", "adamw_torch_fused": "adamw_fused",
    "fused": "adamw_fused", "amsgrad": "adamw_amsgrad", "momentum": "sgd_momentum",
    "adafactor_transformers": "adafactor", "adamw_bnb_8bit": "adamw_8bit", "adam8bit": "adamw_8bit",
    "adamw8bit": "adamw_8bit", "adam_8bit": "adamw_8bit", "paged_adamw_8bit": "adamw_8bit",
    "paged_adamw_32bit": "adamw_32bit",
    "paged_adamw": "adamw_32bit", "paged_lion_32bit": "lion_32bit",
    "paged_lion_8bit": "lion_8bit", "adamw_loop": "adamw_for_loop",
}  # fmt: skip


def optimizer(name: object) -> Optimizer:
    """The optimizer of that name, such as `adamw`, `sgd_momentum`, `adafactor`, `muon` or `adamw_8bit`.

    >>> [s.name for s in optimizer("AdamW").states], optimizer("adamw_torch_fused").name
    (['step', 'exp_avg', 'exp_avg_sq'], 'adamw_fused')

    Raises:
        OptionError: there is none.
    """
    if isinstance(name, Optimizer):
        return name
    text = str(name).strip().lower().replace("-", "_").replace(" ", "_")
    found = OPTIMIZERS.get(_OTHERS.get(text, text))
    if found is None:
        known = [*OPTIMIZERS, *_OTHERS]
        raise OptionError(f"optimizer {name!r:.80}: expected one of {', '.join(OPTIMIZERS)}.{near(text, known)}")
    return found
