"""What a search gives back, and what it says: rows for programs, words that help, nothing that takes for ever."""

import json
import time

import numpy as np
import pytest

import symcount as sc
from symcount.cli import run
from symcount.core.notation import Notation, entry
from symcount.errors import BudgetError, DependencyError, ExpressionError, OptionError, UnknownSymbolError
from symcount.layers import Linear

FREE = "H=64..2048:64, N=1..48"


def found(**more):
    return sc.solve("gpt2", "124M", free=FREE, **more)


# ---------------------------------------------------------------- rows


def test_an_answer_is_a_sequence():
    answer = found(limit=None)
    assert len(answer) == answer.number == len(list(answer))
    assert answer[0] == next(iter(answer)) == answer.best[0]
    assert answer[-1] == list(answer)[-1]
    assert list(answer[1:3]) == list(answer)[1:3]
    assert answer.best == list(answer)
    assert answer.best[:2] != answer.best[1:3]
    with pytest.raises(IndexError):
        answer[len(answer)]


def test_rows_for_a_program():
    rows = found(rank="aspect=64").to_dicts()
    assert rows[0] == {
        "V": 50257, "L": 1024, "H": 768, "N": 12, "parameters": 124439808, "deviation": 439808, "aspect": 64.0,
    }  # fmt: skip
    json.dumps(rows)
    several = sc.solve("MixtralForCausalLM", {"unique": "47B", "active": "13B"}, free="E=2..64, k=1..8", tolerance="5%")
    assert {"parameters", "active"} <= several.to_dicts()[0].keys()


def test_a_data_frame_where_pandas_is():
    try:
        import pandas as pd
    except ImportError:
        with pytest.raises(DependencyError, match="pip install pandas"):
            found().to_frame()
    else:
        frame = found(limit=None).to_frame()
        assert isinstance(frame, pd.DataFrame)
        assert list(frame.columns)[-3:] == ["parameters", "deviation", "aspect"]
        assert frame["parameters"].between(122_760_000, 125_240_000).all()


def test_configs_are_ready_for_transformers(tmp_path):
    answer = found(limit=2)
    assert answer.config(0)["n_embd"] == answer[0].values["H"]
    assert sc.count(answer.config(1)) == answer[1].count
    files = answer.write(tmp_path, check=False)
    assert [sc.count(str(f)) for f in files] == [s.count for s in answer]
    assert files[0].parent.name == "gpt2-H896-N8"
    assert answer.config(0)["n_head"] == 14  # nearest to the usual size of a head, of the numbers that divide H
    both = sc.solve("ElectraModel", ">=1", free="Z=64..128:64", fixed={"H": 128, "N": 2, "A": 2, "I": 64}, limit=None)
    assert {sc.count(s.config()) for s in both} == {s.count for s in both}


def test_a_short_repr():
    text = repr(found())
    assert text.startswith("<7 of 1,536 configs of GPT2Model with unique 124,000,000, that is")
    assert len(text) < 400


def test_a_rank_by_a_function():
    by_function = sc.solve("bert", "110M", free=FREE, rank=lambda v: abs(v["H"] - 700), limit=5)
    by_text = sc.solve("bert", "110M", free=FREE, rank="abs(H - 700)", limit=5)
    assert list(by_function) == list(by_text)
    with pytest.raises(ExpressionError, match=r"rank <lambda>: no number at .*: ValueError: invalid literal"):
        sc.solve("bert", "110M", free=FREE, rank=lambda v: int("no"))


# ---------------------------------------------------------------- words


@pytest.mark.parametrize("name", ["gpt2", "OPTModel"])
@pytest.mark.parametrize(("wrong", "meant"), [("tolerence", "tolerance"), ("ranks", "rank"), ("fixd", "fixed")])
def test_a_near_name_is_meant(name, wrong, meant):
    with pytest.raises(OptionError, match=rf"no argument '{wrong}'. Did you mean {meant}\?"):
        sc.solve(name, "124M", free=FREE, **{wrong: "1%"})


def test_an_argument_of_ladder_that_is_nearly_right():
    with pytest.raises(OptionError, match=r"no argument 'aspct'. Did you mean aspect\?"):
        sc.ladder("gpt2", "30M", aspct="64..128")


def test_options_of_the_model_are_options():
    assert sc.solve("LlamaForCausalLM", "7B", free="N", tie_word_embeddings=True).number
    with pytest.raises(OptionError, match="has no option 'nonsense'"):
        sc.solve("gpt2", "7B", free="N", nonsense=True)


@pytest.mark.parametrize(
    ("name", "said"), [("N", r"N \(num_hidden_layers\)"), ("num_hidden_layers", "num_hidden_layers")]
)
def test_a_field_that_does_not_enter_the_count(name, said):
    with pytest.raises(UnknownSymbolError, match=f"{said} does not change the count of AlbertModel; leave it out"):
        sc.solve("albert", "12M", free=name)


@pytest.mark.parametrize("free", ["H", "H=64..:64, N"])
def test_a_size_that_is_larger_than_the_budget(free):
    with pytest.raises(BudgetError, match="out of reach: the smallest admissible config has"):
        sc.solve("gpt2", "124M", free=free, fixed={"V": 10**30})


def test_what_bounds_nothing_names_the_rule():
    f = sc.Formula(Linear(entry("H").symbol, entry("K").symbol), Notation((entry("H"), entry("K"), entry("A"))))
    with pytest.raises(BudgetError, match=r"nothing bounds A \(num_attention_heads\) from above beside K = A/8; give"):
        sc.solve(f, ">=7B", free="H=64..4096:64, A", fixed={"K": "A/8"})


@pytest.mark.parametrize(
    ("budgets", "labels"),
    [
        ([10_000_000, 30_123_456, 1_011_781_632], ["10M", "30123456", "1011781632"]),
        (["30.5M", "1.3B"], ["30.5M", "1.3B"]),
    ],
)
def test_rungs_are_called_as_people_call_them(budgets, labels):
    assert [rung.label for rung in sc.ladder("gpt2", budgets)] == labels


# ---------------------------------------------------------------- nothing takes for ever


@pytest.mark.parametrize(
    ("budget", "free"),
    [
        (10**59, {"H": None, "N": None}), (10**59, {"H": "64..:64"}), (10**40, {"H": None, "I": None, "N": None}),
        ("7B", {"H": None, "I": None, "N": None, "V": None}), (10**58, {"H": range(1, 10**30), "N": range(1, 10**30)}),
    ],
)  # fmt: skip
def test_what_would_take_for_ever_is_refused_at_once(budget, free):
    start = time.process_time()
    with pytest.raises(BudgetError, match="would be gone through; narrow the ranges or the tolerance"):
        sc.solve("bert", budget, free=free)
    assert time.process_time() - start < 5


def test_a_range_far_beyond_the_budget_is_cut():
    wide = sc.solve("gpt2", "124M", free={"H": range(64, 10**30, 64), "N": None}, limit=None)
    open_ = sc.solve("gpt2", "124M", free={"H": "64..:64", "N": None}, limit=None)
    assert list(wide) == list(open_)


@pytest.mark.parametrize("rank", ["abs(I/H - 4)", "max(I/H, 4) - min(I/H, 4)", "I % H", "floor(I/H)", "(I - 4*H)**2/H"])
def test_ranks_in_vectors_are_those_of_single_points(rank):
    from symcount.exact.evaluate import compile_scalar
    from symcount.expressions.reader import read_expression

    answer = sc.solve(
        "bert", "110M", tolerance="0.5%", free="H=64..2048:64, I=64..8192:64, N=4..32", rank=rank, limit=None
    )
    score = compile_scalar(read_expression(rank, answer.space.formula.notation))
    scores = [score(s.values) for s in answer]
    assert scores == sorted(scores)
    assert len(set(scores)) > 10 or rank.startswith("floor")


def test_a_long_table_has_every_row(capfd):
    assert run(["solve", "gpt2", "-b", "124M", "--free", "H=8..2048:8", "--free", "N", "-k", "0"]) == 0
    out = capfd.readouterr().out
    rows = [line for line in out.splitlines() if line.rstrip().endswith(tuple("0123456789")) and "%" in line]
    said = next(line for line in out.splitlines() if "solutions among" in line)
    assert f"{len(rows):,}" == said.split()[0]
    assert len(rows) > 200
    assert len({len(row) for row in rows}) == 1


def test_numpy_integers_are_numbers():
    answer = sc.solve(
        "gpt2", np.int64(124_439_808), tolerance=0, free={"H": np.int64(768), "N": "1..24"}, limit=np.int64(3)
    )
    assert [s.values["N"] for s in answer] == [12]


# ---------------------------------------------------------------- sets of values, totals as symbols


@pytest.mark.parametrize(
    ("free", "numbers"),
    [
        ("H=64,128,768, N=4..6", [64, 128, 768]),
        ({"H": [768, 64, 128, 64], "N": "4..6"}, [64, 128, 768]),
        ({"H": np.array([64, 128, 768]), "N": "4..6"}, [64, 128, 768]),
        ({"H": {64, 128, 192}, "N": "4..6"}, [64, 128, 192]),
        ("H=64..512:*2, N=4..6", [64, 128, 256, 512]),
        ("N=4..6, H=64..256:64,1024", [64, 128, 192, 256, 1024]),
        ("N=4..6, H=3,5..11:3,100", [3, 5, 8, 11, 100]),
    ],
    ids=str,
)
def test_a_set_of_values(free, numbers):
    answer = sc.solve("gpt2", ">=1", free=free, limit=None)
    assert answer.size == answer.number == 3 * len(numbers)
    assert {s.values["H"] for s in answer} == set(numbers)
    within = sc.solve("gpt2", "10M", tolerance="40%", free=free, limit=None).number if max(numbers) > 190 else 0
    assert within == sum(6_000_000 <= s.count <= 14_000_000 for s in answer) or max(numbers) <= 192


@pytest.mark.parametrize("wrong", ["H=64..:*2", "H=64..128:*1", "H=64,", "H=64,8x", "H=64..512:*"])
def test_no_set_of_values(wrong):
    with pytest.raises(ExpressionError, match=r"expected .*(NAME|FIRST)"):
        sc.solve("gpt2", "124M", free=wrong)


def test_totals_are_symbols_of_conditions_and_ranks():
    mixtral = {"free": "E=2..16, k=1..8", "tolerance": "30%", "limit": None}
    every = sc.solve("MixtralForCausalLM", {"unique": "47B", "active": "13B"}, **mixtral)
    assert every.number == 5
    some = sc.solve("MixtralForCausalLM", "47B", where=["9.1e9 <= active <= 16.9e9"], rank="P - active", **mixtral)
    assert {(s.values["E"], s.values["k"]) for s in some} == {(s.values["E"], s.values["k"]) for s in every}
    rest = [s.count - every.space.formula.count(**s.values, convention="active") for s in some]
    assert rest == sorted(rest)


def test_formulas_are_keys():
    assert len({sc.formula("gpt2"): 1, sc.formula("gpt2"): 2, sc.formula("OPTModel"): 3}) == 2
