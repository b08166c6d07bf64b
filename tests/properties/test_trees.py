"""Random trees of layers: what must hold of every model."""

import pickle
from collections import Counter
from fractions import Fraction
from math import comb

import pytest
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st
from sympy import expand

from properties.trees import (
    LETTERS,
    NOTATION,
    N,
    built,
    containers,
    counted,
    counts,
    environments,
    formula,
    leaves,
    sizes,
)
from reading import read_as
from symcount.atlas.codec import encode, to_sympy
from symcount.atlas.trees import Pool, tree_from, tree_to_json
from symcount.core.ledger import CONVENTIONS, Ledger
from symcount.core.tree import Block, stack
from symcount.exact.evaluate import compile_scalar
from symcount.formulas.formula import Formula

few = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=set(Phase)
    - {Phase.explain, Phase.shrink},  # a tree is readable as it is drawn; to make it smaller takes minutes
)
SYMBOLS = {e.letter: e.symbol for e in NOTATION}


@few
@given(containers(), environments())
def test_every_convention_counts_what_the_real_module_has(part, env):
    f = formula(part)
    real = counted(built(part, env))
    event(f"shared: {min(len(f.shared), 3)}")
    event(f"deepest: {max(row.path.count('.') for row in f.ledger)}")
    for convention in CONVENTIONS:
        assert f.count(**env, convention=convention) == real[convention], convention
        assert sum(p.count(env) for p in f.breakdown(convention=convention)) == real[convention]
        assert sum(p.count(env) for p in f.breakdown(1, convention=convention)) == real[convention]
        assert sum(p.count(env) for p in f.breakdown(by="kind", convention=convention)) == real[convention]
        needed = {s.name for s in f.total_as(convention).free_symbols}
        assert f.compile(convention=convention)(**{n: env[n] for n in needed}) == real[convention]


def test_the_generator_reaches_what_is_hard():
    """Deep nestings, ties across repeats, experts, two kinds in a list, twins, multiplicities that may be nothing."""
    seen: Counter[str] = Counter()

    @settings(max_examples=150, deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck))
    @given(containers())
    def look(part):
        rows = Ledger.of(part.block).rows
        owners = {row.tensor: row for row in rows}
        seen["deep"] += max(row.path.count(".") for row in rows) >= 4
        seen["repeats in repeats"] += any(row.path.count("*") >= 2 for row in rows)
        seen["tied across repeats"] += any(
            r.alias_of and r.repeat != owners[r.alias_of].repeat for r in rows if not r.same_layer
        )
        seen["tied inside an element"] += any(r.alias_of and "*" in r.alias_of for r in rows)
        seen["tied to a table"] += any(r.alias_of and owners[r.alias_of].role for r in rows)
        seen["twins"] += any(r.same_layer for r in rows)
        seen["experts"] += any(r.active != 1 for r in rows)
        seen["frozen"] += any(not r.trainable for r in rows)
        seen["divided"] += any(c.relation == "divides" for c in Ledger.of(part.block).conditions)
        seen["maybe nothing"] += any(r.repeat.has(SYMBOLS["d"]) for r in rows)

    look()
    assert len(seen) == 10
    assert all(number >= 5 for number in seen.values()), seen


@few
@given(containers(), environments())
def test_conventions_are_consistent(part, env):
    f = formula(part)
    numbers = {c: f.count(**env, convention=c) for c in CONVENTIONS}
    assert all(0 <= numbers[c] <= numbers["unique"] for c in ("non_embedding", "active", "trainable"))
    assert numbers["unique"] <= numbers["per_layer"]
    # a tensor that n layers use counts n times; one that no layer has counts at its owner
    tied = 0
    for rows in f.ledger.holders.values():
        size = compile_scalar(rows[0].size)(env)
        layers = sum(compile_scalar(r.repeat)(env) for r in rows if r.leaf and not r.same_layer)
        own = compile_scalar(rows[0].repeat)(env)
        if any(r.leaf for r in rows):
            tied += size * (layers - own)
    assert numbers["per_layer"] - numbers["unique"] == tied


@few
@given(containers(ties=False), counts(), environments())
def test_repeating_commutes_with_counting(part, count, env):
    one, many = Ledger.of(part.block), Ledger.of(stack(count.symbolic, part.block))
    twice = Ledger.of(stack(count.symbolic, stack(N, part.block)))
    for convention in CONVENTIONS:
        assert expand(many.total(convention) - count.symbolic * one.total(convention)) == 0
        assert expand(twice.total(convention) - N * count.symbolic * one.total(convention)) == 0


@few
@given(leaves(), counts())
def test_tying_takes_away_exactly_what_is_tied(leaf, count):
    own = leaf.block.parameters[0]
    first = leaf.block.named("first")
    copy = stack(count.symbolic, leaf.block.named("*")).named("copies")
    tied = stack(count.symbolic, leaf.block.tie(**{own.name: f"first.{own.name}"})).named("copies")
    before = Ledger.of(Block("", "Model", children=(first, copy)))
    after = Ledger.of(Block("", "Model", children=(first, tied)))
    size = Ledger.of(Block("", "One", (own,))).total()
    assert expand(before.total() - after.total() - count.symbolic * size) == 0
    assert expand(before.total("per_layer") - after.total("per_layer")) == 0


@few
@given(containers(depth=2), environments(), st.sampled_from(LETTERS), st.sampled_from(CONVENTIONS))
def test_the_derivative_is_the_limit_of_the_difference(part, env, letter, convention):
    """Of a polynomial P of degree n: P'(x) = Σ (-1)^(m+1) Δ^m P(x) / m for m = 1 … n, by Newton's series.

    The differences are of numbers that the compiled total gives, at whole x; nothing is differentiated to get them.
    """
    f = formula(part)
    s = SYMBOLS[letter]
    total = f.expanded(convention)
    if not total.is_polynomial(s):  # k/E, H/A
        return
    degree = int(total.as_poly(s).degree()) if total.has(s) else 0
    # the total itself may be compiled only where it is whole, so the expression is evaluated as a fraction
    at = [Fraction(compile_scalar(f.total_as(convention))({**env, letter: env[letter] + i})) for i in range(degree + 2)]
    step = Fraction(compile_scalar(f.step(letter, convention=convention))(env))
    assert step == at[1] - at[0]
    differences = [sum((-1) ** (m - i) * comb(m, i) * at[i] for i in range(m + 1)) for m in range(degree + 2)]
    assert differences[degree + 1] == 0
    newton = sum(Fraction((-1) ** (m + 1), m) * differences[m] for m in range(1, degree + 1))
    assert compile_scalar(f.diff(letter, convention))(env) == newton


@few
@given(containers(depth=2), st.sampled_from(["grouped", "compact", "expanded"]), st.sampled_from(CONVENTIONS))
def test_printed_and_read_back_it_is_the_same(part, style, convention):
    f = formula(part)
    if f.total_as(convention) == 0:
        assert f.latex(style, convention=convention) == "0"
        return
    printed = f.latex(style, convention=convention, numbers="none")
    assert expand(read_as(printed, NOTATION) - f.total_as(convention)) == 0


@few
@given(sizes(), sizes(), counts())
def test_an_expression_stored_as_text_is_the_same(a, b, count):
    from sympy import Max, Min, Mod, ceiling, floor, sympify

    def whole(e):  # a ceiling is stored as the floor that it is
        return sympify(e).replace(ceiling, lambda number: -floor(-number))

    for e in (
        a.symbolic * b.symbolic + count.symbolic,
        floor(a.symbolic / 3) * N,
        ceiling(N / b.symbolic) + 1,
        Max(N - a.symbolic, 0),
        Min(a.symbolic, b.symbolic) * 2,
        Mod(N, 3) + N // 2,
        N / a.symbolic,
    ):
        assert expand(to_sympy(encode(sympify(e)), SYMBOLS)) == expand(whole(e))


def unconditioned(block):
    """A tree without the conditions, which are stored beside it."""
    from dataclasses import replace

    return replace(block, conditions=(), children=tuple(map(unconditioned, block.children)))


@few
@given(containers())
def test_a_tree_stored_and_loaded_is_the_same(part):
    import json

    pool = Pool()
    number = pool.add(tree_to_json(part.block))
    again = tree_from(json.loads(json.dumps(pool.to_json())), number, SYMBOLS)
    assert again == unconditioned(part.block)
    assert Ledger.of(again).rows == Ledger.of(part.block).rows


@few
@given(containers(depth=2), environments())
def test_a_pickled_formula_is_the_same(part, env):
    f = formula(part)
    f.count(**env)
    again = pickle.loads(pickle.dumps(f))
    assert again == f
    assert isinstance(again, Formula)
    assert all(again.count(**env, convention=c) == f.count(**env, convention=c) for c in CONVENTIONS)


@pytest.mark.parametrize("letter", LETTERS)
def test_what_is_immutable_stays_so(letter):
    f = formula(containers_example())
    with pytest.raises(AttributeError):
        f.tree = None
    with pytest.raises(AttributeError):
        f.tree.repeat = SYMBOLS[letter]
    with pytest.raises(AttributeError):
        f.ledger.rows[0].repeat = SYMBOLS[letter]


def containers_example():
    """Some tree."""
    from properties.trees import Part
    from symcount.layers import Linear

    return Part(Block("", "Model", children=(Linear(SYMBOLS["H"], SYMBOLS["I"]).named("a"),)), None)
