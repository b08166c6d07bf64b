"""The worked derivations: published numbers, steps that follow from each other, documents that are not stale."""

import doctest
import re
import shutil
from functools import cache
from pathlib import Path

import pytest
from sympy import expand

import symcount as sc
from derivations import FOLDER, NAMES, __main__, bind, load, where
from derivations.blocks import Text
from derivations.render import book, index, markdown
from derivations.worksheet import Worksheet
from symcount.errors import VerificationError
from symcount.typeset import pdf
from symcount.typeset.numbers import digits
from symcount.typeset.tex import parse

pytest.importorskip("transformers")

STALE = "stale: python -m derivations"
BERT = {
    "Embeddings": 23_434_752,
    "Self-attention of one layer": 1_771_776,
    "Attention output of one layer": 590_592,
    "Intermediate and output of one layer": 4_722_432,
    "Linear maps of the encoder": 85_017_600,
    "Linear maps of the masked-LM head": 23_660_592,
    "All linear maps": 108_678_192,
    "Layer normalisations": 39_936,
    "All parameters, layer by layer": 132_152_880,
    "Counted twice": 23_040_000,
    "All parameters, each stored tensor once": 109_112_880,
}
TOTALS = {
    "bert": [109_112_880, 109_482_240],
    "gpt2": [124_439_808, 354_823_168, 774_030_080, 1_557_611_200],
    "llama": [8_030_261_248, 6_738_415_616, 65_285_660_672, 68_976_648_192, 405_853_388_800],
    "t5": [222_903_552, 60_506_624, 737_668_096, 11_307_321_344],
    "mixtral": [46_702_792_704, 12_879_925_248, 7_241_732_096],
    "deepseek_v3": [671_026_404_352, 37_552_282_624, 36_625_603_584],
    "vit": [86_567_656, 88_224_232, 306_535_400],
    "whisper": [1_543_304_960, 37_760_640, 241_734_912],
    "mamba": [129_135_360],
}
needs_tex = pytest.mark.skipif(not any(map(shutil.which, pdf.ENGINES)), reason="needs a TeX engine")
each = pytest.mark.parametrize("name", NAMES)
sheet = cache(load)


@cache
def document(name):
    return markdown(sheet(name))


def test_every_step_of_bert_gives_the_published_number():
    assert {step.title: step.count for step in sheet("bert").steps} == BERT


def test_the_steps_of_bert_follow_from_each_other_as_symbols():
    *parts, linears, norms, total, twice, stored = (step.expression for step in sheet("bert").steps)
    embeddings, attention, output, feed_forward, encoder, cls = parts
    assert expand(sc.symbol("N") * (attention + output + feed_forward) - encoder) == 0
    assert expand(encoder + cls - linears) == 0
    assert expand(embeddings + linears + norms - total) == 0
    assert expand(total - twice - stored) == 0
    assert twice == sc.symbol("V") * sc.symbol("H")


def test_every_derivation_has_published_totals():
    assert list(TOTALS) == list(NAMES)


@each
def test_the_document_is_what_the_generator_writes(name):
    assert (FOLDER / f"{name}.md").read_text(encoding="utf-8") == document(name), STALE


@each
def test_the_pictures_are_of_these_numbers(name, tmp_path):
    pytest.importorskip("matplotlib")
    (picture,) = sheet(name).pictures
    picture.shares.draw(tmp_path / "again.svg")
    assert (tmp_path / "again.svg").read_bytes() == (FOLDER / f"{name}.svg").read_bytes(), STALE


def test_the_index_is_what_the_generator_writes():
    assert (FOLDER / "README.md").read_text(encoding="utf-8") == index(map(sheet, NAMES)), STALE


def test_nothing_else_is_in_the_folder():
    scripts = {"__init__", "__main__", "bind", "blocks", "real", "render", "where", "worksheet"}
    assert {p.stem for p in FOLDER.glob("*.py")} == {*NAMES, *scripts}
    assert {p.stem for p in FOLDER.glob("*.svg")} == set(NAMES)
    assert {p.stem for p in FOLDER.glob("*.md")} == {*NAMES, "README"}


@each
def test_the_document_shows_the_published_totals_and_every_step(name):
    for total in TOTALS[name]:
        assert f"{total:,}" in document(name)
    for step in sheet(name).steps:
        assert digits(step.count) in document(name)
        assert f"PyTorch counts {step.count:,} in" in document(name)


@each
def test_the_steps_sum_to_the_whole_formula(name):
    model = sheet(name).model
    found = [expand(step.expression) for step in sheet(name).steps]
    assert model.expanded() in found
    if model.expanded("active") != model.expanded():
        assert model.expanded("active") in found
    assert len(found) >= 7


@each
def test_no_result_is_typed_into_the_generator(name):
    source = (FOLDER / f"{name}.py").read_text(encoding="utf-8").replace("_", "").replace(",", "")
    typed = {int(n) for n in re.findall(r"\d+", source)}
    results = {step.count for step in sheet(name).steps} | set(TOTALS[name])
    results = {result for result in results if result > 20_000}  # a norm may be as large as some model is wide
    assert not typed & (results - set(sheet(name).sizes.values()))


@each
def test_the_mathematics_can_be_read(name):
    text = document(name)
    formulas = re.findall(r"^```math\n(.*?)\n```$", text, re.MULTILINE | re.DOTALL) + re.findall(r"\$`([^`]*)`\$", text)
    assert len(formulas) > 20
    for formula in formulas:
        parse(formula)
    assert "}[t]" not in text  # which KaTeX would print
    assert "$" not in re.sub(r"\$`[^`]*`\$", "", text)
    assert all(Path(FOLDER, target).exists() for target in re.findall(r"!\[[^]]*\]\(([^)]*)\)", text))


def test_the_example_of_a_pattern():
    assert doctest.testmod(where) == (0, 2)


def gpt2():
    return Worksheet("wrong", "Wrong", sc.formula("GPT2LMHeadModel"), {"V": 50, "L": 16, "H": 8, "N": 3, "A": 2}, "")


def test_steps_that_do_not_add_up_are_refused():
    s = gpt2()
    norms = s.part("Norms", "transformer.h.#1.ln_*", "")
    with pytest.raises(VerificationError, match=r"wrong, One layer: 4\*H is put together, but the ledger has 12\*H"):
        s.sum("One layer", norms, "transformer.h.#1.*", "")


def test_a_step_that_the_real_model_contradicts_is_refused():
    s = gpt2()
    s.part("Head", "lm_head.*", "tied, so the formula has nothing there")
    with pytest.raises(VerificationError, match="Head: the step says 0, PyTorch 400"):
        markdown(s)


def test_a_total_that_the_real_model_contradicts_is_refused():
    s = gpt2()
    s.model = sc.formula("GPT2LMHeadModel", tie_word_embeddings=False)  # transformers ties them
    with pytest.raises(VerificationError, match=r"the formula says .*, PyTorch"):
        s.total()


def overfull(log):
    return [w for w in re.findall(r"^Overfull \\hbox \(([\d.]+)pt", log, re.MULTILINE) if float(w) > 1]


@needs_tex
@pytest.mark.slow
def test_all_are_bound_into_a_pdf_without_overfull_lines(monkeypatch):
    logs = []

    def spy(*arguments, **options):
        made = pdf.compile_document(*arguments, **options)
        logs.append(made[1])
        return made

    monkeypatch.setattr(bind, "compile_document", spy)
    assert bind.bind([sheet(name) for name in NAMES]).startswith(b"%PDF")
    assert overfull(logs[0]) == []
    assert "undefined" not in logs[0]


@needs_tex
def test_one_is_bound_into_a_pdf(tmp_path):
    assert __main__.main(["mamba", "--pdf", str(tmp_path / "mamba.pdf")]) == 0
    assert (tmp_path / "mamba.pdf").read_bytes().startswith(b"%PDF")


def test_the_command_writes_document_picture_and_index(tmp_path, monkeypatch):
    monkeypatch.setattr(__main__, "FOLDER", tmp_path)
    monkeypatch.setattr(__main__, "NAMES", ("mamba",))
    monkeypatch.setattr(__main__, "load", sheet)
    assert __main__.main([]) == 0
    assert {p.name for p in tmp_path.iterdir()} == {"mamba.md", "mamba.svg", "README.md"}


def test_the_command_says_what_is_wrong(monkeypatch, capsys):
    with pytest.raises(SystemExit) as stopped:
        __main__.main(["bart"])
    assert stopped.value.code == 2
    assert "no derivation 'bart': there are bert, gpt2" in capsys.readouterr().err
    monkeypatch.setattr(__main__, "load", sheet)
    monkeypatch.setattr(pdf.shutil, "which", lambda _: None)
    assert __main__.main(["mamba", "--pdf", "never.pdf"]) == 2
    assert "error: no TeX engine found" in capsys.readouterr().err
    assert not Path("never.pdf").exists()


def test_special_characters_survive_in_latex():
    s = gpt2()
    s.blocks = [Text("100% of *all* in `a_b.c` & $x_1$")]
    assert r"100\% of \emph{all} in \texttt{a\_\allowbreak{}b.\allowbreak{}c} \& $x_1$" in book([s])
