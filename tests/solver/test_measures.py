"""Budgets of bytes: the same search, over formulas of memory; every answer against all points by brute force."""

import json
import re
from fractions import Fraction

import numpy as np
import pytest

import symcount as sc
from symcount.cli import run
from symcount.errors import BudgetError, OptionError, SymcountError
from symcount.solver.budget import in_bytes, read_budget
from symcount.solver.measures import MEASURES, tokens_of
from symcount.storage.footprint import Request, footprint

LLAMA = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 1000}
FREE = {"H": "64..512:64", "N": "1..12"}
FIXED = {"I": "4*H", "A": "H/64"}
ASKED = [
    {},
    {"dtype": "bf16"},
    {"dtype": "bf16", "optimizer": "adamw"},
    {"dtype": "bf16", "optimizer": "adamw", "master": True},
    {"dtype": "bf16", "optimizer": "adafactor"},
    {"dtype": "bf16", "quantization": "4bit", "optimizer": "adamw", "lora": 8},
]


def brute(asked, low, high):
    """Every point, by its footprint."""
    f = sc.formula(LLAMA)
    found = {}
    for width in range(64, 321, 64):
        for depth in range(1, 13):
            values = {"V": 1000, "H": width, "N": depth, "I": 4 * width, "A": width // 64}
            values |= {"K": values["A"], "D": 64}
            total = footprint(f, LLAMA, values, Request(**asked)).total
            if low <= total <= high:
                found[width, depth] = total
    return found


@pytest.mark.parametrize("asked", ASKED[1::2], ids=str)
def test_every_config_in_a_budget_of_memory_is_found(asked):
    found = sc.solve(LLAMA, {"memory": "10MB..60MB"}, free={**FREE, "H": "64..320:64"}, fixed=FIXED, memory=asked,
                     limit=None)  # fmt: skip
    expected = brute(asked, 10_000_000, 60_000_000)
    assert {(s.values["H"], s.values["N"]): s.counts["memory"] for s in found.best} == expected
    assert found.number == len(expected) > 3


def test_memory_and_parameters_are_met_together():
    found = sc.solve(LLAMA, {"unique": "10M ± 20%", "memory": "20MB"}, free=FREE, fixed=FIXED, memory={"dtype": "bf16"},
                     limit=None)  # fmt: skip
    assert found.number
    for s in found.best:
        assert 8_000_000 <= s.counts["unique"] <= 12_000_000
        assert s.counts["memory"] == 2 * s.counts["unique"] <= 20_000_000


def test_memory_is_a_name_in_conditions():
    found = sc.solve(LLAMA, "10M ± 20%", free=FREE, fixed=FIXED, where=["memory <= 18e6"], memory={"dtype": "bf16"})
    assert all(s.count <= 9_000_000 for s in found.best) and found.number


def test_a_ladder_of_memory_rises():
    made = sc.ladder("llama", "1GB,2GiB,4GB", convention="memory", memory={"dtype": "bf16", "optimizer": "adamw"})
    for rung in made:
        assert (
            rung.solution.count
            == footprint(sc.formula("LlamaModel"), {}, rung.solution.values, Request("bf16", optimizer="adamw")).total
        )
        assert abs(rung.solution.count - rung.budget.target) <= rung.budget.target / 10
    assert made.rungs[1].budget.target == 2 * 1024**3
    assert all(not rung.tokens for rung in made)


def test_units_are_decimal_or_binary():
    assert in_bytes("24GB") == "24000000000"
    assert in_bytes("1.5 GiB") == str(3 * 512 * 1024**2)
    assert str(read_budget("24GiB", None, "memory", MEASURES)) == "at most 25,769,803,776"
    assert str(read_budget("24GB ± 1%", None, "memory", MEASURES)).startswith("24,000,000,000, that is 23,760,000,000")
    assert str(read_budget(">=1kB", None, "memory", MEASURES)) == "at least 1,000"
    for plain in (24, 24.0, np.int64(24), Fraction(24)):
        assert str(read_budget(plain, None, "memory", MEASURES)) == "at most 24"
    assert str(read_budget("~1kB", None, "memory", MEASURES)) == "1,000, that is 990 to 1,010"


WRONG = [
    ({"memory": "24XB"}, {}, BudgetError, "budget '24XB': expected a whole number of bytes, such as 24GB or 24GiB"),
    ({"memory": "1.5B"}, {}, BudgetError, "expected a whole number of bytes"),
    ({"memory": "1GB..many"}, {}, BudgetError, "budget 'many': expected a whole number of bytes"),
    ({"memory": "24GB"}, {"dtyp": "bf16"}, OptionError, "memory: 'dtyp': expected one of dtype, .* Did you mean dtype"),
    ({"memory": "24GB"}, {"dtype": "bf17"}, OptionError, "dtype 'bf17': expected one of"),
    ({"cache": "1GB"}, {}, OptionError, "a budget of cache needs a number of tokens"),
]


@pytest.mark.parametrize(("budget", "asked", "error", "words"), WRONG)
def test_a_mistake_is_one_line(budget, asked, error, words):
    with pytest.raises(error, match=words) as raised:
        sc.solve(LLAMA, budget, free=FREE, fixed=FIXED, memory=asked)
    assert "\n" not in str(raised.value)


def test_the_commands_take_budgets_of_memory(capsys, tmp_path):
    config = tmp_path / "config.json"
    config.write_text(json.dumps({**LLAMA, "torch_dtype": "bfloat16"}))
    asked = ["solve", str(config), "-b", "10M", "-b", "memory=20.1MB", "--free", "H=64..512:64", "--free", "N=1..12"]
    assert run([*asked, "-s", "I=4*H", "-s", "A=H/64", "-t", "5%", "--json"]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert rows[0]["counts"]["memory"] == 2 * rows[0]["counts"]["unique"] <= 20_100_000
    assert run(["ladder", "llama", "-b", "1GB,2GB", "-c", "memory", "--dtype", "bf16"]) == 0
    out = capsys.readouterr().out
    assert re.search("bytes of memory", out) and "tokens" not in out


def test_caches_are_budgets_where_the_length_is_within_the_positions():
    asked = {"dtype": "bf16", "length": 100, "batch": 2}
    found = sc.solve(LLAMA, {"unique": "1M..20M", "cache": "500kB", "memory": "30MB"}, free=FREE, fixed=FIXED,
                     memory=asked, limit=None)  # fmt: skip
    expected = {
        (s.values["H"], s.values["N"])
        for s in sc.solve(LLAMA, "1M..20M", free=FREE, fixed=FIXED, limit=None).best
        if 2 * 2 * 2 * 100 * s.values["N"] * s.values["H"] <= 500_000
        and 2 * s.count + 2 * 2 * 2 * 100 * s.values["N"] * s.values["H"] <= 30_000_000
    }
    assert {(s.values["H"], s.values["N"]) for s in found.best} == expected
    assert len(expected) > 3


@pytest.mark.slow
def test_operations_of_training_are_a_budget():
    asked = {"length": 128, "tokens": "20N"}
    found = sc.solve(LLAMA, {"flops": "1e15..5e15"}, free=FREE, fixed=FIXED, memory=asked, limit=None)
    trained = sc.flops({**LLAMA, "max_position_embeddings": 2048}).training()
    for s in found.best:
        values = {"V": 1000, **{n: s.values[n] for n in "HINAKD"}, "L": 2048, "B": 1, "S": 128}
        each = trained.count(**{n: v for n, v in values.items() if n in trained.notation})
        parameters = sc.count({**LLAMA, "hidden_size": s.values["H"], "intermediate_size": s.values["I"],
                               "num_hidden_layers": s.values["N"], "num_attention_heads": s.values["A"]})  # fmt: skip
        assert s.counts["flops"] == each * 20 * parameters // 128
    assert found.number > 3


@pytest.mark.parametrize(
    ("said", "number"),
    [("300B", 300 * 10**9), ("1.5T", 1500 * 10**9), (1000, 1000), ("2k", 2000), ("1e9", 10**9), ("1_000", 1000)],
)
def test_tokens_are_a_number_or_so_many_for_each_parameter(said, number):
    f = sc.formula("gpt2")
    assert tokens_of(said, f) == number
    assert tokens_of("20N", f) == 20 * f.total
    with pytest.raises(BudgetError, match="tokens 'many': expected a number such as 300B"):
        tokens_of("many", f)


def test_positions_that_nothing_says_are_as_many_as_the_length_asks(tmp_path):
    asked = {"dtype": "bf16", "length": 4096}
    found = sc.solve(LLAMA, {"cache": "1GB"}, free=FREE, fixed=FIXED, memory=asked)
    config = found.best[0].config()
    assert config["max_position_embeddings"] == 4096
    assert sc.cache(config).bytes("bf16").count(config, B=1, S=4096) == found.best[0].counts["cache"]
    stated = {**LLAMA, "max_position_embeddings": 2048}
    with pytest.raises(SymcountError, match=r"a length of 4096 tokens, but L \(max_position_embeddings\) = 2048"):
        sc.solve(stated, {"cache": "1GB"}, free=FREE, fixed=FIXED, memory=asked)


def test_the_command_tells_of_positions_that_nobody_gave(capsys):
    asked = ["llama", "-b", "cache=1GB", "--length", "4k", "--free", "H=64..512:64", "-s", "A=H/64", "-s", "N=2"]
    assert run(["solve", *asked]) == 0
    assert "note: max_position_embeddings = 4,096 in every config, for the length" in capsys.readouterr().err
    assert run(["solve", *asked, "-s", "max_position_embeddings=8192"]) == 0
    assert "max_position_embeddings" not in capsys.readouterr().err


def test_numbers_that_only_the_cache_depends_on_may_be_given(capsys):
    asked = ["MistralForCausalLM", "--length", "8k", "--dtype", "bf16"]
    assert run(["memory", *asked, "-s", "sliding_window=1024", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["cache"] == 32 * (2 * 2 * 8 * 128 * 1023 + 8)
    assert run(["memory", *asked, "-s", "sliding_windw=1024"]) == 2
    assert "unknown symbol 'sliding_windw'" in capsys.readouterr().err
    assert run(["solve", "llama", "-b", "7B", "--free", "N", "-s", "max_position_embeddings=64"]) == 2
    assert "unknown symbol 'max_position_embeddings'" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("tokens", "each"), [(20, lambda s: 20 * s.count), ("7N", lambda s: 7 * s.count), ("2M", lambda s: 2 * 10**6),
                         ("20*non_embedding", lambda s: 20 * (s.count - 2 * 1000 * s.values["H"])), (0, lambda s: 0)],
    ids=lambda value: "" if callable(value) else str(value),
)  # fmt: skip
def test_a_ladder_is_trained_on_so_many_tokens_or_by_a_law(tokens, each):
    made = sc.ladder(LLAMA, "2M,10M", tokens=tokens, aspect=None, tolerance="20%")
    assert [rung.tokens for rung in made] == [each(rung.solution) for rung in made]


def test_a_budget_beyond_reach_is_told_in_its_unit():
    with pytest.raises(BudgetError, match=r"the smallest admissible config has .* bytes"):
        sc.solve(LLAMA, {"cache": "1kB"}, free=FREE, fixed=FIXED, memory={"length": 128})
