"""`solve`: every config that meets a parameter budget."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from inspect import Parameter, signature
from typing import Any

from sympy import Sum

from symcount.config.config import Config, read
from symcount.core.values import title
from symcount.errors import DomainError, ExpressionError, OptionError, StructureError
from symcount.foreign import guarded
from symcount.formulas.formula import Formula
from symcount.lookup import formula as formula_of
from symcount.lookup import is_config
from symcount.solver.budget import read_budgets
from symcount.solver.cases import Case, cases, running
from symcount.solver.criteria import Criterion, read_criteria
from symcount.solver.given import Conditions, read_free, read_given, read_items, read_reference, read_where
from symcount.solver.hunt import Hunt
from symcount.solver.measures import beside, known_beside, limited, measured
from symcount.solver.patterns import patterned
from symcount.solver.solutions import Solutions
from symcount.solver.space import Space, Where
from symcount.storage.footprint import Request

__all__ = ["prepared", "search_for", "solve"]

_NOT_BY_NAME = (Parameter.POSITIONAL_ONLY, Parameter.VAR_KEYWORD)


@guarded
def solve(
    source: Any,
    /,
    budget: Any,
    *,
    free: Any,
    fixed: Mapping[str, Any] | None = None,
    where: Conditions = (),
    tolerance: Any = None,
    rank: Any = "shape",
    reference: Any = None,
    limit: int | None = 10,
    convention: str = "unique",
    runnable: bool = True,
    memory: Request | Mapping[str, Any] | None = None,
    **options: Any,
) -> Solutions:
    """Every config whose parameter count meets a budget: how many there are, exactly, and the best of them.

    Args:
        source: a formula, or whatever `symcount.formula` takes.
        budget: a number of parameters (`110_000_000`, `"110M"`, `"<=1.3B"`), or several by convention
            (`{"unique": "47B", "active": "13B"}`), all of which must be met. `memory` and `cache` are budgets of
            bytes: `{"memory": "24GB"}` is at most so many.
        free: the unknowns, by letter or config field, with their ranges: `{"H": "256..4096:64", "N": range(1, 97)}` or
            `"H=256..4096:64, N"`. Without a range, or with an open one (`64..:64`), the budget bounds it. A ratio has
            its numbers (`"width_coefficient=1..2:0.1"`), a list of kinds of layers the patterns that it may repeat
            (`"layer_types=conv conv full_attention, conv full_attention"`).
        fixed: numbers or rules for other symbols: `{"V": 50_000, "I": "4*H", "A": "H/64"}`. Everything else has the
            value of the config or the model's default; what neither enters the count nor can exclude anything is open.
        where: conditions beyond the formula's domain, which always applies:
            `["H % A == 0", "16 <= H/N <= 128"]`, `"N in (12, 24) or H > 4096"`; or a function of the values by letter.
        tolerance: relative (`"0.1%"`) or absolute (`"500k"`); with a sign on one side only. By default 1%.
        rank: which solutions come first: `shape` (like what people build), `distance`, `aspect=80`, `reference`,
            `round`, an expression to be small, a function of the values by letter, or several of them.
        reference: for `rank="reference"`: values by letter or field, or a config.
        limit: how many solutions are given in full; `None` for all.
        convention: what a budget counts that is not given by convention.
        runnable: only configs whose models run: as many heads for each key-value head, no more experts for a token
            than there are. Without it every config that can be built.
        memory: for these: `dtype`, `batch`, `length`, `optimizer`, `quantization`, `lora`, by name; see
            `symcount.storage.footprint.Request`.
        options: structural options of the model.

    Raises:
        BudgetError: a budget that cannot be read, or that is beyond every admissible config.
        ExpressionError, UnknownSymbolError: a range, rule, condition or ranking that cannot be read.
        MissingSymbolError: a symbol has no value.
        DomainError: the conditions contradict each other.
        StructureError: the total is a sum without a closed form.
        SymcountError: see `symcount.formula`.

    >>> import symcount as sc
    >>> found = sc.solve("bert", "110M", tolerance="0.1%", free="H=64..4096:64, I=64..16384:64, N=1..96")
    >>> found.size, found.number
    (1572864, 197)
    >>> found = sc.solve("bert", "110M", free="H=64..4096:64, N=1..96", fixed={"I": "4*H"})
    >>> found.best[0].values["H"], found.best[0].values["N"], found.best[0].count
    (768, 12, 109482240)
    """
    formula, config = prepared(source, options)
    return search_for(
        formula, config, budget, free=free, fixed=fixed, where=where, tolerance=tolerance, rank=rank,
        reference=reference, limit=limit, convention=convention, runnable=runnable, memory=memory,
    ).run()  # fmt: skip


def search_for(
    formula: Formula,
    config: Config | None,
    budget: Any,
    *,
    free: Any,
    fixed: Mapping[str, Any] | None = None,
    where: Conditions = (),
    tolerance: Any = None,
    rank: Any = "shape",
    reference: Any = None,
    limit: int | None = 10,
    convention: str = "unique",
    runnable: bool = True,
    memory: Request | Mapping[str, Any] | None = None,
) -> Hunt:
    """The search for a class, by one of its formulas and its config; `None` searches this formula only. See `solve`."""
    formula = measured(formula, config, memory)
    if limit is not None and limit < 1:
        raise ExpressionError(f"limit {limit}: expected at least 1, or None for all solutions")
    budgets = read_budgets(budget, tolerance, convention, formula.measures)
    known_beside(formula, [b.convention for b in budgets])
    if any(formula.total_as(b.convention).has(Sum) for b in budgets):
        raise StructureError(
            f"{formula.name}: its total is a sum without a closed form, for which no sizes are searched; "
            "count the configs that you have in mind"
        )
    asked = _Asked(
        fixed or {}, read_where(where), rank, reference, tuple(b.convention for b in budgets), runnable=runnable
    )
    items, lists = read_items(formula, free)
    if not lists:
        return Hunt(_spaces(formula, config, items, asked), budgets, limit)
    [(field, patterns), *more] = lists.items()
    if more:
        raise ExpressionError(f"{field} and {more[0][0]} are patterns of layers; one list is searched at a time")
    found: list[tuple[Space, tuple[Criterion, ...]]] = []
    for one in patterned(formula, config, field, patterns):
        beside = replace(asked, fixed={**asked.fixed, **one.rules}, usual={one.depth: one.layers})
        for space, criteria in _spaces(one.formula, one.config, items, beside):
            found.append((replace(space, lists=one.lists, depth=one.depth), criteria))
    return Hunt(found, budgets, limit)


@dataclass(frozen=True)
class _Asked:
    """What a search is given beside its free symbols."""

    fixed: Mapping[str, Any]
    where: Sequence[Where]
    rank: Any
    reference: Any
    conventions: tuple[str, ...]
    usual: Mapping[str, Any] = field(default_factory=dict)
    runnable: bool = True


def _spaces(
    formula: Formula, config: Config | None, items: Sequence[tuple[str, Any]], asked: _Asked
) -> list[tuple[Space, tuple[Criterion, ...]]]:
    """A space for each formula that the class may have there, with what its solutions are ranked by.

    Raises:
        DomainError: no formula holds for what is given.
    """
    ranges, given = read_free(formula, items), read_given(formula, asked.fixed)
    if both := sorted(ranges.keys() & given.keys()):
        raise ExpressionError(f"{title(formula.notation[both[0]])} is free and fixed; keep one of the two")
    near = read_reference(formula, asked.reference)
    found: list[tuple[Space, tuple[Criterion, ...]]] = []
    earlier: list[Case] = []
    empty: DomainError | None = None
    for one, known in cases(formula, config, {*ranges, *given}):
        case = limited(one, asked.conventions)
        defaults = {**asked.usual, **known}
        criteria = read_criteria(asked.rank, case, near, formula.given())
        try:
            space = Space.of(
                case,
                ranges,
                given,
                defaults,
                asked.where,
                asked.conventions,
                [e for c in criteria for e in c.needs],
                running(case, defaults) if asked.runnable else (),
                earlier,
            )
        except DomainError as error:  # what is given is the business of another formula
            empty = empty or error
        else:
            space.beside = {**({} if config is None else config.fields), **beside(formula, asked.conventions)}
            found.append((space, criteria))
        earlier.append((case, defaults))
    if not found:
        raise empty or DomainError(f"{formula.name}: no formula holds for what is given")
    return found


def prepared(
    source: Any, options: Mapping[str, Any], called: Callable[..., Any] = solve
) -> tuple[Formula, Config | None]:
    """The formula that *source* names, and its config: an empty one for a name, none for a formula.

    Raises:
        OptionError: an option that the model does not have; where it is nearly a parameter of the function that is
            *called*, that is said.
    """
    parameters = [p.name for p in signature(called).parameters.values() if p.kind not in _NOT_BY_NAME]
    meant = [(name, near) for name in options if (near := get_close_matches(name, parameters, n=1, cutoff=0.75))]
    try:
        formula = formula_of(source, **options)
    except OptionError:
        for name, (parameter, *_) in meant:
            raise OptionError(f"there is no argument {name!r}. Did you mean {parameter}?") from None
        raise
    for name, (parameter, *_) in meant:
        if name not in formula.options and name not in formula.notation:
            raise OptionError(f"there is no argument {name!r}. Did you mean {parameter}?")
    if isinstance(source, Formula):
        return formula, None
    return formula, read(source) if is_config(source) else Config(dict(options), formula.name)
