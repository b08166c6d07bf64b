"""What the search reads and writes at its edges."""

import pytest
from sympy import Integer

import symcount as sc
from symcount.core.notation import Notation, entry
from symcount.errors import ConfigError, DomainError, ExpressionError, NotationError, SymcountError
from symcount.expressions.conditions import read_conditions
from symcount.expressions.reader import read_expression
from symcount.formulas.formula import Formula
from symcount.layers import Linear
from symcount.solver.budget import read_budget
from symcount.solver.content import config_of
from symcount.solver.ladder import ladder
from symcount.solver.polynomial import from_sympy
from symcount.solver.ranges import Range

LAYER = Formula(Linear(entry("M").symbol, entry("I").symbol), Notation((entry("M"), entry("I"))), "Layer")
BERT = sc.formula("bert").notation


@pytest.mark.parametrize(
    ("budget", "said"),
    [
        ("<=7B", "at most 7,000,000,000"),
        (">= 5", "at least 5"),
        ("1000 ± 0", "exactly 1,000"),
        ("110M", "110,000,000, that is 108,900,000 to 111,100,000"),
    ],
)
def test_a_budget_says_what_it_admits(budget, said):
    assert str(read_budget(budget)) == said


@pytest.mark.parametrize(
    ("span", "size"), [(Range(1, 9), 9), (Range(64, 256, 64), 4), (Range(5, 5), 1), (Range(1, None), None)]
)
def test_the_size_of_a_range(span, size):
    assert span.size == size


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("1/(H-H)", "a division by zero"),
        ("H // (N - N)", "a division by zero"),
        ("True + H", "constant is not allowed"),
        ("1j", "constant is not allowed"),
        ("0x10 * 0.5e999", "constant is not allowed"),
        ("floor(H, N)", "floor takes 1 argument"),
        ("min()", "min takes at least one argument"),
        ("round_to(H, N - N)", "round_to a multiple of zero"),
    ],
)
def test_an_expression_that_has_no_value_is_refused(text, words):
    with pytest.raises(ExpressionError, match=words):
        read_expression(text, BERT)


@pytest.mark.parametrize("text", ["+H", "--H", "H + 0.5 - 1/2", "H * 1e0"])
def test_signs_and_decimals_are_exact(text):
    assert read_expression(text, BERT) == BERT["H"].symbol


@pytest.mark.parametrize("text", ["not H", "H > 1 or N", "H in N", "H"])
def test_what_is_no_condition_is_refused(text):
    with pytest.raises(ExpressionError):
        read_conditions(text, BERT)


def test_a_polynomial_of_nothing_and_of_a_number():
    assert from_sympy(Integer(0)) == {}
    assert from_sympy(Integer(7)) == {(): 7}
    with pytest.raises(SymcountError, match="has a coefficient that is no integer"):
        from_sympy(BERT["H"].symbol / 2)


def test_no_config_is_written_for_what_is_no_model():
    with pytest.raises(ConfigError, match="is no model of transformers; there is no config to write"):
        config_of(LAYER, {"M": 2, "I": 3})


def test_a_formula_without_width_or_depth_says_what_a_ladder_needs():
    with pytest.raises(ExpressionError, match="does not have both H and N"):
        ladder(LAYER, ["1k"], free={"M": "1..9"})
    with pytest.raises(ExpressionError, match="Layer has no H or N: say what is free"):
        ladder(LAYER, ["1k"], aspect=None)


@pytest.mark.parametrize("head_dim", [0, -1, True, "64", 6.4])
def test_a_head_has_a_positive_size(head_dim):
    with pytest.raises(ExpressionError, match=r"head_dim .* expected a positive integer"):
        ladder("bert", ["100M"], head_dim=head_dim)


@pytest.mark.parametrize("aspect", ["a..b", "9..1", "0..4", "1/0..2", (1,), 7, ("x", "y")])
def test_an_aspect_that_is_none_is_refused(aspect):
    with pytest.raises(ExpressionError, match=r"expected LOWEST..HIGHEST of H/N"):
        ladder("bert", ["100M"], aspect=aspect)


def test_ranks_that_a_formula_does_not_have():
    with pytest.raises(ExpressionError, match="does not have both H and N"):
        sc.solve(LAYER, 100, free={"M": "1..9", "I": "1..9"}, rank="aspect=80")
    with pytest.raises(ExpressionError, match="no reference config is given"):
        sc.solve("gpt2", "124M", free="N=1..24", rank="reference")
    with pytest.raises(ExpressionError, match="the reference config has no value for any free symbol"):
        sc.solve("gpt2", "124M", free="N=1..24", rank="reference", reference={"H": 768})


def test_a_reference_of_none_of_something_is_met_by_none():
    found = sc.solve("deepseek_v3", "671B", free={"S": "0..3"}, tolerance="5%", rank="reference", reference={"S": 0})
    assert [s.values["S"] for s in found] == [0, 1, 2, 3]
    with pytest.raises(DomainError, match=r"H \(n_embd\): expected an integer of at least 1, got 0"):
        sc.solve("gpt2", "124M", free="H=1..24", rank="reference", reference={"H": 0})


def test_in_a_notebook_a_formula_is_shown_typeset():
    f = sc.formula("gpt2")
    assert f._repr_latex_() == rf"$\displaystyle {f.latex()}$"
    assert "<math" in f._repr_html_()
    with pytest.raises(NotationError):
        f.typeset("fragment", "no such style")
