"""The formula of a forward pass's operations, and from it those of the backward pass and of training."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from sympy import Expr, Mul, cancel

from symcount.core.tree import Block, Parameter
from symcount.derivation.formula import DerivedFormula
from symcount.formulas.formula import Formula
from symcount.forward.formulas import ForwardFormula, lettered
from symcount.forward.inputs import BATCH, LENGTH
from symcount.forward.operations import SCORES
from symcount.forward.operations_module import MARK

__all__ = ["OperationsFormula", "operations_formula"]


@dataclass(frozen=True, repr=False)
class OperationsFormula(ForwardFormula):
    """The operations of a forward pass over S tokens of each of B sequences; see `symcount.forward.operations`.

    Attributes:
        noted: the tree with what is known of each operation in its name; see `symcount.forward.operations_module`.
    """

    noted: Block | None = field(default=None, repr=False, compare=False)

    __hash__ = Formula.__hash__

    def backward(self, *, causal: bool = False, fused: bool = False) -> OperationsFormula:
        """The operations of the backward pass: a product for each operand of which a gradient is needed.

        Args:
            causal: see `causal`.
            fused: whether attention is fused, which keeps no scores, and multiplies for them once more.
        """
        return self._with(lambda gradients: gradients, causal=causal, fused=fused)

    def training(self, *, checkpointing: bool = False, causal: bool = False, fused: bool = False) -> OperationsFormula:
        """Those of a forward and a backward pass; with *checkpointing* the layers' forward pass is done twice."""
        return self._with(lambda gradients: 1 + gradients, causal=causal, again=checkpointing, fused=fused)

    def causal(self) -> OperationsFormula:
        """With half of a causal attention: of S·S pairs of tokens the S(S + 1)/2 that are not masked."""
        return self._with(lambda _: 1, causal=True)

    def per_token(self) -> Expr:
        """The operations for one token."""
        names = [n for n in (BATCH, LENGTH) if n in self.sizes]
        sizes = [self.numbers[n] if n in self.numbers else self.notation[self.sizes[n]].symbol for n in names]
        return cancel(self.total / Mul(*sizes))

    def _with(
        self, times: Callable[[int], int], *, causal: bool = False, again: bool = False, fused: bool = False
    ) -> OperationsFormula:
        assert self.noted is not None  # noqa: S101  # set where it is made
        return replace(self, tree=_counted(self.noted, times, causal=causal, again=again, fused=fused))

    def certify(self, trials: int = 8, seed: int = 0) -> int:
        """Compare the formula with an independent count of the operations that ran, module by module.

        Returns:
            The number of random points at which they agree.

        Raises:
            VerificationError: they disagree.
            DerivationError: not enough points could be built.
        """
        from symcount.forward.certificate import certify_operations

        return certify_operations(self, trials, seed)


def _counted(
    noted: Block, times: Callable[[int], int], *, causal: bool, again: bool, fused: bool = False, inside: bool = False
) -> Block:
    """The tree of what counts of *noted*: each operation so many *times* as the gradients that it needs say."""
    inside = inside or "*" in noted.name
    parameters: dict[str, Parameter] = {}
    for p in noted.parameters:
        name, _, mark = p.name.partition(MARK)
        number, half = int(mark.rstrip("c")), mark.endswith("c")
        factor = times(number) + (1 if again and inside else 0) + (1 if fused and number and _scores(name) else 0)
        if not factor:
            continue
        shape = (p.shape[0] * factor, *p.shape[1:])
        if half and causal:
            shape = (*shape[:-2], (shape[-2] + 1) / 2, shape[-1])
        while name in parameters:  # several that differ only in what is marked
            name += "_"
        parameters[name] = replace(p, name=name, shape=shape, alias_of=None)
    children = (_counted(c, times, causal=causal, again=again, fused=fused, inside=inside) for c in noted.children)
    return replace(noted, parameters=tuple(parameters.values()), children=tuple(children))


def _scores(name: str) -> bool:
    """Whether an operation is the first product of attention that is one function of torch."""
    return name.partition("_")[0] == SCORES


def operations_formula(derived: DerivedFormula) -> OperationsFormula:
    """The formula of operations, of that of the model whose parameters they are."""
    made: OperationsFormula = lettered(OperationsFormula, derived, derived.tree)
    plain = _counted(made.tree, lambda _: 1, causal=False, again=False)
    return replace(made, tree=plain, noted=made.tree, unit="operations", sign="F")
