"""`solve`: every config that meets a parameter budget."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from difflib import get_close_matches
from fractions import Fraction
from typing import Any

from sympy import Expr

from symcount.configs import Config, read
from symcount.domain import Condition
from symcount.errors import DomainError, ExpressionError, OptionError, UnknownSymbolError
from symcount.foreign import guarded
from symcount.formula import Formula
from symcount.lookup import formula as formula_of
from symcount.lookup import is_config
from symcount.notation import Entry
from symcount.solve.budget import read_budgets
from symcount.solve.cases import cases, declared, running
from symcount.solve.expressions import read_expression
from symcount.solve.hunt import Hunt
from symcount.solve.ranges import Range, read_range
from symcount.solve.ranking import Criterion, read_criteria
from symcount.solve.solutions import Solutions
from symcount.solve.space import Space
from symcount.values import by_letter, exact, resolve, title

__all__ = ["hunt", "named", "prepared", "read_free", "solve"]


@guarded
def solve(
    source: Any,
    /,
    budget: Any,
    *,
    free: Any,
    fixed: Mapping[str, Any] | None = None,
    where: str | Iterable[str] = (),
    tolerance: Any = None,
    rank: Any = "shape",
    reference: Any = None,
    limit: int | None = 10,
    convention: str = "unique",
    runnable: bool = True,
    **options: Any,
) -> Solutions:
    """Every config whose parameter count meets a budget: how many there are, exactly, and the best of them.

    Args:
        source: a formula, or whatever `symcount.formula` takes.
        budget: a number of parameters (`110_000_000`, `"110M"`, `"<=1.3B"`), or several by convention
            (`{"unique": "47B", "active": "13B"}`), all of which must be met.
        free: the unknowns, by letter or config field, with their ranges: `{"H": "256..4096:64", "N": range(1, 97)}` or
            `"H=256..4096:64, N"`. Without a range, or with an open one (`64..:64`), the budget bounds it.
        fixed: numbers or rules for other symbols: `{"V": 50_000, "I": "4*H", "A": "H/64"}`. Everything else has the
            value of the config or the model's default; what neither enters the count nor can exclude anything is open.
        where: conditions beyond the formula's domain, which always applies:
            `["H % A == 0", "16 <= H/N <= 128"]`.
        tolerance: relative (`"0.1%"`) or absolute (`"500k"`); with a sign on one side only. By default 1%.
        rank: which solutions come first: `shape` (like what people build), `distance`, `aspect=80`, `reference`,
            `round`, an expression to be small, a function of the values by letter, or several of them.
        reference: for `rank="reference"`: values by letter or field, or a config.
        limit: how many solutions are given in full; `None` for all.
        convention: what a budget counts that is not given by convention.
        runnable: only configs whose models run: as many heads for each key-value head, no more experts for a token
            than there are. Without it every config that can be built.
        options: structural options of the model.

    Raises:
        BudgetError: a budget that cannot be read, or that is beyond every admissible config.
        ExpressionError, UnknownSymbolError: a range, rule, condition or ranking that cannot be read.
        MissingSymbolError: a symbol has no value.
        DomainError: the conditions contradict each other.
        SymcountError: see `symcount.formula`.

    >>> import symcount as sc
    >>> found = sc.solve("bert", "110M", tolerance="0.1%", free="H=64..4096:64, I=64..16384:64, N=1..96")
    >>> found.size, found.number
    (1572864, 197)
    >>> found = sc.solve("bert", "110M", free="H=64..4096:64, N=1..96", fixed={"I": "4*H"})
    >>> found.best[0].values["H"], found.best[0].values["N"], found.best[0].count
    (768, 12, 109482240)
    """
    return hunt(
        source,
        budget,
        free=free,
        fixed=fixed,
        where=where,
        tolerance=tolerance,
        rank=rank,
        reference=reference,
        limit=limit,
        convention=convention,
        runnable=runnable,
        **options,
    ).run()


@guarded
def hunt(
    source: Any,
    /,
    budget: Any,
    *,
    free: Any,
    fixed: Mapping[str, Any] | None = None,
    where: str | Iterable[str] = (),
    tolerance: Any = None,
    rank: Any = "shape",
    reference: Any = None,
    limit: int | None = 10,
    convention: str = "unique",
    runnable: bool = True,
    **options: Any,
) -> Hunt:
    """The search that `solve` runs, not yet begun: it can be watched, and left at any point; see there."""
    formula, config = prepared(source, options, _PARAMETERS)
    return search_for(
        formula, config, budget, free=free, fixed=fixed, where=where, tolerance=tolerance, rank=rank,
        reference=reference, limit=limit, convention=convention, runnable=runnable,
    )  # fmt: skip


def search_for(
    formula: Formula,
    config: Config | None,
    budget: Any,
    *,
    free: Any,
    fixed: Mapping[str, Any] | None = None,
    where: str | Iterable[str] = (),
    tolerance: Any = None,
    rank: Any = "shape",
    reference: Any = None,
    limit: int | None = 10,
    convention: str = "unique",
    runnable: bool = True,
) -> Hunt:
    """The search for a class, by one of its formulas and its config; `None` searches this formula only. See `solve`."""
    if limit is not None and limit < 1:
        raise ExpressionError(f"limit {limit}: expected at least 1, or None for all solutions")
    budgets = read_budgets(budget, tolerance, convention)
    ranges = read_free(formula, free)
    given = _given(formula, fixed or {})
    if both := sorted(ranges.keys() & given.keys()):
        raise ExpressionError(f"{title(formula.notation[both[0]])} is free and fixed; keep one of the two")
    near = _reference(formula, reference)
    conditions = [where] if isinstance(where, str) else list(where)
    found: list[tuple[Space, tuple[Criterion, ...]]] = []
    earlier: list[tuple[Condition, ...]] = []
    empty: DomainError | None = None
    for case, defaults in cases(formula, config, {*ranges, *given}):
        criteria = read_criteria(rank, case, near, formula.given())
        try:
            space = Space.of(
                case,
                ranges,
                given,
                defaults,
                conditions,
                [b.convention for b in budgets],
                [e for c in criteria for e in c.needs],
                running(case, defaults) if runnable else (),
                earlier,
            )
        except DomainError as error:  # what is given is the business of another formula
            empty = empty or error
        else:
            found.append((space, criteria))
        earlier.append(case.domain)
    if not found:
        raise empty or DomainError(f"{formula.name}: no formula holds for what is given")
    return Hunt(found, budgets, limit)


_PARAMETERS = ("budget", "free", "fixed", "where", "tolerance", "rank", "reference", "limit", "convention", "runnable")


def prepared(
    source: Any, options: Mapping[str, Any], parameters: Sequence[str] = _PARAMETERS
) -> tuple[Formula, Config | None]:
    """The formula that *source* names, and its config: an empty one for a name, none for a formula.

    Raises:
        OptionError: an option that the model does not have; where it is nearly one of the *parameters* of what is
            called, that is said.
    """
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


def read_free(formula: Formula, free: Any) -> dict[str, Range]:
    """The free symbols with their ranges, in the notation's order.

    Raises:
        ExpressionError: none, one twice, or a range that cannot be read.
        UnknownSymbolError: a name that the formula does not have.
    """
    items: list[tuple[str, Any]] = []
    if isinstance(free, Mapping):
        items = list(free.items())
    else:
        texts = [free] if isinstance(free, str) else free
        for text in (part for item in texts for part in _parts(str(item))):
            name, sign, value = (part.strip() for part in text.partition("="))
            if not name or (sign and not value):
                raise ExpressionError(f"free {text!r:.80}: expected NAME or NAME=RANGE, such as H=256..4096:64")
            items.append((name, value if sign else None))
    found: dict[str, Range] = {}
    for name, value in items:
        entry = named(formula, name, "free")
        if entry.rational:
            raise ExpressionError(f"{title(entry)} is a ratio and cannot be free; fix it")
        if entry.letter in found:
            raise ExpressionError(f"{title(entry)} is free twice; give one range")
        found[entry.letter] = read_range(entry, value)
    if not found:
        raise ExpressionError("nothing is free: name an unknown with its range, such as H=256..4096:64")
    return {e.letter: found[e.letter] for e in formula.notation if e.letter in found}


def _parts(text: str) -> list[str]:
    """The items of `H=64,128,768, N`: what begins with a digit goes on with the values of the one before."""
    found: list[str] = []
    for part in (p.strip() for p in text.split(",")):
        if found and part[:1].isdigit():
            found[-1] += f",{part}"
        else:
            found.append(part)
    return found


def named(formula: Formula, name: Any, role: str) -> Entry:
    """The entry called *name*.

    Raises:
        ExpressionError: it is no text.
        UnknownSymbolError: the formula has no such symbol.
    """
    if not isinstance(name, str):
        raise ExpressionError(f"{role} {name!r:.80}: expected the name of a symbol")
    try:
        return formula.notation[name]
    except UnknownSymbolError:
        if field := declared(formula, name):
            said = name if name == field else f"{name} ({field})"
            raise UnknownSymbolError(f"{said} does not change the count of {formula.name}; leave it out") from None
        raise


def _given(formula: Formula, fixed: Mapping[str, Any]) -> dict[str, Any]:
    given: dict[str, Any] = {}
    for name, value in fixed.items():
        entry = named(formula, name, "fixed")
        if isinstance(value, str):
            rule: Any = read_expression(value, formula.notation)
        elif isinstance(value, int | float | Fraction | Decimal | Expr) or hasattr(value, "__index__"):
            rule = value
        else:
            raise ExpressionError(f"{title(entry)}: expected a number or a rule such as 4*H, got {value!r:.80}")
        if entry.letter in given and given[entry.letter] != rule:
            raise DomainError(f"{title(entry)} is given twice: {given[entry.letter]} and {rule}; give it once")
        given[entry.letter] = rule
    return given


def _reference(formula: Formula, reference: Any) -> dict[str, Any] | None:
    if reference is None:
        return None
    given = reference
    if not (isinstance(reference, Mapping) and all(name in formula.notation for name in reference)):
        own = formula_of(reference)  # its numbers may choose another formula of the class
        own = own if own.name == formula.name else formula
        known = resolve(own.notation, own.bound(reference), own.filled, ())
        fields = {own.notation[letter].field: value for letter, value in known.items()}
        given = {name: value for name, value in fields.items() if name in formula.notation}
    return {n: exact(formula.notation[n], value) for n, value in by_letter(formula.notation, given).items()}
