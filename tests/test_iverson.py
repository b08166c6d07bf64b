"""Options inside a formula: at each value it is the formula of that value, and a config's options choose."""

from itertools import product

import pytest
from sympy import expand

import symcount as sc
from symcount.cli import run
from symcount.core.ledger import CONVENTIONS
from symcount.errors import OptionError

SHOWN = {
    ("LlamaForCausalLM", "tie_word_embeddings"): r"VH + N(2HAD + 2HKD + 3HI + 2H) + H + (1 - [\mathrm{tied}])VH",
    ("GptOssForCausalLM", "attention_bias"): (
        r"VH + N(2HAD + 2HKD + 3EHI + 2EH + 2EI + A + E + 2H + [\mathrm{attention\,bias}](AD + 2KD + H)) + VH + H"
    ),
    ("SwinModel", "qkv_bias", "use_absolute_embeddings"): (
        r"CP^2H + 3H + \sum_{i=0}^3(N_i(A_i(2w - 1)^2 + 4H_i^2 + 2H_i\lfloor rH_i\rfloor + 6H_i"
        r" + \lfloor rH_i\rfloor) + 3[\mathrm{qkv\,bias}]N_iH_i) + \sum_{i=0}^2(8H_i^2 + 8H_i) + 2H_3"
        r" + [\mathrm{absolute\,embeddings}]H\lfloor R/P\rfloor^2,\quad H_i = 2^iH"
    ),
}


@pytest.mark.parametrize("case", SHOWN, ids=" ".join)
def test_it_reads_as_a_person_would_write_it(case):
    assert sc.with_options(*case).latex() == SHOWN[case]


@pytest.mark.parametrize("model", ["LlamaForCausalLM", "Qwen2MoeForCausalLM", "BertModel", "SwinModel"])
def test_at_each_value_it_is_the_formula_of_that_value(model):
    f = sc.with_options(model)
    names = [e for e in f.notation if e.option]
    assert names
    for values in product((False, True), repeat=len(names)):
        chosen = {e.field: value for e, value in zip(names, values, strict=True)}
        of_it = sc.formula(model, **chosen)
        same = {e.symbol: f.notation[e.field].symbol for e in of_it.notation if e.field in f.notation}
        for convention in CONVENTIONS:
            at = f.total_as(convention).subs({e.symbol: int(chosen[e.field]) for e in names})
            assert expand(at - of_it.total_as(convention).xreplace(same)) == 0, (chosen, convention)


@pytest.mark.parametrize("options", [{}, {"attention_bias": True}, {"tie_word_embeddings": True, "mlp_bias": True}])
def test_a_config_chooses(options):
    config = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 256, **options}
    assert sc.with_options("LlamaForCausalLM").count(config) == sc.count(config)


def test_a_config_with_another_option_that_matters_is_refused():
    config = {"architectures": ["LlamaForCausalLM"], "model_type": "llama", "mlp_bias": True}
    f = sc.with_options("LlamaForCausalLM", "tie_word_embeddings")
    with pytest.raises(OptionError, match="the formula holds for other values of mlp_bias"):
        f.count(config)


def test_what_goes_without_saying_is_not_said():
    f = sc.with_options("LlamaForCausalLM", mlp_bias=True)
    assert "mlp" not in f.latex()  # it has one value
    assert f.domain_text() == "valid when A divides H and 2 divides D"
    assert r"[\mathrm{tied}] \leq 1" not in f.typeset("tex")


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["rope"], r"LlamaForCausalLM has no option 'rope' that is true or false: it has .*tie_word_embeddings"),
        (["hidden_act"], "has no option 'hidden_act' that is true or false"),
    ],
)
def test_what_is_no_option_is_refused(names, words):
    with pytest.raises(OptionError, match=words):
        sc.with_options("LlamaForCausalLM", *names)


def test_a_shared_tensor_that_two_conventions_see_otherwise_is_refused(monkeypatch):
    module = __import__("symcount.reports.iverson", fromlist=["_merged"])
    monkeypatch.setattr(module, "_merged", lambda without, having, option: (having,))  # as if nothing depended on it
    with pytest.raises(OptionError, match="tie_word_embeddings changes what unique counts"):
        sc.with_options("LlamaForCausalLM", "tie_word_embeddings")


def test_on_the_command_line(capfd):
    assert run(["latex", "LlamaForCausalLM", "--options", "-o", "attention_bias=false", "-o", "mlp_bias=false"]) == 0
    assert capfd.readouterr().out == f"{SHOWN['LlamaForCausalLM', 'tie_word_embeddings']}\n"
