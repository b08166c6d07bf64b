"""Targets: documents that compile, Markdown that renders, HTML that is well formed, text, macros, PDF."""

import json
import os
import re
import shutil
import subprocess
from xml.etree import ElementTree as ET

import pytest

import symcount as sc
from symcount.architectures import names
from symcount.errors import DependencyError, NotationError, TypesettingError
from symcount.typeset import pdf
from symcount.typeset.mathml import mathml
from symcount.typeset.measure import measure
from symcount.typeset.styles import STYLES
from symcount.typeset.text import text

BERT = "BertForMaskedLM"
CORE = (BERT, "GPT2LMHeadModel", "LlamaForCausalLM")
DERIVED = ("DeepseekV3ForCausalLM", "WhisperForConditionalGeneration", "MambaForCausalLM", "SwinModel", "CLIPModel")
needs_tex = pytest.mark.skipif(not any(map(shutil.which, pdf.ENGINES)), reason="needs a TeX engine")
FRAGMENTS = r"""\documentclass{article}
\usepackage[textwidth=3.3in,textheight=9.5in]{geometry}
\usepackage{amsmath,array,booktabs,siunitx}
\allowdisplaybreaks
\begin{document}
%s
\end{document}
"""


def compiled(source):
    result, log = pdf.compile_document(source)
    assert result.startswith(b"%PDF")
    return log


def overfull(log, most=1.0):
    widths = re.findall(r"^Overfull \\hbox \(([\d.]+)pt", log, re.MULTILINE)
    return [w for w in map(float, widths) if w > most]


def fragments(formula, styles, **look):
    """The styles one after the other, as a paper would have them."""
    parts = []
    for style in styles:
        latex = formula.latex(style, **look)
        parts.append(latex if "align*" in latex or "tabular" in latex else f"\\[\n{latex}\n\\]")
    return FRAGMENTS % "\n\n".join(parts)


@needs_tex
@pytest.mark.slow
@pytest.mark.parametrize("name", names())
def test_every_style_of_every_composed_model_compiles(name):
    f = sc.formula(name)
    compiled(fragments(f, STYLES))
    values = {next(e.letter for e in f.notation if e.letter.startswith("H")): 960}
    compiled(fragments(f, STYLES, numbers="siunitx", notation="fields", values=values))
    assert (
        overfull(compiled(fragments(f, ("grouped", "expanded", "annotated", "steps", "leading"), width="3.3in"))) == []
    )


@needs_tex
@pytest.mark.slow
@pytest.mark.parametrize("name", DERIVED)
def test_every_style_of_derived_models_compiles_within_a_column(name):
    pytest.importorskip("transformers")
    f = sc.derive(name)
    compiled(fragments(f, STYLES, notation="kaplan"))
    assert overfull(compiled(fragments(f, ("grouped", "steps", "leading"), width="3.3in"))) == []


@needs_tex
@pytest.mark.parametrize("style", STYLES)
def test_documents_compile(style):
    log = compiled(sc.formula("LlamaForCausalLM").typeset("tex", style))
    assert overfull(log) == []


@needs_tex
def test_an_overfull_line_would_be_seen():
    f = sc.formula(BERT)
    assert overfull(compiled(FRAGMENTS % f"\\[\n{f.latex()} + {f.latex()}\n\\]"))


@needs_tex
def test_macros_compile_and_say_the_numbers():
    f = sc.formula(BERT)
    macros = f.typeset("macros", values={"V": 30_000})
    assert r"\newcommand{\bertTotal}{109{,}112{,}880}" in macros
    assert r"\newcommand{\bertPerLayer}{132{,}152{,}880}" in macros
    names_of = re.findall(r"newcommand\{\\([A-Za-z]+)\}", macros)
    assert len(set(names_of)) == len(names_of) > 20
    use = " ".join(rf"\{name}, $\{name}$" for name in names_of)
    compiled(FRAGMENTS % f"{macros}\n{use}")


def test_macros_are_of_formulas():
    with pytest.raises(NotationError, match="style 'table' is not one formula; for macros use grouped"):
        sc.formula("bert").typeset("macros", "table")


def test_no_tex_engine_is_said(monkeypatch):
    monkeypatch.setattr(pdf.shutil, "which", lambda _: None)
    with pytest.raises(DependencyError, match=r"no TeX engine found \(pdflatex.*--to tex"):
        pdf.compile_document("")


@needs_tex
def test_what_tex_refuses_is_said():
    with pytest.raises(TypesettingError, match="refused the document: ! Undefined control sequence"):
        pdf.compile_document(FRAGMENTS % r"\nonsense")


@needs_tex
def test_tex_reads_no_file_outside_and_starts_no_program(tmp_path):
    secret = tmp_path / "secret.tex"
    secret.write_text("hidden")
    with pytest.raises(TypesettingError):
        pdf.compile_document(FRAGMENTS % rf"\input{{../{secret.parent.name}/{secret.name}}}")
    ran = tmp_path / "ran"
    pdf.compile_document(FRAGMENTS % rf"\immediate\write18{{touch {ran}}} text")
    assert not ran.exists()


RENDER = """
const katex = require('katex');
const forms = JSON.parse(require('fs').readFileSync(0, 'utf8'));
for (const [tex, displayMode] of forms) katex.renderToString(tex, {displayMode, throwOnError: true, strict: 'error'});
console.log(forms.length);
"""


def has_katex():
    node = shutil.which("node")
    return node and not subprocess.run([node, "-e", "require('katex')"], capture_output=True, check=False).returncode


def formulas_of(markdown):
    blocks = re.findall(r"^```math\n(.*?)\n```$", markdown, re.MULTILINE | re.DOTALL)
    return [[b, True] for b in blocks] + [[f, False] for f in re.findall(r"\$`([^`\n]*)`\$", markdown)]


@pytest.mark.skipif(not has_katex(), reason="needs node with katex (set NODE_PATH)")
def test_markdown_renders():
    forms = []
    for name in CORE:
        for style in STYLES:
            forms += formulas_of(sc.formula(name).typeset("markdown", style, width="3.3in", notation="kaplan"))
    done = subprocess.run(
        ["node", "-e", RENDER], input=json.dumps(forms), text=True, capture_output=True, check=False, env=os.environ
    )
    assert done.stdout.strip() == str(len(forms)), done.stderr[-500:]


def test_markdown_is_whole():
    md = sc.formula(BERT).typeset("markdown", "steps")
    assert md.startswith("### Parameters of BertForMaskedLM\n\n```math\n\\begin{align*}\n")
    assert "Valid where $`A \\mid H`$." in md
    assert "| $`H`$ | hidden size | hidden\\_size | 768 |" in md
    table = sc.formula("LlamaForCausalLM").typeset("markdown", "table", notation="fields")
    assert {line.count(" | ") for line in table.splitlines() if line.startswith("| ")} == {4, 3}


def test_markdown_has_no_siunitx():
    with pytest.raises(NotationError, match="Markdown has no siunitx; use comma or thin"):
        sc.formula("bert").typeset("markdown", numbers="siunitx")


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", CORE)
def test_html_is_well_formed_and_needs_no_network(name, style):
    page = sc.formula(name).typeset("html", style, notation="kaplan", numbers="thin")
    body = re.sub(r"<!DOCTYPE html>|<meta[^>]*>|<script>.*</script>", "", page, flags=re.DOTALL).replace(
        "class=right", 'class="right"'
    )
    ET.fromstring(body.replace("class=inner", 'class="inner"'))
    assert not re.search(r"(src|href)=|url\(|@import|fetch\(|XMLHttpRequest|import\(|WebSocket|<script[^>]", page)
    assert "default-src 'none'" in page
    assert re.findall(r"https?://[^\"']+", page) == ["http://www.w3.org/1998/Math/MathML"] * page.count("<math ")


def test_html_escapes_names():
    f = sc.formula("bert").renamed("<b>A & B</b>")
    page = f.typeset("html")
    assert "<h1>Parameters of &lt;b&gt;A &amp; B&lt;/b&gt;</h1>" in page
    assert r"Parameters of <b>A \& B</b>" in f.typeset("tex")


def test_a_notebook_shows_the_formula():
    f = sc.formula("gpt2")
    assert f._repr_latex_() == r"$\displaystyle VH + LH + N(12H^2 + 13H) + 2H$"
    assert f._repr_html_().startswith("<p><b>GPT2Model</b> (gpt2), convention unique</p>\n<div class=")


@pytest.mark.parametrize(
    ("latex", "inside"),
    [
        (r"\frac{H^2}{A}", "<mfrac><msup><mi>H</mi><mn>2</mn></msup><mi>A</mi></mfrac>"),
        (r"d_{\mathrm{model}}^2", "<msubsup><mi>d</mi><mtext>model</mtext><mn>2</mn></msubsup>"),
        (r"30{,}000", "<mn>30,000</mn>"),
        (r"\ell \leq \alpha", "<mi>ℓ</mi><mo stretchy='false'>≤</mo><mi>α</mi>"),
        (r"a < b", "<mi>a</mi><mo stretchy='false'>&lt;</mo><mi>b</mi>"),
    ],
)
def test_mathml(latex, inside):
    assert inside in mathml(latex)


@pytest.mark.parametrize(
    ("latex", "words"),
    [
        (r"\nonsense H", r"\\nonsense cannot be shown as MathML"),
        ("H_a_b", "double subscript; use braces"),
        ("H^", r"expected an argument, found the end"),
        ("{H", "expected }, found the end"),
        ("^2", r"\^ has nothing before it"),
        (r"\left(H", r"expected \\right, found the end"),
    ],
)
def test_latex_that_cannot_be_read(latex, words):
    with pytest.raises(NotationError, match=words):
        mathml(latex)


@pytest.mark.parametrize(
    ("latex", "unicode", "plain"),
    [
        ("VH + N(12H^2 + 13H)", "VH + N(12H² + 13H)", "V*H + N*(12*H^2 + 13*H)"),
        (r"2d_{\mathrm{model}}d_{\mathrm{ff}}", "2d_model·d_ff", "2*d_model*d_ff"),
        (r"\frac{H + 1}{2A}", "(H + 1)/(2A)", "(H + 1)/(2*A)"),
        (r"\left\lfloor \frac{H}{A} \right\rfloor", "⌊H/A⌋", "floor(H/A)"),
        (r"\left(-N + 1\right)", "(-N + 1)", "(-N + 1)"),
        (r"3 \cdot 2^N", "3·2^N", "3*2^N"),
        (r"\ell \mid H", "ℓ ∣ H", r"\ell | H"),
    ],
)
def test_text(latex, unicode, plain):
    assert text(latex) == unicode
    assert text(latex, ascii_only=True) == plain


@pytest.mark.parametrize("name", CORE)
def test_the_text_target_is_the_terminals_formula(name):
    from symcount.typeset.plain import formula_plain

    f = sc.formula(name)
    for convention in sc.CONVENTIONS:
        assert f.typeset("text", convention=convention) == formula_plain(f.tree, f.ledger, convention)
        assert f.typeset("ascii", convention=convention) == formula_plain(f.tree, f.ledger, convention, ascii_only=True)


def test_no_such_target():
    with pytest.raises(NotationError, match=r"target 'htm': expected one of latex, tex.*Did you mean html"):
        sc.formula("bert").typeset("htm")


@needs_tex
def test_widths_are_those_of_tex():
    samples = [
        "VH + LH",
        r"12N(4H^2 + 2HI)",
        r"d_{\mathrm{qk\,rope\,head\,dim}}",
        r"768 \cdot 3{,}072",
        r"\frac{H}{A} + 1",
    ]
    measured = "\n".join(rf"\setbox0\hbox{{${s}$}}\typeout{{width \the\wd0}}" for s in samples)
    _, log = pdf.compile_document(FRAGMENTS % f"{measured} text")
    for sample, width in zip(samples, re.findall(r"^width ([\d.]+)pt$", log, re.MULTILINE), strict=True):
        assert 0.95 * float(width) <= 10 * measure(sample) <= 1.25 * float(width), sample


def test_documents_say_what_is_kept_at_one_value():
    pytest.importorskip("transformers")
    f = sc.derive("ConvNextModel")
    setting = f.setting()
    if f.pinned:
        name, value = next(iter(f.pinned.items()))
        assert f"= \\text{{{value}}}" in setting.conditions[-1]
        assert name.rpartition(".")[2][:3] in setting.conditions[-1]
    assert len(setting.conditions) == len(f.domain) + len(f.pinned)


GPT2_SAYS = (
    "% Parameters of GPT2Model (gpt2): convention unique; n_inner not given; tie_word_embeddings = true; "
    f"add_cross_attention = false; symcount {sc.__version__}"
)
AFMOE_SAYS = (
    "// Parameters of AfmoeForCausalLM (afmoe): convention unique; attention_bias = false; "
    f"tie_word_embeddings = false; symcount {sc.__version__}; transformers {sc.formula('AfmoeForCausalLM').release}"
)
GPT2_AT = "% P = 124,439,808 at V = 50257, L = 1024, H = 768, N = 12, A = 12"


@pytest.mark.parametrize(
    ("model", "file", "lines"),
    [("gpt2", "f.tex", [GPT2_SAYS, "% Valid where A | H", GPT2_AT]), ("AfmoeForCausalLM", "f.typ", [AFMOE_SAYS])],
)
def test_a_fragment_in_a_file_says_what_it_is_of(call, tmp_path, model, file, lines):
    code, out, _ = call("latex", model, "--output", str(tmp_path / file))
    written = (tmp_path / file).read_text(encoding="utf-8").splitlines()
    assert (code, out) == (0, "")
    assert written[: len(lines)] == lines
    assert written[-1] == call("latex", model, "--to", "typst" if file.endswith("typ") else "latex")[1].splitlines()[-1]


@pytest.mark.parametrize(
    ("arguments", "heading", "closed"),
    [
        (["solve", "gpt2", "-b", "110M", "--free", "H=64..:64"], " d_model ", r"d_{\mathrm{model}} = \frac"),
        (["ladder", "gpt2", "-b", "50M,100M"], " d_model ", ""),
    ],
)
def test_an_authors_symbols_in_solve_and_ladder(call, tmp_path, arguments, heading, closed):
    (tmp_path / "mine").write_text(
        "H=d_{\\mathrm{model}}\nE=e\n", encoding="utf-8"
    )  # a model without E is none's worse
    code, out, _ = call(*arguments, "--symbols", str(tmp_path / "mine"))
    assert code in (0, 1)
    assert heading in out
    assert closed in out
