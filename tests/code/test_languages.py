"""Programs in every language, run: each gives what `Formula.count` gives, or refuses what it refuses."""

import ctypes
import json
import random
import shutil
import subprocess
import sys
from fractions import Fraction

import pytest
from sympy import Function, Mod, Mul, Rational, Symbol, denom, floor, numer
from sympy.parsing.mathematica import parse_mathematica

import symcount as sc
from reading import read_as
from symcount.atlas.formula import find
from symcount.atlas.store import atlas
from symcount.code.javascript import JAVASCRIPT
from symcount.code.languages import LANGUAGES
from symcount.code.python import PYTHON
from symcount.errors import DomainError, NotationError, SymcountError
from symcount.exact.evaluate import Round
from symcount.layers import Linear

COMPOSED = [
    "BertForMaskedLM",
    "GPT2LMHeadModel",
    "LlamaForCausalLM",
    "MixtralForCausalLM",
    "MambaModel",
    "T5Model",
    "ViTModel",
]
# what has floors, ratios, roundings, greatest and least of sizes, remainders and powers of two
STORED = [
    "ASTForAudioClassification", "AlignVisionModel", "DepthProModel", "DonutSwinModel", "EfficientNetModel",
    "GlmMoeDsaModel", "GroupViTModel", "Kosmos2ForConditionalGeneration", "MobileNetV2Model", "ResNetModel",
]  # fmt: skip
CLASSES = [*COMPOSED, *STORED]
POINTS = 12
HEADS = {
    "Numerator": numer,
    "Denominator": denom,
    "Floor": floor,
    "Round": Round,
    "Mod": Mod,
}  # what SymPy leaves as is


def formula(name):
    return sc.formula(name) if name in COMPOSED else find(name, {})


def points(shown, seed=0):
    """Values by letter: the published ones, ones beside them, ones beyond 2^53 and 2^63, ones outside the domain."""
    drawn = random.Random(f"{shown.name} {seed}")
    base = {e.letter: shown.defaults.get(e.letter, 4) for e in shown.notation}
    base = {k: v if isinstance(v, int) else Fraction(str(v)) for k, v in base.items()}
    yield base
    for number in range(POINTS):
        at = dict(base)
        for letter, value in base.items():
            if isinstance(value, Fraction) or shown.notation[letter].rational:
                at[letter] = value * Fraction(drawn.choice([10, 10, 11, 15, 20, 7]), 10)
            elif number % 4 == 0:
                at[letter] = value * drawn.randint(1, 3)
            elif number % 4 == 1:
                at[letter] = drawn.randint(0, 100) if drawn.random() < 0.3 else value
            elif number % 4 == 2 and drawn.random() < 0.5 and letter != "num_fov_head_layers":
                at[letter] = value * drawn.choice([1, 2**20, 10**9])
        yield at


def expected(shown, at):
    try:
        return shown.count(**at)
    except DomainError:
        return None


def arguments(shown, source_letters, at):
    """The values in the order of the arguments."""
    return [at[letter] for letter in source_letters]


def letters(shown):
    needed = {s.name for s in shown.total.free_symbols}
    others = {s.name for c in shown.domain for s in c.symbols} - needed
    order = [e.letter for e in shown.notation]
    return [*[n for n in order if n in needed], *[n for n in order if n in others]]


@pytest.fixture(scope="module")
def cases():
    found = {}
    for name in CLASSES:
        shown = formula(name)
        found[name] = (shown, letters(shown), [(at, expected(shown, at)) for at in points(shown)])
    return found


def test_the_points_are_of_every_kind(cases):
    answers = [answer for _, _, own in cases.values() for _, answer in own]
    assert sum(a is None for a in answers) > 10
    assert sum(a is not None and a > 2**53 for a in answers) > 10
    assert sum(a is not None and a > 2**63 for a in answers) > 10
    assert sum(a is not None and a < 2**53 for a in answers) > 50


@pytest.mark.parametrize("name", CLASSES)
def test_python_gives_the_count(name, cases):
    shown, order, own = cases[name]
    scope = {}
    exec(compile(shown.code("python"), name, "exec"), scope)
    for at, answer in own:
        given = [at[letter] for letter in order]
        if answer is None:
            with pytest.raises((ValueError, ZeroDivisionError)):
                scope["parameters"](*given)
        else:
            found = scope["parameters"](*given)
            assert found == answer
            assert type(found) is int


@pytest.mark.slow
def test_every_class_of_the_atlas_has_a_program_in_every_language():
    checked = 0
    for name in atlas().names:
        try:
            shown = find(name, {})
        except SymcountError:
            continue
        if shown is None:
            continue
        for language in LANGUAGES:
            assert shown.code(language)
        scope = {}
        exec(compile(shown.code("python"), name, "exec"), scope)
        at = shown.values(dict(shown.defaults))
        found = scope["parameters"](*[at.get(letter) for letter in letters(shown)])
        assert found == shown.count(**at), name
        checked += 1
    assert checked > 1400


def flat(shown, order, at):
    """Arguments of languages in which a ratio is two integers."""
    found = []
    for letter in order:
        value = Fraction(at[letter])
        found += [value.numerator, value.denominator] if shown.notation[letter].rational else [value.numerator]
    return found


def test_javascript_gives_the_count(cases, tmp_path):
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs Node")
    asked, answers, lines = [], [], []
    for position, (name, (shown, order, own)) in enumerate(cases.items()):
        (tmp_path / f"{name}.mjs").write_text(shown.code("javascript", name=f"f{position}"), encoding="utf-8")
        lines.append(f'import {{ f{position} }} from "./{name}.mjs";')
        for at, answer in own:
            asked.append([position, [str(v) for v in flat(shown, order, at)]])
            answers.append(None if answer is None else str(answer))
    functions = ", ".join(f"f{i}" for i in range(len(cases)))
    lines += [
        f"const functions = [{functions}];",
        f"const asked = {json.dumps(asked)};",
        "console.log(JSON.stringify(asked.map(([f, given]) => {",
        "  try { return functions[f](...given).toString(); }",
        "  catch (error) { if (error instanceof RangeError) return null; throw error; }",
        "})));",
    ]
    (tmp_path / "all.mjs").write_text("\n".join(lines), encoding="utf-8")
    done = subprocess.run([node, "all.mjs"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    wrong = [
        (CLASSES[p], given, found, answer)
        for (p, given), found, answer in zip(asked, json.loads(done.stdout), answers, strict=True)
        if found != answer
    ]
    assert not wrong


def test_c_gives_the_count_where_64_bits_hold_it(cases, tmp_path):
    compiler = shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        pytest.skip("needs a C compiler")
    sources = []
    for position, (name, (shown, _, _)) in enumerate(cases.items()):
        sources.append(tmp_path / f"{name}.c")
        sources[-1].write_text(shown.code("c", name=f"f{position}"), encoding="utf-8")
    library = tmp_path / "all.so"
    command = [compiler, "-std=c11", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o", str(library)]
    done = subprocess.run([*command, *map(str, sources), "-lm"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    loaded = ctypes.CDLL(str(library))
    refused = 0
    for position, (shown, order, own) in enumerate(cases.values()):
        function = loaded[f"f{position}"]
        function.restype = ctypes.c_int64
        for at, answer in own:
            given = flat(shown, order, at)
            if max(given) >= 2**63:
                continue
            found = function(*map(ctypes.c_int64, given))
            if answer is None or answer >= 2**63:
                assert found == -1, (shown.name, at)
            elif found == -1:
                refused += 1  # a step on the way does not fit
                assert answer > 2**40, (shown.name, at)
            else:
                assert found == answer, (shown.name, at)
    assert refused < 10


@pytest.mark.parametrize(
    "name",
    [
        "BertForMaskedLM",
        "MixtralForCausalLM",
        "GroupViTModel",
        "ASTForAudioClassification",
        "Kosmos2ForConditionalGeneration",
    ],
)
def test_mathematica_says_the_count(name, cases):
    """SymPy reads Mathematica by a parser of its own."""
    shown, _, own = cases[name]
    text = shown.code("mathematica")
    head, body = text[text.index("parameters[") :].split(":=")
    names = [
        part.split("_")[0].split(":")[0].strip() for part in head[head.index("[") + 1 : head.index("]")].split(",")
    ]
    read = parse_mathematica(" ".join(body.split()))
    for at, answer in own[:8]:
        if answer is not None:
            values = {Symbol(n): Rational(str(at[letter])) for n, letter in zip(names, letters(shown), strict=True)}
            found = read.xreplace(values)
            for there, here in HEADS.items():
                found = found.replace(Function(there), here)
            assert found == answer


@pytest.mark.parametrize("name", ["BertForMaskedLM", "GPT2LMHeadModel", "ViTModel"])
def test_latex_says_the_total(name):
    shown = sc.formula(name)
    assert read_as(shown.code("latex").partition(" = ")[2], shown.notation) == shown.expanded()


def test_other_conventions_and_names():
    shown = sc.formula("MixtralForCausalLM")
    scope = {}
    exec(shown.code(convention="active", name="active"), scope)
    code = shown.code(convention="active", name="active")
    order = code[code.index("active(") + 7 : code.index("):")].replace("=None", "").split(", ")
    sizes = shown.values(shown.defaults, "active")
    assert scope["active"](*[sizes[letter] for letter in order]) == shown.count(**sizes, convention="active")


def test_words_of_a_language_are_no_letters():
    from symcount.core.notation import Entry

    names = ["lambda", "value", "int", "integer", "parameters"]
    entries = [Entry(n, n, rf"\mathrm{{{n}}}", n) for n in names]
    first, *others = (e.symbol for e in entries)
    shown = sc.Formula(Linear(first, Mul(*others), bias=False), sc.Notation(tuple(entries)))
    scope = {}
    exec(shown.code("python"), scope)
    assert scope["parameters"](1, 2, 3, 4, 5) == 120
    assert "function parameters(lambda, value, int, integer_, parameters_)" in shown.code("javascript")
    assert (
        "parameters(int64_t lambda, int64_t value, int64_t int_, int64_t integer, int64_t parameters_)"
        in shown.code("c")
    )


def test_values_that_are_not_integers_are_refused():
    scope = {}
    exec(sc.formula("gpt2").code(), scope)
    for bad in (768.0, True, "768", 0):
        with pytest.raises(ValueError, match="expected an integer of at least 1"):
            scope["parameters"](50257, 1024, bad, 12)
    with pytest.raises(ValueError, match="outside the formula's domain: A divides H is required"):
        scope["parameters"](50257, 1024, 768, 12, 5)


def test_the_words_of_errors():
    shown = sc.formula("gpt2")
    with pytest.raises(
        NotationError, match=r"language 'javascrip': expected one of python, c, javascript, mathematica, latex. Did you"
    ):
        shown.code("javascrip")
    with pytest.raises(NotationError, match="function name 'a b': expected an identifier such as parameters"):
        shown.code("c", name="a b")
    with pytest.raises(SymcountError, match="convention"):
        shown.code(convention="all")


def test_signs_and_powers_bind_as_each_language_says():
    from symcount.code.integers import Operation

    square = Operation("power", ("H", 2))
    less = Operation("negate", (square,))
    floor = Operation("negate", (Operation("floor", ("H", "A")),))
    assert PYTHON.expression(Operation("add", (less, floor))) == "-H**2 - H // A"
    assert PYTHON.expression(floor) == "-(H // A)"
    assert JAVASCRIPT.expression(Operation("add", (less, -3))) == "-(H ** 2n) - 3n"  # -H ** 2n is an error of syntax


def test_a_program_starts_by_itself():
    """As a user would run it: in a process that knows nothing of symcount."""
    source = sc.formula("gpt2").code() + "\nprint(parameters(50257, 1024, 768, 12))\n"
    done = subprocess.run([sys.executable, "-I", "-S", "-c", source], capture_output=True, text=True, check=True)
    assert done.stdout == "124439808\n"


def test_there_is_a_test_for_every_language():
    assert set(LANGUAGES) == {"python", "c", "javascript", "mathematica"}


def test_a_name_cannot_leave_its_comment():
    hostile = 'x\nimport os\u2028 */ int y; (* *) """ \\'
    shown = sc.formula("gpt2").renamed(hostile)
    scope = {}
    exec(shown.code("python"), scope)
    assert "os" not in scope
    assert scope["parameters"](50257, 1024, 768, 12) == sc.count("gpt2")
    plain = sc.formula("gpt2")
    for language in LANGUAGES:
        assert len(shown.code(language).splitlines()) == len(plain.code(language).splitlines())
        assert shown.code(language).count("*/") == plain.code(language).count("*/")
