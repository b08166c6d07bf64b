"""How often each row occurs, from the iterations in which its parameters were made and what the code asked of indices.

In one iteration the code does what the answers to its questions make it do. So a row has, for every combination of
answers (the truth of each predicate on the indices), one number of parameters an iteration, which a trace shows; and
its multiplicity, at any values of the fields, is the sum of these over all iterations: a table of numbers by truth.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import islice, repeat
from typing import Any

from symcount.concolic.traces import Trace
from symcount.concolic.values import expression as ex
from symcount.concolic.values.expression import Node
from symcount.concolic.values.path import Loop
from symcount.concolic.values.predicates import Predicate, index_tuples
from symcount.concolic.values.rewriting import collected
from symcount.config.kind_lists import MARK, KindList
from symcount.derivation.elements import questions_of_kind
from symcount.derivation.index_sets import elements_of, suppositions
from symcount.derivation.list_lengths import Things
from symcount.derivation.questions import answers, hashed, remainders
from symcount.derivation.rows import Row, Rows
from symcount.derivation.tables import Iterations, Known, Table, Truth, iterations
from symcount.derivation.written_out import named_beyond, written_out

__all__ = ["tables"]

_MOST = 6000  # iterations that are looked at for one row
_ELEMENTS = 16  # elements of a set that indices are looked up in
_EXPLANATIONS = 6  # sets of predicates that explain the same numbers, which are compared
_SUPPOSED = 60  # the same, of predicates that nobody asked
_TRIPLES = 30  # the simplest of these, of which three together are tried


def tables(
    rows: Rows,
    traces: Sequence[Trace],
    fields: Sequence[str],
    *,
    suppose: bool = True,
    lists: Mapping[str, KindList] | None = None,
) -> dict[Row, list[list[Table]]] | None:
    """For each row its tables, one for every nest of loops in which its parameters are made; `None` if there is none.

    Where several sets of predicates explain the numbers, there are several tables in the place of one.

    Args:
        rows: of the traces.
        traces: at several values.
        fields: those that decide the structure.
        suppose: whether sets of indices may be supposed of which the code asked nothing.
        lists: those that say of which kind each layer is, by path.
    """
    loops = {loop.name: loop for one in traces for loop in one.loops}
    asked = [p for p in answers(traces) if p.symbols <= {*fields, *loops}]
    looked_up = {name for one in traces for name in hashed(one)}
    texts = {name for one in traces for name in written_out(one)}
    unknown = {name for one in traces for name in hashed(one, unknown=True) | named_beyond(one)}
    chosen = list(dict.fromkeys(p for one in traces for p in remainders(one)))
    things = Things.of(traces, fields)
    found: dict[Row, list[list[Table]]] = {}
    known: dict[Any, list[Table]] = {}
    seen: Known = {}
    for row in rows.made:
        parts: list[list[Table]] = []
        for nest, numbers in _made(rows, row, things).items():
            key = nest, tuple(frozenset(one.items()) for one in numbers)
            if key not in known:
                usable = _usable(nest, asked, loops)
                known[key] = _explanations(nest, numbers, traces, usable, seen)
                if not known[key] and len(nest) == 1 and nest[0].name in looked_up:
                    known[key] = _of_elements(nest, numbers, traces, usable, seen)
                from_tables = _usable(nest, chosen, loops)
                if not known[key] and from_tables:
                    known[key] = _explanations(nest, numbers, traces, usable, seen, from_tables)
                if not known[key] and lists and len(nest) == 1:
                    kinds = questions_of_kind(nest[0], lists)
                    known[key] = _explanations(nest, numbers, traces, usable, seen, kinds) if kinds else []
                if not known[key] and suppose and not any(MARK in n for n in fields):  # the order of kinds is any
                    known[key] = _supposed(nest, numbers, traces, [*usable, *from_tables], seen, fields)
                if not known[key] and len(nest) == 1 and nest[0].name in texts:
                    known[key] = _of_elements(nest, numbers, traces, usable, seen)
                if nest and nest[0].name in unknown:  # what a look-up finds farther on, or a text is, nobody saw
                    known[key] = [table if table.tried else _tried(table, traces) for table in known[key]]
            parts.append(known[key])
        if not all(parts):
            parts = [_by_length(rows, row, things)]
            if not parts[0]:
                return None
        found[row] = parts
    return found


def _of_elements(
    nest: tuple[Loop, ...], numbers: Sequence[Mapping[tuple[int, ...], int]], traces: Sequence[Trace],
    usable: Sequence[Predicate], seen: Known,
) -> list[Table]:  # fmt: skip
    """Tables of what single iterations make, which say nothing of others."""
    more = _elements(nest[0], numbers, traces)
    return [_tried(table, traces) for table in _explanations(nest, numbers, traces, usable, seen, more)]


def _tried(table: Table, traces: Sequence[Trace]) -> Table:
    """A table that says nothing beyond the iterations that were seen."""
    return replace(table, tried=max((1 + i for one in traces for i, *_ in index_tuples(table.loops[:1], one.symbols))))


def _by_length(rows: Rows, row: Row, things: Things) -> list[Table]:
    """The table of lists in which each element has the parameter, whatever made them; empty if there is none.

    So it is with the layers of one kind, if a field says how many there are, with what torch's own code made, and with
    a loop over a number that is not followed in every run.
    """
    loops = []
    for level, counts in enumerate(rows.factors(row)):
        length = things.length(counts)
        if length is None:
            return []
        loops.append(Loop.of(f"list {level} of {'.'.join(row.path)}", (ex.const(0), length, ex.const(1)), ()))
    return [Table(tuple(loops), (), {(): 1})]


Numbers = list[dict[tuple[int, ...], int]]  # for each trace, indices of an iteration -> number of parameters


def _made(rows: Rows, row: Row, things: Things) -> dict[tuple[Loop, ...], Numbers]:
    """In which iterations of which nests of loops the parameters of a row are made, in each trace."""
    made = rows.made[row]
    found: dict[tuple[Loop, ...], Numbers] = {}
    for k, numbers in enumerate(made):
        for made_in, number in numbers.items():
            nest, indices = tuple(loop for loop, _ in made_in), tuple(index for _, index in made_in)
            found.setdefault(nest, [{} for _ in made])[k][indices] = number
    outside = found.get((), [])
    if row in rows.places and len({tuple(one.items()) for one in outside}) > 1:  # of a list that was made in no loop
        places = rows.places[row]
        element = (*row.path, row.name)[: row.stars[0] + 1]
        length = things.length(rows.lengths[element])
        if length is not None:
            bounds = ex.const(rows.firsts[element]), length, ex.const(1)
            loop = Loop.of(f"the list {'.'.join(element)}", bounds, ())
            del found[()]
            found[loop,] = [dict(Counter((i,) for i in indices)) for indices in places]
    return found


def _supposed(
    nest: tuple[Loop, ...], made: Numbers, traces: Sequence[Trace], usable: Sequence[Predicate], seen: Known,
    fields: Sequence[str],
) -> list[Table]:  # fmt: skip
    """The tables of predicates that nobody asked; of those that the code asked, only together with such."""
    more = [p for loop in nest for p in suppositions(loop, fields)]
    found = _explanations(nest, made, traces, usable, seen, more, _SUPPOSED) if nest else []
    # several residue classes explain whatever a few runs showed: beyond these they say nothing
    plain = (t for t in found if sum(p.relation == "divides" and p in more for p in t.predicates) <= 1)
    return [replace(table, supposed=True) for table in plain]


def _elements(loop: Loop, made: Sequence[Mapping[tuple[int, ...], int]], traces: Sequence[Trace]) -> list[Predicate]:
    """The index is one of those that make another number of parameters than most: elements of a set, perhaps."""
    numbers: dict[int, int] = {}
    for by_index, one in zip(made, traces, strict=True):
        numbers |= {i: by_index.get((i,), 0) for (i,) in index_tuples([loop], one.symbols)}
    return elements_of(loop, numbers, _ELEMENTS)


def _usable(nest: Sequence[Loop], asked: Iterable[Predicate], loops: Mapping[str, Loop]) -> list[Predicate]:
    """The predicates on the indices of *nest*, and on none.

    What was asked of the index of another loop with the same bounds was asked, perhaps, to fill a list that is read
    here: `layer_types` in the config's own code. If that loop is shorter by some elements, these came before the others
    in the list, or after them.
    """
    names: dict[str, str | Node] = {}
    beside: dict[str, str | Node] = {}
    for name, loop in loops.items():
        same = [own for own in nest if own.bounds == loop.bounds]
        if same:
            names[name] = name if loop in nest else same[-1].name
        for own in nest if not same else ():
            more = collected(ex.sub(own.bounds[1], loop.bounds[1]))
            if (own.bounds[0], own.bounds[2]) == (loop.bounds[0], loop.bounds[2]) and more.op == "const":
                beside[name] = ex.sub(ex.symbol(own.name), more)
                names[name] = own.name
    asked = [p for p in asked if all(n in names for n in p.symbols if n in loops)]
    shifted = (p.renamed({**names, **beside}) for p in asked if p.symbols & beside.keys())
    return list(dict.fromkeys([*(p.renamed(names) for p in asked), *shifted]))


def _explanations(
    nest: tuple[Loop, ...], made: Sequence[Mapping[tuple[int, ...], int]], traces: Sequence[Trace],
    asked: Sequence[Predicate], known: Known, more: Sequence[Predicate] = (), most: int = _EXPLANATIONS,
) -> list[Table]:  # fmt: skip
    """The tables, *most* of them, with the fewest predicates that say how many parameters each iteration made.

    Those are predicates that the code *asked*, and *more* that it did not.
    """
    answers: list[int] = []
    for numbers, one in zip(made, traces, strict=True):
        indices = list(islice(index_tuples(nest, one.symbols), _MOST + 1))
        if len(indices) > _MOST or not numbers.keys() <= set(indices):
            return []
        answers += [numbers.get(index, 0) for index in indices]
    if nest not in known:
        known[nest] = Iterations([place for one in traces for place in iterations(nest, one.symbols)])
    truths = {p: known[nest].truth(p) for p in (*asked, *more) if nest}
    distinct = set(answers)
    if len(distinct) == 1:
        others = {p: frozenset(zip(repeat(()), truths[p])) for p in asked if nest}
        return [Table(nest, (), {(): distinct.pop()}, others)]
    if not nest and (len(distinct) > 2 or 0 not in distinct):
        return []  # a list that is longer in one model than in another was made in no loop
    truths = truths or {p: known[nest].truth(p) for p in asked}
    telling = [p for p, truth in truths.items() if len(set(truth)) > 1]
    if len(telling) > 40 and most == _EXPLANATIONS:
        telling = list({tuple(truths[p]): p for p in reversed(telling)}.values())[::-1]
    masks = {p: [_where(truths[p], truth) for truth in (True, False, None)] for p in telling}
    alike = [_where(answers, number) for number in distinct]
    for size in (1, 2, 3):
        few = telling if size < 3 or len(telling) <= 12 else telling[: 0 if most == _EXPLANATIONS else _TRIPLES]
        found = []
        for numbered in sorted(_separating([masks[p] for p in few], alike, size))[:most]:
            chosen = [few[i] for i in numbered]
            numbers_by = dict(zip(zip(*(truths[p] for p in chosen), strict=True), answers, strict=True))
            found.append(_table(nest, chosen, numbers_by, truths, asked))
        if found:
            return found
    return _greedy(nest, telling if most == _EXPLANATIONS else telling[::-1], truths, asked, answers)


def _greedy(
    nest: tuple[Loop, ...], telling: Sequence[Predicate], truths: Mapping[Predicate, list[bool | None]],
    asked: Sequence[Predicate], answers: Sequence[int],
) -> list[Table]:  # fmt: skip
    """A table with all predicates but those without which there is one as well."""
    chosen = list(telling)
    if _by_truth([truths[p] for p in chosen], answers) is None:
        return []
    for p in list(chosen):
        fewer = [other for other in chosen if other is not p]
        if _by_truth([truths[other] for other in fewer], answers) is not None:
            chosen = fewer
    numbers = _by_truth([truths[p] for p in chosen], answers)
    return [] if numbers is None else [_table(nest, chosen, numbers, truths, asked)]


def _table(
    nest: tuple[Loop, ...], chosen: Sequence[Predicate], numbers: Mapping[Truth, int],
    truths: Mapping[Predicate, list[bool | None]], asked: Sequence[Predicate],
) -> Table:  # fmt: skip
    known = list(zip(*(truths[p] for p in chosen), strict=True))
    others = {p: frozenset(zip(known, truths[p], strict=True)) for p in asked if p not in chosen}
    return Table(nest, tuple(chosen), numbers, others)


def _where(column: Sequence[Any], value: Any) -> int:
    """The places of a *value* in a column as bits of one number: sets of thousands of places are compared at once."""
    return int("".join(["1" if one is value or one == value else "0" for one in column]), 2)


def _separating(columns: Sequence[Sequence[int]], alike: Sequence[int], size: int) -> set[tuple[int, ...]]:
    """The sets of up to *size* columns by which samples that are not *alike* differ, none of them in vain.

    Of two samples that differ, one column of the set must tell them apart: only such columns are tried together.
    """
    found: set[tuple[int, ...]] = set()

    def extend(cells: Sequence[int], chosen: tuple[int, ...]) -> None:
        mixed = next((cell for cell in cells if all(cell & same != cell for same in alike)), 0)
        if not mixed:
            found.add(tuple(sorted(chosen)))
        elif len(chosen) < size:
            one = mixed & -mixed
            rest = mixed & ~next(same for same in alike if same & one)
            both = one | (rest & -rest)
            for i, masks in enumerate(columns):
                if all(mask & both != both for mask in masks):
                    extend([there for cell in cells for mask in masks if (there := cell & mask)], (*chosen, i))

    everything = 0
    for same in alike:
        everything |= same
    extend([everything], ())
    return found


def _by_truth(columns: Sequence[Sequence[bool | None]], answers: Sequence[int]) -> dict[Truth, int] | None:
    """Truth of some predicates -> number, if that is one number each."""
    found: dict[Truth, int] = {}
    truths: Iterable[Truth] = zip(*columns, strict=True) if columns else [()] * len(answers)
    for truth, number in zip(truths, answers, strict=True):
        if found.setdefault(truth, number) != number:
            return None
    return found
