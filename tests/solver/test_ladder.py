"""Ladders: monotone, near their budgets, and every config is a real model with the count it claims."""

import json
from fractions import Fraction
from itertools import pairwise, product

import pytest

import symcount as sc
from symcount.errors import BudgetError, ConfigError, ExpressionError, SymcountError, VerificationError

ISSUED = "10M,30M,100M,300M,1B"


def real_count(file):
    """Elements of the model that transformers builds from the file, on the meta device."""
    torch = pytest.importorskip("torch")
    import transformers

    config = transformers.AutoConfig.from_pretrained(file.parent, local_files_only=True)
    with torch.device("meta"):
        model = getattr(transformers, config.architectures[0])(config)
    return sum(p.numel() for p in model.parameters())


@pytest.mark.parametrize(
    ("model", "budgets", "more"),
    [
        ("llama", ISSUED, {}),
        ("LlamaForCausalLM", "100M,1B", {"fixed": {"K": "A/2"}, "head_dim": 128, "aspect": "48..128"}),
        ("BertForMaskedLM", "60M,300M", {"aspect": "8..64"}),
        ("GPT2LMHeadModel", "50M,100M", {"tolerance": "5%"}),
        ("derived MixtralForCausalLM", "1B,4B", {"aspect": "32..256", "tolerance": "20%"}),
    ],
)
def test_every_config_of_a_ladder_is_what_it_claims(model, budgets, more, tmp_path):
    derived = model.startswith("derived ")
    if derived:
        pytest.importorskip("transformers")
    source = sc.derive(model.removeprefix("derived ")) if derived else model
    found = sc.ladder(source, budgets, **more)
    files = found.write(tmp_path)
    assert [f.parent.name for f in files] == [f"{found.formula.model_type}-{b}" for b in budgets.split(",")]
    for rung, file in zip(found, files, strict=True):
        assert real_count(file) == rung.solution.count
        assert rung.budget.low <= rung.solution.count <= rung.budget.high
        assert rung.solution.values["H"] % rung.solution.values["A"] == 0
        if more.get("aspect", "64..128") == "64..128":
            assert 64 <= rung.solution.aspect <= 128
    for below, above in pairwise(found):
        assert all(below.solution.values[n] <= above.solution.values[n] for n in below.solution.values)
        assert below.solution.count < above.solution.count
    assert not list(tmp_path.rglob("tmp*"))


def test_the_chain_is_the_best_of_all_chains():
    found = sc.ladder("bert", "30M,40M,50M", aspect="16..64", tolerance="20%")
    levels = [
        sc.solve("bert", b, tolerance="20%", free="H=64..:64, N", fixed={"A": "H/64", "I": "4*H"}, limit=None,
                 where="16 <= H/N <= 64")
        for b in ("30M", "40M", "50M")
    ]  # fmt: skip

    def rises(chain):
        return all(a.values[n] <= b.values[n] for a, b in pairwise(chain) for n in ("H", "N"))

    cost = min(sum(abs(s.relative) for s in chain) for chain in product(*levels) if rises(chain))
    assert sum(abs(r.solution.relative) for r in found) == cost
    greedy = [level.best[0] for level in levels]
    assert rises([r.solution for r in found])
    assert not rises(greedy) or cost == sum(abs(s.relative) for s in greedy)


def test_rules_of_the_family():
    found = sc.ladder("llama", "10M,1B")
    rules = {n: str(r) for n, r in found.rules.items()}
    assert rules == {"A": "H/64", "I": "64*floor(43*H/1024 + 1/2)", "K": "A", "D": "64"} or "D" not in rules
    assert rules["I"] == "64*floor(43*H/1024 + 1/2)"
    other = sc.ladder("llama", "100M,1B", fixed={"I": "4*H", "V": 1000})
    for rung in other:
        assert rung.solution.values["I"] == 4 * rung.solution.values["H"]
        assert rung.solution.values["V"] == 1000
        assert rung.solution.values["D"] == 64


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        (("bert", "100M,50M"), BudgetError, "each larger than the one before"),
        (("bert", "100M,100M"), BudgetError, "each larger than the one before"),
        (("bert", "100M,lots"), BudgetError, "expected a whole number of parameters"),
        (("bert", ""), BudgetError, "expected a whole number of parameters"),
        (("bert", []), BudgetError, "expected one or more"),
        (("bert", "1k,100M"), BudgetError, "out of reach"),
    ],
    ids=str,
)
def test_no_ladder(arguments, error, words):
    with pytest.raises(error, match=words):
        sc.ladder(*arguments)


@pytest.mark.parametrize(
    ("more", "error", "words"),
    [
        ({"aspect": "128..64"}, ExpressionError, "expected LOWEST..HIGHEST"),
        ({"aspect": "wide"}, ExpressionError, "expected LOWEST..HIGHEST"),
        ({"aspect": 3}, ExpressionError, "expected LOWEST..HIGHEST"),
        ({"aspect": "0..3"}, ExpressionError, "expected LOWEST..HIGHEST"),
        ({"aspect": "1/0..3"}, ExpressionError, "expected LOWEST..HIGHEST"),
        ({"head_dim": 0}, ExpressionError, "head_dim 0: expected a positive integer"),
        (
            {"tolerance": "0%"},
            BudgetError,
            "no config of the family has exactly 100,000,000 parameters; the nearest have",
        ),
        ({"where": ["N < 3", "N > 5"]}, SymcountError, "contradictory"),
        ({"fixed": {"Q": 3}}, SymcountError, "unknown symbol 'Q'"),
    ],
    ids=str,
)
def test_bad_wishes(more, error, words):
    with pytest.raises(error, match=words):
        sc.ladder("bert", "100M,1B", **more)


def test_no_chain():
    """Two configs are left, and the larger one has the smaller width."""
    two = ["(H - 1024)*(H - 512) == 0", "25*H + 512*(N - 5) == 25600"]
    with pytest.raises(
        BudgetError, match="no chain of configs rises from 96,000,000 to 111,000,000 in every size; widen"
    ):
        sc.ladder("bert", "96M,111M", tolerance="1%", aspect=None, where=two)


def test_files_are_not_replaced_unasked_and_all_are_written_or_none(tmp_path, monkeypatch):
    found = sc.ladder("bert", "30M,100M")
    files = found.write(tmp_path, check=False)
    texts = [f.read_text() for f in files]
    files[0].unlink()
    with pytest.raises(ConfigError, match=r"bert-100M/config.json is there already"):
        found.write(tmp_path, check=False)
    assert not files[0].exists()
    found.write(tmp_path, check=False, overwrite=True)
    assert [f.read_text() for f in files] == texts
    assert json.loads(texts[0])["architectures"] == ["BertModel"]
    (tmp_path / "file").write_text("")
    with pytest.raises(ConfigError, match="file"):
        found.write(tmp_path / "file" / "below", check=False)


def test_a_config_that_is_not_what_it_claims_is_not_written(tmp_path, monkeypatch):
    pytest.importorskip("transformers")
    from symcount.verification import real_model

    honest = real_model.totals
    monkeypatch.setattr(real_model, "totals", lambda model: {**honest(model), "unique": 5})
    with pytest.raises(
        VerificationError, match="30M: 31,006,080 parameters by the formula, but the real model differs"
    ):
        sc.ladder("bert", "30M").write(tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_model_of_ones_own_has_no_config():
    from symcount import Formula, Notation, layers
    from symcount.core.notation import entry

    own = Formula(layers.Linear(entry("H").symbol, entry("N").symbol), Notation((entry("H"), entry("N"))), "Own")
    found = sc.ladder(own, "10k,20k", aspect=None)
    with pytest.raises(ConfigError, match="Own is no model of transformers"):
        found.configs()


# ---------------------------------------------------------------- families that are rebuilt

LLAMA_3 = {"H": 2048, "N": 16, "A": 32, "K": 8, "I": 8192, "V": 128_256}


def test_a_reference_gives_its_proportions():
    found = sc.ladder("LlamaForCausalLM", "300M,1B,3B", reference=LLAMA_3)
    for rung in found:
        values = rung.solution.values
        assert values["V"] == 128_256 and values["I"] == 4 * values["H"]
        assert values["A"] == 4 * values["K"] and values["D"] == 64 == values["H"] // values["A"]
        assert Fraction(2048, 16) * 2 / 3 <= rung.solution.aspect <= Fraction(2048, 16) * 3 / 2
        assert sc.count(rung.solution.config()) == rung.solution.count
    assert sc.ladder("LlamaForCausalLM", "1B", reference={**LLAMA_3, "D": 128}).rungs[0].solution.values["D"] == 128


def test_a_reference_may_be_a_config(tmp_path):
    config = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": 64_000, "hidden_size": 1024,
              "intermediate_size": 4096, "num_hidden_layers": 16, "num_attention_heads": 16}  # fmt: skip
    file = tmp_path / "config.json"
    file.write_text(json.dumps(config))
    ladders = [sc.ladder("LlamaForCausalLM", "300M,1B", reference=r) for r in (config, str(file))]
    assert ladders[0].rungs == ladders[1].rungs
    assert all(rung.solution.values["V"] == 64_000 for rung in ladders[0])


@pytest.mark.parametrize("exponent", [1, "1/2", 0.5, "2/3", 2])
def test_depth_grows_as_a_power_of_width(exponent):
    e = float(Fraction(str(exponent)))
    found = sc.ladder("gpt2", "50M,300M,2B", exponent=exponent, tolerance="15%")
    for rung in found:
        curve = 12 * (rung.solution.values["H"] / 768) ** e
        assert curve * 3 / 4 - 1.01 <= rung.solution.values["N"] <= curve * 5 / 4 + 1.01


STAGES = [
    ("ConvNextModel", "30M,100M", ("hidden_sizes_0", "N_0")), ("SwinModel", "30M,100M", ("H", "N_0")),
    ("SegformerModel", "20M,60M", ("hidden_sizes_0", "N_0")), ("XLMModel", "30M,100M", ("emb_dim", "N")),
]  # fmt: skip


@pytest.mark.parametrize(("name", "budgets", "main"), STAGES, ids=[n for n, _, _ in STAGES])
def test_stages_keep_their_proportions(name, budgets, main, tmp_path):
    found = sc.ladder(name, budgets, tolerance="20%")
    usual = sc.formula(name).given()
    for rung, file in zip(found, found.write(tmp_path), strict=True):
        values = rung.solution.values
        assert real_count(file) == rung.solution.count
        for letter in (n for n in values if n.startswith(("hidden_sizes", "A_"))):
            assert values[letter] * usual[main[0]] == usual[letter] * values[main[0]]
        for letter in (n for n in values if n.startswith("N_")):
            assert abs(values[letter] - Fraction(usual[letter], usual["N_0"]) * values["N_0"]) <= Fraction(1, 2)


GPT2_SHAPES = [
    ("H=768,N=12", 124_439_808), ("H=1024,N=24", 354_823_168), ("n_embd=1280,N=36", 774_030_080),
    ("H=1600,N=48,A=25", 1_557_611_200),
]  # fmt: skip


def test_shapes_rebuild_a_family(tmp_path):
    found = sc.ladder("gpt2", shapes=[s for s, _ in GPT2_SHAPES])
    assert [r.solution.count for r in found] == [count for _, count in GPT2_SHAPES]
    assert [r.label for r in found] == ["124M", "355M", "774M", "1.56B"]
    assert [r.tokens for r in found] == [20 * count for _, count in GPT2_SHAPES]
    assert all(r.solution.deviation == 0 for r in found)
    assert found.write(tmp_path, check=False)[0].parent.name == "gpt2-124M"
    again = sc.ladder("gpt2", shapes=[s for s, _ in GPT2_SHAPES[:2]], free="H=64..:64, N")
    assert [r.solution.count for r in again] == [count for _, count in GPT2_SHAPES[:2]]
    beside = sc.ladder("gpt2", "124M,355M", shapes="H=768,N=12; H=1024", tolerance="1%", tokens=0, aspect=None)
    assert [(r.solution.values["H"], r.solution.values["N"], r.tokens) for r in beside] == [(768, 12, 0), (1024, 24, 0)]


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({}, BudgetError, "no budgets: give them, such as 10M,30M,100M, or the shapes of the rungs"),
        ({"budgets": "1M,2M", "shapes": "H=64"}, BudgetError, "2 budgets and 1 shapes: give one shape for each"),
        ({"shapes": "H=64"}, BudgetError, r"nothing bounds N \(n_layer\) from above"),
        ({"shapes": "H"}, ExpressionError, "shape 'H': expected sizes such as H=768,N=12"),
        ({"shapes": [3]}, ExpressionError, "shape 3: expected sizes"),
        ({"shapes": "H=64,X=3"}, SymcountError, "unknown symbol 'X'"),
        ({"shapes": [{"H": 0, "N": 3}]}, SymcountError, "H .*expected an integer of at least 1"),
        ({"shapes": "H=768,N=12; H=512,N=24"}, BudgetError, "no chain of configs rises"),
        ({"budgets": "1B", "exponent": "x"}, ExpressionError, "exponent 'x': expected a fraction of numbers up to 8"),
        ({"budgets": "1B", "exponent": "33/100"}, ExpressionError, "expected a fraction of numbers up to 8"),
        ({"budgets": "1B", "exponent": -1}, ExpressionError, "expected a fraction of numbers up to 8"),
    ],
)  # fmt: skip
def test_families_that_cannot_be(arguments, error, words):
    with pytest.raises(error, match=words):
        sc.ladder("gpt2", **arguments)
