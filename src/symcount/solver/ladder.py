"""A ladder: one config for each of several budgets, of one family, every size monotone. For a scaling-law study."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from typing import Any

from symcount.config.config import Config
from symcount.core.values import exact
from symcount.errors import BudgetError, ExpressionError
from symcount.exact.evaluate import compile_scalar
from symcount.foreign import guarded
from symcount.formulas.formula import Formula
from symcount.solver.api import prepared, search_for
from symcount.solver.budget import Budget, read_budget
from symcount.solver.chain import CANDIDATES, chain
from symcount.solver.family import family, letters_of
from symcount.solver.given import Conditions, named, read_items, read_reference, read_where
from symcount.solver.measures import MEASURES, UNITS, tokens_of
from symcount.solver.proportions import ASPECT, aspect_conditions, exponent_conditions, head_size
from symcount.solver.rungs import Ladder, Rung
from symcount.solver.sizes import family_sizes, in_stages
from symcount.solver.solution import Solution
from symcount.solver.solutions import Solutions
from symcount.storage.footprint import Request

__all__ = ["Ladder", "Rung", "ladder", "ladder_of"]


@guarded
def ladder(
    source: Any,
    /,
    budgets: str | Iterable[Any] | None = None,
    *,
    aspect: Any = "usual",
    head_dim: int | None = None,
    tolerance: Any = "10%",
    free: Any = None,
    fixed: Mapping[str, Any] | None = None,
    where: Conditions = (),
    convention: str = "unique",
    runnable: bool = True,
    reference: Any = None,
    exponent: Any = None,
    shapes: str | Iterable[Any] | None = None,
    tokens: int | str = 20,
    memory: Request | Mapping[str, Any] | None = None,
    **options: Any,
) -> Ladder:
    """One config for each budget: each size at least that of the rung below, and together as near as can be.

    Unless said otherwise, the hidden size H is free in steps of the head size, and so is the number of layers N; the
    number of heads is `A = H/head_dim`, key-value heads and other layer sizes keep the ratio that they have in the
    model's default config, rounded to a multiple of the head size.

    Args:
        source: a formula, or whatever `symcount.formula` takes.
        budgets: rising numbers of parameters: `"10M,30M,100M"` or a list; or none, where *shapes* say everything.
        aspect: admissible H/N: `"64..128"`, a pair, or `None` for any. By default 64 to 128; with a reference, from
            two thirds of its H/N to one and a half times that; in stages half to twice that of the default config; with
            an exponent any.
        head_dim: size of an attention head; by default that of the reference, or 64.
        tolerance: how far from its budget a rung may be.
        free: other free symbols or ranges, see `solve`.
        fixed: other numbers or rules, see `solve`.
        where: further conditions.
        convention: what the budgets count.
        runnable: only configs whose models run, see `solve`.
        reference: a config, or values by letter or field, whose proportions and other sizes the family has, instead of
            those of the default config.
        exponent: the power of H as which N grows, from the reference or the default config on: `1`, `0.5`, `2/3`.
        shapes: what single sizes are to be on each rung, to rebuild a family: `["H=512,N=8", {"H": 768, "N": 12}]`.
        tokens: of training, for the column beside each rung and for budgets of `flops`: so many for each parameter that
            is counted, or a law such as `"300B"` or `"20*active"`.
        memory: for the conventions `memory`, `cache` and `flops`; see `solve`.
        options: structural options of the model.

    Raises:
        BudgetError: a budget that cannot be read or met, or no chain of configs rises from rung to rung.
        SymcountError: see `solve`.

    >>> import symcount as sc
    >>> for rung in sc.ladder("llama", "10M,100M,1B"):
    ...     print(rung.label, {n: rung.solution.values[n] for n in "HINA"}, rung.solution.count, rung.tokens)
    10M {'H': 256, 'I': 704, 'N': 2, 'A': 4} 9798912 195978240
    100M {'H': 832, 'I': 2240, 'N': 9, 'A': 13} 101879232 2037584640
    1B {'H': 1920, 'I': 5184, 'N': 21, 'A': 30} 998236800 19964736000
    >>> [rung.label for rung in sc.ladder("gpt2", shapes="H=768,N=12; H=1024,N=24; H=1280,N=36")]
    ['124M', '355M', '774M']
    """
    formula, config = prepared(source, options, ladder)
    return ladder_of(
        formula, config, budgets, aspect=aspect, head_dim=head_dim, tolerance=tolerance, free=free, fixed=fixed,
        where=where, convention=convention, runnable=runnable, reference=reference, exponent=exponent, shapes=shapes,
        tokens=tokens, memory=memory,
    )  # fmt: skip


def ladder_of(
    formula: Formula,
    config: Config | None,
    budgets: str | Iterable[Any] | None = None,
    *,
    aspect: Any = "usual",
    head_dim: int | None = None,
    tolerance: Any = "10%",
    free: Any = None,
    fixed: Mapping[str, Any] | None = None,
    where: Conditions = (),
    convention: str = "unique",
    runnable: bool = True,
    reference: Any = None,
    exponent: Any = None,
    shapes: str | Iterable[Any] | None = None,
    tokens: int | str = 20,
    memory: Request | Mapping[str, Any] | None = None,
) -> Ladder:
    """The ladder for a class, by one of its formulas and its config; see `ladder`, and `search_for` of `solve`."""
    if free is not None:
        items, patterns = read_items(formula, free)
        free = {**dict(items), **patterns}
    targets = _shapes(formula, shapes)
    law = _law(tokens)
    if convention == "flops":
        memory = replace(memory, tokens=law) if isinstance(memory, Request) else {"tokens": law, **(memory or {})}
    texts = _budgets(budgets, targets, convention)
    windows = [read_budget(b, tolerance, convention, MEASURES) for b in texts] if budgets is not None else []
    known = {**formula.given(config), **(read_reference(formula, reference) or {})}
    stages = in_stages(formula, family_sizes(formula)[1])
    size = head_dim if head_dim is not None else head_size(formula, known) if reference is not None or stages else 64
    ranges, rules = family(formula, known, size, free, fixed or {})
    kept: dict[str, Any] = {}
    if reference is not None:  # its other sizes are the family's, too
        taken = {*rules, *letters_of(formula, ranges)}
        kept = {n: value for n, value in known.items() if n not in taken}
    conditions = read_where(where)
    conditions += [] if targets else _proportions(formula, known, aspect, exponent, reference)
    answers = [
        search_for(
            formula, config, text, free={**ranges, **own} if own else ranges,
            fixed={n: rule for n, rule in {**rules, **kept}.items() if n not in own},
            where=conditions, tolerance=tolerance if windows else None, convention=convention, limit=CANDIDATES,
            rank="distance", runnable=runnable, memory=memory,
        ).run()
        for text, own in zip(texts, targets or [{}] * len(texts), strict=True)
    ]  # fmt: skip
    for answer in answers:
        _require(answer)
    chosen = chain(answers)
    functions = answers[0].space.rules.functions
    if not windows:
        windows = [Budget(convention, s.count, s.count, s.count) for s in chosen]
        chosen = [replace(s, target=s.count) for s in chosen]
    return Ladder(
        formula,
        tuple(Rung(w, s, _trained(law, s, convention, memory) if tokens else 0)
              for w, s in zip(windows, chosen, strict=True)),
        dict(functions),
        {**answers[0].defaults, **kept},
    )  # fmt: skip


def _law(tokens: int | str) -> str:
    """Of how many tokens of training there is talk: a bare number is so many for each parameter; 20, where it is 0.

    Raises:
        BudgetError: it is negative.
    """
    text = str(tokens).strip()
    if not text.removeprefix("-").isdecimal():
        return text
    if int(text) < 0:
        raise BudgetError(f"tokens {text}: expected a number of at least 0")
    return f"{int(text) or 20}N"


def _trained(law: str, solution: Solution, convention: str, memory: Request | Mapping[str, Any] | None) -> int:
    """The tokens that a rung is trained on: none where bytes are counted."""
    if convention == "flops":
        law = str(memory.tokens if isinstance(memory, Request) else (memory or {}).get("tokens", law))
    elif convention in MEASURES:
        return 0
    elif law.removesuffix("N").isdecimal():
        return int(law.removesuffix("N")) * solution.count
    formula = solution.formula
    known = formula.values({**formula.given(), **solution.values})
    return int(compile_scalar(tokens_of(law, formula))(known))


def _budgets(budgets: str | Iterable[Any] | None, targets: list[dict[str, int]], convention: str) -> list[Any]:
    if budgets is None:
        if not targets:
            raise BudgetError("no budgets: give them, such as 10M,30M,100M, or the shapes of the rungs")
        return [">=1"] * len(targets)
    texts = [t.strip() for t in budgets.split(",")] if isinstance(budgets, str) else list(budgets)
    numbers = [read_budget(b, None, convention, MEASURES).target for b in texts]
    if not numbers or any(a >= b for a, b in pairwise(numbers)):
        raise BudgetError(
            f"budgets {', '.join(map(str, texts))}: expected one or more, each larger than the one before"
        )
    if targets and len(targets) != len(texts):
        raise BudgetError(f"{len(texts)} budgets and {len(targets)} shapes: give one shape for each budget")
    return texts


def _shapes(formula: Formula, shapes: str | Iterable[Any] | None) -> list[dict[str, int]]:
    """Numbers by letter for each rung."""
    if shapes is None:
        return []
    found: list[dict[str, int]] = []
    for shape in shapes.split(";") if isinstance(shapes, str) else shapes:
        items: Any = shape
        if isinstance(shape, str):
            pairs = [part.partition("=") for part in shape.split(",")]
            if not all(sign and value.strip().isdecimal() for _, sign, value in pairs):
                raise ExpressionError(f"shape {shape!r:.60}: expected sizes such as H=768,N=12")
            items = {name.strip(): int(value) for name, _, value in pairs}
        if not isinstance(items, Mapping) or not items:
            raise ExpressionError(f"shape {shape!r:.60}: expected sizes such as H=768,N=12")
        entries = [(named(formula, name, "shape"), value) for name, value in items.items()]
        found.append({e.letter: int(exact(e, value)) for e, value in entries})
    return found


def _proportions(formula: Formula, known: Mapping[str, Any], aspect: Any, exponent: Any, reference: Any) -> list[str]:
    """Conditions on H and N together."""
    found = [] if exponent is None else exponent_conditions(formula, exponent, known)
    if aspect == "usual" and exponent is None:
        width, depth = family_sizes(formula)
        stages = in_stages(formula, depth)
        aspect = ASPECT
        if (reference is not None or stages) and known.get(width) and known.get(depth):
            ratio, far = Fraction(known[width], known[depth]), Fraction(2) if stages else Fraction(3, 2)
            aspect = (ratio / far, ratio * far)
    return found + aspect_conditions(formula, None if aspect == "usual" else aspect)


def _require(answer: Solutions) -> None:
    if answer.number:
        return
    [near] = answer.neighbours
    beside = [f"{s.count:,}" for s in (near.below, near.above) if s is not None]
    raise BudgetError(
        f"no config of the family has {answer.budgets[0]} {UNITS.get(answer.budgets[0].convention, 'parameters')}; "
        f"the nearest have {' and '.join(beside)}; "
        "widen the tolerance or the aspect"
    )
