"""The page to play with gives what Python gives: in a browser, and by Node, which knows no page."""

import json
import random
import re
import shutil
import subprocess
from fractions import Fraction

import pytest

import symcount as sc
from symcount.atlas.formula import find
from symcount.core.ledger import CONVENTIONS
from symcount.errors import DomainError
from symcount.typeset.colours import PALETTE, colours

# a mixture of experts, stages, ratios with floors, remainders and powers
CLASSES = ["BertForMaskedLM", "MixtralForCausalLM", "DonutSwinModel", "GroupViTModel", "DepthProModel"]
POINTS = 50


def formula(name):
    return find(name, {}) if name not in ("BertForMaskedLM", "MixtralForCausalLM") else sc.formula(name)


def points(shown):
    """Texts by letter, as a person types them: sizes beside the published ones, huge ones, wrong ones."""
    drawn = random.Random(shown.name)
    base = dict(shown.setting().values)
    for number in range(POINTS):
        at = {}
        for letter, value in base.items():
            ratio = shown.notation[letter].rational
            kind = drawn.random()
            if ratio:
                at[letter] = Fraction(value) * Fraction(drawn.choice([10, 10, 10, 11, 15, 20, 7]), 10)
            elif number % 5 == 0 or kind < 0.5:
                at[letter] = value
            elif kind < 0.8:
                at[letter] = value * drawn.randint(1, 3)
            elif kind < 0.9 and letter != "num_fov_head_layers":
                at[letter] = value * drawn.choice([2**20, 10**12])
            else:
                at[letter] = drawn.randint(0, 50)
        yield at


def typed(number):
    number = Fraction(number)
    return f"{number.numerator:,}" if number.denominator == 1 else f"{number.numerator}/{number.denominator}"


def expected(shown, at):
    """What the page must say: the total, the conventions and the parts; or the words of the error."""
    try:
        total = shown.count(**at)
        values = shown.values(at)
        setting = shown.setting(values=at)
        parts = [setting.at(s.repeat * p.body.value()) for s in setting.sections for p in s.pieces]
        assert sum(parts) == total
        return {
            "total": f"{total:,}",
            "conventions": [f"{shown.count(**values, convention=c):,}" for c in CONVENTIONS],
            "parts": [f"{part:,}" for part in parts],
        }
    except DomainError as error:
        return {"message": str(error)}


def agree(found, wanted):
    """A division that does not come out is said in other words: there the numbers are of integers only."""
    if "message" in wanted and re.search("is not an integer|floating-point", wanted["message"]):
        return re.search("is not an integer|floating-point", found.get("message", "")) is not None
    return found == wanted


@pytest.fixture(scope="module")
def cases():
    found = {}
    for name in CLASSES:
        shown = formula(name)
        found[name] = (shown.typeset("html"), [(at, expected(shown, at)) for at in points(shown)])
    return found


def test_the_points_are_of_every_kind(cases):
    answers = [answer for _, own in cases.values() for _, answer in own]
    totals = [int(a["total"].replace(",", "")) for a in answers if "total" in a]
    assert len(totals) > 60
    assert sum(t > 2**53 for t in totals) > 20
    assert sum("required, but" in a.get("message", "") for a in answers) > 20
    assert sum("expected an integer of at least 1" in a.get("message", "") for a in answers) > 5


def script_of(page):
    [script] = re.findall(r"<script>\n(.*)</script>", page, re.DOTALL)
    return script


def test_its_script_gives_what_python_gives(cases, tmp_path):
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs Node")
    for name, (page, own) in cases.items():
        asked = [{letter: typed(v) for letter, v in at.items()} for at, _ in own]
        letters = "Object.fromEntries(model.letters.map((e) => [e.letter, '']))"
        show = (
            "const said = (a) => (a.message !== undefined ? { message: a.message } : { total: grouped(a.total), "
            "conventions: a.conventions.map(grouped), parts: a.parts.map(grouped) });"
        )
        lines = [
            script_of(page), show, f"const asked = {json.dumps(asked)};",
            f"console.log(JSON.stringify(asked.map((at) => said(answer({{ ...{letters}, ...at }})))));",
        ]  # fmt: skip
        (tmp_path / "page.js").write_text("\n".join(lines), encoding="utf-8")
        done = subprocess.run([node, "page.js"], cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        wrong = [
            (at, found, wanted)
            for (at, wanted), found in zip(own, json.loads(done.stdout), strict=True)
            if not agree(found, wanted)
        ]
        assert not wrong, name


TWENTY = (
    "BertForMaskedLM T5ForConditionalGeneration DeepseekV3ForCausalLM CLIPModel Gemma3ForConditionalGeneration "
    "Qwen3NextForCausalLM GptOssForCausalLM Llama4ForCausalLM Glm4MoeForCausalLM DeepseekV32ForCausalLM "
    "FalconH1ForCausalLM NemotronHForCausalLM SwinModel ConvNextModel Wav2Vec2ForCTC SamModel PerceiverModel "
    "EncodecModel DebertaV2ForMaskedLM Blip2ForConditionalGeneration"
).split()


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=pytest.mark.slow) if i % 5 else n for i, n in enumerate(TWENTY)]
)
def test_pages_of_many_models_start_with_the_published_count(name, tmp_path):
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs Node")
    page = sc.formula(name).typeset("html")
    given = dict(re.findall(r'<input id="at-(\w+)" value="([^"]*)"', page))
    lines = [script_of(page), f"console.log(answer({json.dumps(given)}).total.toString());"]
    (tmp_path / "page.js").write_text("\n".join(lines), encoding="utf-8")
    done = subprocess.run([node, "page.js"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) == sc.count(name)


_DRIVER = """
<script>
const asked = %s;
const text = (id) => document.getElementById(id).textContent;
const said = asked.map((at) => {
  for (const [letter, value] of Object.entries(at)) {
    const input = document.getElementById(`at-${letter}`);
    input.value = value;
    input.dispatchEvent(new Event("input", { bubbles: true }));
  }
  if (text("message") !== "") return { message: text("message") };
  return {
    total: text("total"),
    conventions: model.conventions.map((_, i) => text(`convention-${i}`)),
    parts: model.parts.map((_, i) => text(`part-${i}`)),
  };
});
document.getElementById("reset").click();
const wide = document.documentElement.scrollWidth - document.documentElement.clientWidth;
const result = document.createElement("pre");
result.id = "result";
result.textContent = JSON.stringify({
  said, wide, again: text("total"), wrong: document.querySelectorAll("[aria-invalid=true]").length,
});
document.body.append(result);
</script>
"""


@pytest.mark.parametrize("size", ["1280,900", "500,900"])
def test_a_browser_shows_what_python_gives(cases, tmp_path, size):
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("needs Chromium (Debian: chromium)")
    names = CLASSES if size.startswith("1280") else CLASSES[:1]
    for name in names:
        page, own = cases[name]
        asked = [{letter: typed(v) for letter, v in at.items()} for at, _ in own]
        file = tmp_path / f"{name}.html"
        file.write_text(page.replace("</body>", f"{_DRIVER % json.dumps(asked)}</body>"), encoding="utf-8")
        command = [
            browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            f"--user-data-dir={tmp_path / 'profile'}", f"--window-size={size}", "--dump-dom", file.as_uri(),
        ]  # fmt: skip
        done = subprocess.run(command, capture_output=True, check=False, timeout=120)
        dom = done.stdout.decode("utf-8")
        [result] = re.findall(r'<pre id="result">(.*?)</pre>', dom, re.DOTALL)
        shown = json.loads(result.replace("&amp;", "&").replace("&lt;", "<").replace("&gt;", ">"))
        assert not [(f, w) for (_, w), f in zip(own, shown["said"], strict=True) if not agree(f, w)], name
        assert shown["again"] == f"{sc.count(name):,}" if name == "BertForMaskedLM" else shown["again"] != "–"
        assert shown["wide"] == 0  # nothing reaches beyond the window
        assert shown["wrong"] == 0


def test_its_words_for_what_no_number_is(tmp_path):
    node = shutil.which("node")
    if node is None:
        pytest.skip("needs Node")
    page = sc.formula("gpt2").typeset("html")
    bad = [{"H": "abc"}, {"H": "7.5"}, {"H": "-3"}, {"H": ""}, {"A": ""}, {"H": "1_000", "A": "8"}]
    lines = [
        script_of(page), f"const bad = {json.dumps(bad)};",
        'const base = { V: "50257", L: "1024", H: "768", N: "12", A: "12" };',
        "console.log(JSON.stringify(bad.map((at) => { const a = answer({ ...base, ...at });",
        "return a.message ?? a.total.toString(); })));",
    ]  # fmt: skip
    (tmp_path / "page.js").write_text("\n".join(lines), encoding="utf-8")
    done = subprocess.run([node, "page.js"], cwd=tmp_path, capture_output=True, text=True, check=True)
    at_least = "H (n_embd): expected an integer of at least 1, got"
    assert json.loads(done.stdout) == [
        f"{at_least} 'abc'; write it like 30000, 30_000 or 30,000",
        f"{at_least} '7.5'; write it like 30000, 30_000 or 30,000",
        f"{at_least} -3",
        "no value for H (n_embd)",
        "124439808",
        str(sc.count("gpt2", H=1000, A=8)),
    ]


def test_the_formula_is_generated_from_the_same_expressions():
    """By exact words, for where there is no Node."""
    page = sc.formula("gpt2").typeset("html")
    assert (
        'total: { letters: ["H", "L", "N", "V"], of: (x) => x.H * (2n + x.L + x.V + x.N * (13n + 12n * x.H)) },' in page
    )
    assert '{ text: "A divides H", letters: ["A", "H"], holds: (x) => divides(x.A, x.H) },' in page
    assert '<input id="at-H" value="768" inputmode="numeric"' in page
    assert "VH + LH + N(12H^2 + 13H) + 2H</textarea>" in page


def test_a_page_of_a_formula_without_sizes():
    from symcount.core.notation import entry
    from symcount.layers import Linear

    notation = sc.Notation((entry("H"), entry("I")))
    page = sc.Formula(Linear(entry("H").symbol, entry("I").symbol), notation).typeset("html")
    assert '<input id="at-H" value="" inputmode="numeric"' in page


def test_each_kind_of_part_has_a_colour_of_its_own():
    assert len(set(PALETTE.values())) == len(PALETTE) == 8
    many = ["a", "head", "b", "attention", "c"]
    assert len(set(colours(many))) == 5
    assert colours(["attention"])[0] == colours(many)[3]
