"""A two-column paper made of what symcount writes: macros of two sizes, a comparison of six models, pictures."""

import re
import shutil

import pytest

import symcount as sc
from symcount.typeset import data, latexdoc, pdf
from symcount.typeset.measure import em

needs_tex = pytest.mark.skipif(not any(map(shutil.which, pdf.ENGINES)), reason="needs a TeX engine")
LARGE = {"H": 1024, "I": 4096, "N": 24, "A": 16}
MODELS = ("BertModel", "GPT2Model", "LlamaModel", "MixtralModel", "T5Model", "ViTModel")
PAPER = r"""\documentclass[10pt,twocolumn]{article}
\usepackage[textwidth=6.9in,textheight=9in,columnsep=0.3in]{geometry}
\usepackage{amsmath,array,booktabs,graphicx%s}
%s
\begin{document}
\title{Where the parameters are}\author{}\date{}\maketitle

BERT has \bertBaseTotal{} parameters (\bertBaseAbout), its large form \bertLargeTotal{} (\bertLargeAbout); the attention
takes \bertBaseAttentionShare{} and \bertLargeAttentionShare. Equation~\eqref{eq:bert} holds for both:
%s
The largest part of Mixtral is its experts, as Table~\ref{models} and Figure~\ref{bars} show:
%s
\begin{table*}\centering\small
%s
\caption{Six models.}\label{models}
\end{table*}
\begin{figure}\centering
%s
\caption{Shares of the parameters.}\label{bars}
\end{figure}
\end{document}
"""


def comparison():
    names = ("BERT", "GPT-2", "Llama 7B", "Mixtral 8x7B", "T5", "ViT")
    return sc.compare(*MODELS, names=names)


def paper(picture, packages=""):
    bert = sc.formula("BertModel")
    macros = [bert.typeset("macros", prefix="bertBase"), bert.typeset("macros", prefix="bertLarge", values=LARGE)]
    equation = bert.latex(lhs=r"P_{\mathrm{BERT}}", label="eq:bert", width="3.2in")
    mixture = sc.formula("MixtralForCausalLM").latex(lhs=r"P_{\mathrm{Mixtral}}", label="eq:mixtral", width="3.2in")
    table = latexdoc.tabular(comparison().table(models="rows", short=True), width=em("7.6in"))
    return PAPER % (packages, "\n".join(macros), equation, mixture, table, picture)


def compiled(source, files=None):
    result, log = pdf.compile_document(source, files, runs=2)
    assert result.startswith(b"%PDF")
    assert not re.search(r"^(LaTeX Warning: (Reference|Label)|Overfull)", log, re.MULTILINE), log[-3000:]
    return result


@needs_tex
@pytest.mark.slow
def test_a_paper_compiles_without_an_overfull_line(tmp_path):
    pytest.importorskip("matplotlib")
    picture = tmp_path / "bars.pdf"
    comparison().draw(picture, "3.3x2.6in")
    compiled(paper(r"\includegraphics{bars}"), {"bars.pdf": picture.read_bytes()})


@needs_tex
@pytest.mark.slow
def test_a_picture_of_pgfplots_compiles_in_a_column():
    pytest.importorskip("matplotlib")
    compiled(paper(comparison().bars(r"\columnwidth"), ",pgfplots"))


def test_macros_of_two_sizes_of_one_class_have_names_of_their_own():
    bert = sc.formula("BertModel")
    made = [bert.typeset("macros", prefix=p, values=v) for p, v in (("bertBase", {}), ("bertLarge", LARGE))]
    names = [re.findall(r"\\newcommand\{(\\\w+)\}", text) for text in made]
    assert len(names[0]) > 15
    assert not set(names[0]) & set(names[1])
    assert rf"\newcommand{{\bertLargeTotal}}{{{sc.count('BertModel', **LARGE):,}}}".replace(",", "{,}") in made[1]
    assert r"\newcommand{\bertLargeAbout}{335.1M}" in made[1]


def test_a_comparison_of_six_models_has_one_row_each():
    table = comparison().table(models="rows", short=True)
    assert [row[0] for row in table.rows] == list(comparison().names)
    assert [row[1].value for row in table.rows] == [sc.count(name) for name in MODELS]
    lines = data.rows(table).splitlines()
    assert lines[0].startswith("Model,Parameters,about,embeddings")
    for line in lines[1:]:
        shares = [float(x) for x in line.split(",")[3:] if x]
        assert abs(sum(shares) - 100) < 0.001


def test_pictures_embed_truetype_fonts(tmp_path):
    pytest.importorskip("matplotlib")
    comparison().draw(tmp_path / "bars.pdf", "3.3x2.6in")
    content = (tmp_path / "bars.pdf").read_bytes()
    assert b"/Subtype /Type3" not in content
    assert b"/MediaBox [ 0 0 237.6 187.2 ]" in content  # 3.3 and 2.6 inches of 72 points
