"""What is searched is what is counted: defaults that follow other fields, every formula of a class, what runs."""

import pytest

import symcount as sc
from symcount.atlas.counting import counter
from symcount.config.config import Config
from symcount.errors import BudgetError, DomainError, SymcountError
from symcount.solver.cases import cases

# ---------------------------------------------------------------- defaults that follow other fields


def test_a_null_default_follows_its_field():
    found = sc.solve(
        "Olmo2ForCausalLM", "1B", tolerance="2%", free="H=512..4096:128, N=8..40", fixed={"A": "H/128", "I": "4*H"},
        rank="distance",
    )  # fmt: skip
    assert found.best[0].values == {"K": 11, "V": 50304, "H": 1408, "I": 5632, "N": 27, "A": 11}
    assert found.best[0].count == 998_233_984
    config = {"hidden_size": 1408, "num_hidden_layers": 27, "num_attention_heads": 11, "intermediate_size": 5632}
    assert sc.count({"architectures": ["Olmo2ForCausalLM"], **config}) == 998_233_984


FOLLOW = [
    ("Olmo2ForCausalLM", {"K": "A"}), ("ArceeForCausalLM", {"K": "A", "D": "H/A"}), ("MT5Model", {"N_dec": "N"}),
    ("FalconModel", {"ffn_hidden_size": "4*H"}), ("JambaModel", {"mamba_dt_rank": "ceiling(H/16)"}),
    ("OPTModel", {"word_embed_proj_dim": "H"}), ("RoFormerModel", {"Z": "H"}), ("xLSTMModel", {"num_blocks": "N"}),
    ("BambaModel", {"mamba_d_head": "H*mamba_expand/mamba_n_heads"}), ("LlamaModel", {"K": "A", "D": "H/A"}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "rules"), FOLLOW, ids=[n for n, _ in FOLLOW])
def test_the_formula_says_what_follows(name, rules):
    f = sc.formula(name)
    assert {n: str(f.filled[n]).replace("-floor(-H/16)", "ceiling(H/16)") for n in rules} == rules
    assert not rules.keys() & f.defaults.keys()


def doubled(name):
    """For each of H, N, A, I that a class has: what `count` and `solve` say where it is doubled."""
    f = sc.formula(name)
    full = f.values(f.bound({}))
    plain = [n for n in "HNAI" if n in f.notation and n in full]
    parts = [e.letter for e in f.notation if e.letter.partition("_")[0] in ("H", "N", "A", "I") and e.letter in full]
    for letter in plain or parts[:2]:
        value = 2 * int(full[letter])
        try:
            counted = sc.count(name, **{letter: value})
        except SymcountError as error:
            counted = error
        try:
            found = sc.solve(name, ">=1", free={letter: value})
            solved, open_ = found.best[0].count, found.left_open
        except SymcountError as error:
            solved, open_ = error, ()
        yield letter, value, counted, solved, open_


def agree(name):
    for letter, _, counted, solved, open_ in doubled(name):
        both = isinstance(counted, int) and isinstance(solved, int)
        if both:
            assert counted == solved, (name, letter)
        elif isinstance(solved, int):  # what does not enter the count may be chosen so that it fits
            assert open_, (name, letter, counted)
        else:  # where there is another formula, it is derived, and the search says that it did not
            known = isinstance(counted, SymcountError) or str(solved).startswith("not searched: ")
            assert known, (name, letter, counted, solved)


def built(config):
    """The count of the model that transformers builds from a config, as it does from a file; `None` if it cannot."""
    import torch
    import transformers

    cls = getattr(transformers, config["architectures"][0])
    fields = {n: v for n, v in config.items() if n not in ("architectures", "model_type")}
    try:
        with torch.device("meta"):
            return sum(p.numel() for p in cls(cls.config_class(**fields)).parameters())
    except Exception:  # noqa: BLE001  # what cannot be built raises whatever it likes
        return None


def agree_when_built(name):
    """The configs that a search and a ladder give for a doubled size: as transformers builds them, and counts them."""
    for letter, value, _, solved, _ in doubled(name):
        if not isinstance(solved, int):
            continue
        others = {n: x for n, x in sc.formula(name).given().items() if n != letter}
        rung = sc.ladder(name, shapes=[{letter: value}], free={letter: value}, fixed=others).rungs[0]
        for solution in (sc.solve(name, ">=1", free={letter: value})[0], rung.solution):
            config = solution.config()
            assert sc.count(config) == solution.count, (name, letter)
            assert built(config) in (solution.count, None), (name, letter)


SAMPLE = [
    "ArceeForQuestionAnswering", "BltPatcher", "CsmForConditionalGeneration", "DogeModel", "ElectraModel", "MT5Model",
    "FalconMambaModel", "GraniteSpeechCTCEncoder", "JambaModel", "LlavaForConditionalGeneration", "OPTModel",
    "DoryForCausalLM", "ReformerModel",  # whose formulas hold where other numbers fit to these
    pytest.param("DFineForObjectDetection", marks=pytest.mark.slow),
    "PPDocLayoutV3ForObjectDetection", "PaliGemmaForConditionalGeneration", "RoFormerForTokenClassification",
    "RwkvForCausalLM", "SamModel", "T5Model", "XLNetForTokenClassification", "Zamba2Model", "xLSTMModel",
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "letter", "value", "words"),
    [
        ("DoryForCausalLM", "N", 72, r"n_input_layers \+ n_output_layers \+ n_recurrent_layers = 36"),
        ("ReformerModel", "H", 512, r"axial_pos_embds_dim_0 \+ axial_pos_embds_dim_1 = H"),
        pytest.param("DFineForObjectDetection", "H", 512, "H = ", marks=pytest.mark.slow),
    ],
)
def test_what_no_formula_was_made_for_is_not_called_impossible(name, letter, value, words):
    with pytest.raises(DomainError, match=f"not searched: the formula of {name} holds only where {words}"):
        sc.solve(name, ">=1", free={letter: value})


@pytest.mark.parametrize("name", SAMPLE)
def test_count_and_solve_say_the_same(name):
    agree(name)


@pytest.mark.parametrize("name", ["LlamaForCausalLM", "ElectraModel", "SwinModel", "CLIPModel", "Olmo2ForCausalLM"])
def test_what_a_search_and_a_ladder_give_is_what_transformers_builds(name):
    agree_when_built(name)
    letter, value, *_ = next(doubled(name))
    assert built(sc.solve(name, ">=1", free={letter: value}).config())


@pytest.mark.slow
@pytest.mark.parametrize("every", range(20))
def test_count_and_solve_say_the_same_of_every_class(every):
    failed = []
    for name in sorted(counter().atlas.names)[every::20]:
        try:
            agree(name)
            agree_when_built(name)
        except AssertionError as error:
            failed.append(str(error).partition("\n")[0])
        except SymcountError:
            continue  # it has no formula
    assert not failed


# ---------------------------------------------------------------- the formulas of a class


def test_all_formulas_of_a_class_are_searched():
    found = sc.solve(
        "ElectraForPreTraining", 109_483_009, tolerance=0, fixed={"I": "4*H", "A": "H/64"},
        free="N=1..48, H=64..1024:64, Z=64..1024:64",
    )  # fmt: skip
    assert [{n: s.values[n] for n in "HNZ"} for s in found] == [{"H": 768, "N": 12, "Z": 768}]
    assert found.cases == (("Z ≠ H",), ("Z = H",))


def test_a_formula_alone_says_where_it_holds():
    found = sc.solve(
        sc.formula("ElectraForPreTraining"), 109_483_009, tolerance=0, fixed={"I": "4*H", "A": "H/64"},
        free="N=1..48, H=64..1024:64, Z=64..1024:64",
    )  # fmt: skip
    assert found.number == 0
    assert found.conditions == ("Z ≠ H",)


@pytest.mark.parametrize(
    ("name", "free", "fixed"),
    [
        ("ElectraModel", {"H": range(16, 65, 16), "Z": range(16, 65, 16)}, {"N": 2, "I": 64, "A": 4}),
        ("OPTModel", {"H": range(16, 65, 16), "word_embed_proj_dim": range(16, 65, 16)}, {"N": 2, "I": 64, "A": 4}),
        ("RoFormerModel", {"H": range(16, 65, 16), "Z": range(16, 65, 16)}, {"N": 2, "I": 64, "A": 4}),
        ("ConvBertModel", {"H": range(32, 129, 32), "Z": range(32, 129, 32)}, {"N": 2, "I": 64, "A": 4}),
    ],
)
def test_every_point_has_the_count_of_its_config(name, free, fixed):
    """Brute force by `count`, which reads a whole config, over both sides of where the formulas meet."""
    f = sc.formula(name)
    found = sc.solve(name, ">=1", free=free, fixed=fixed, limit=None)
    got = {tuple(s.values[n] for n in free): s.count for s in found}
    first, second = free
    for a in free[first]:
        for b in free[second]:
            fields = {f.notation[n].field: v for n, v in {**fixed, first: a, second: b}.items()}
            try:
                wanted = sc.count({"architectures": [name], **fields})
            except SymcountError:
                wanted = None
            assert got.get((a, b)) == wanted, fields
    assert any(a == b for a, b in got)
    assert any(a != b for a, b in got)


def test_the_cases_of_a_class_have_the_symbols_of_its_formula():
    f = sc.formula("OPTModel")
    both = cases(f, Config({}, "OPTModel"), ["H", "word_embed_proj_dim"])
    assert len(both) == 2
    assert {e.letter for e in f.notation} <= {e.letter for e in both[1][0].notation}
    assert all(given["V"] == 50272 for _, given in both)


def test_a_class_counts_by_the_formula_that_its_numbers_choose():
    assert sc.count("ElectraModel", Z=256) == sc.count({"architectures": ["ElectraModel"], "embedding_size": 256})
    with pytest.raises(DomainError, match="Z ≠ H is required"):
        sc.formula("ElectraModel").count({}, Z=256)


# ---------------------------------------------------------------- what runs


def test_key_value_heads_divide_heads():
    found = sc.solve("llama", ">=1", free="K=1..32", limit=None)
    assert [s.values["K"] for s in sorted(found, key=lambda s: s.values["K"])] == [1, 2, 4, 8, 16, 32]
    assert found.conditions == ("K divides A",)
    assert sc.solve("llama", ">=1", free="K=1..32", runnable=False).number == 32


@pytest.mark.parametrize("name", ["llama", "Qwen3ForCausalLM", "MixtralForCausalLM", "Gemma2Model", "SmolLM3Model"])
def test_every_model_with_grouped_queries_runs(name):
    found = sc.solve(name, ">=1", free="A=8..32:8, K=1..9", fixed={"H": 512}, limit=None)
    assert found.number
    assert all(s.values["A"] % s.values["K"] == 0 for s in found)


def test_no_more_experts_for_a_token_than_there_are():
    found = sc.solve("MixtralForCausalLM", ">=1", free="E=1..4", limit=None)
    assert sorted(s.values["E"] for s in found) == [2, 3, 4]


def test_what_never_runs_is_an_error_that_says_so():
    with pytest.raises(DomainError, match="K divides A never holds: A = 32, K = 5"):
        sc.solve("llama", "7B", free="N", fixed={"K": 5})


# ---------------------------------------------------------------- two names for one number


@pytest.mark.parametrize("verb", [sc.count, sc.verify, lambda name, **v: sc.formula(name).count({}, **v)])
@pytest.mark.parametrize(("name", "other"), [("gpt2", "n_embd"), ("OPTModel", "hidden_size"), ("bert", "d_model")])
def test_two_values_for_one_symbol_are_refused(verb, name, other):
    with pytest.raises(DomainError, match=rf"H \({'n_embd' if name == 'gpt2' else 'hidden_size'}\) is given twice"):
        verb(name, H=1024, **{other: 768})


def test_one_value_by_two_names_is_one_value():
    assert sc.count("gpt2", H=768, n_embd=768) == 124_439_808


# ---------------------------------------------------------------- ladders


@pytest.mark.parametrize("name", ["t5", "MT5Model", "MPNetModel", "gpt2", "Mamba2ForCausalLM", "BartModel", "OPTModel"])
def test_a_ladder_does_not_round_the_number_of_heads(name):
    found = sc.ladder(name, "100M,300M" if name != "MT5Model" else "300M,600M")
    for rung in found:
        values = rung.solution.values
        heads = next(values[n] for n in ("A", "A_enc") if n in values)
        wide = values["H"] * values.get("X", 1)
        assert heads * 64 == wide, values


@pytest.mark.parametrize(
    "name",
    ["DeepseekV3Model", "JambaModel", "SwitchTransformersModel", "RecurrentGemmaModel", "CLIPModel", "WhisperModel"],
)
def test_a_ladder_needs_no_option(name):
    first, second = sc.ladder(name, "1B,3B")
    assert abs(first.solution.relative) < 0.1
    assert abs(second.solution.relative) < 0.1


def test_two_towers_keep_their_ratios():
    for rung in sc.ladder("CLIPModel", "100M,300M"):
        v = rung.solution.values
        assert v["A_text"] * 64 == v["H_text"]
        assert v["A_vision"] * 64 == v["H_vision"]
        assert (v["I_text"], v["I_vision"], v["N_vision"]) == (4 * v["H_text"], 4 * v["H_vision"], v["N_text"])


def test_a_budget_out_of_reach_is_still_said():
    with pytest.raises(BudgetError, match="the smallest admissible config"):
        sc.ladder("GptOssModel", "60M,220M")
