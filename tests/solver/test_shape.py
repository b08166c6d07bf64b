"""What comes first where nothing is said: the config that was published, among the first three of its budget."""

from fractions import Fraction

import pytest

import symcount as sc


def gpt(sizes, **more):
    return [({"H": h, "N": n, **more}, {}, {}) for h, n in sizes]


def llama(rows, vocabulary):
    """Width, depth, feed-forward size, heads, key-value heads, tied; the feed-forward size keeps its ratio."""
    return [
        (
            {"V": vocabulary if h < 3584 or vocabulary < 150_000 else 152_064, "H": h, "N": n, "I": i, "A": a, "K": k},
            {"I": f"{i}*H/{h}", "A": f"{a}*H/{h}"},
            {"tie_word_embeddings": tied},
        )
        for h, n, i, a, k, tied in rows
    ]


def t5(rows):
    return [
        ({"H": h, "N": n, "I": i, "A": a, "D": d}, {"I": f"{i}*H/{h}", "A": f"{a}*H/{h}"}, {}) for h, n, i, a, d in rows
    ]


FOUR = {"I": "4*H"}
PYTHIA = [(512, 6), (768, 12), (1024, 24), (2048, 16), (2048, 24), (2560, 32), (4096, 32), (5120, 36)]
OPT = [(768, 12), (2048, 24), (2560, 32), (4096, 32), (5120, 40), (7168, 48), (9216, 64), (12288, 96)]
GPT3 = [(768, 12), (1024, 24), (1536, 24), (2048, 24), (2560, 32), (4096, 32), (5120, 40), (12288, 96)]
VIT = [(192, 12), (384, 12), (768, 12), (1024, 24), (1280, 32)]
QWEN = [
    (896, 24, 4864, 14, 2, True), (1536, 28, 8960, 12, 2, True), (2048, 36, 11008, 16, 2, True),
    (3584, 28, 18944, 28, 4, False), (5120, 48, 13824, 40, 8, False), (5120, 64, 27648, 40, 8, False),
    (8192, 80, 29568, 64, 8, False),
]  # fmt: skip
LLAMA = [
    (2048, 16, 8192, 32, 8, True), (3072, 28, 8192, 24, 8, True), (4096, 32, 14336, 32, 8, False),
    (8192, 80, 28672, 64, 8, False), (16384, 126, 53248, 128, 8, False),
]  # fmt: skip
T5 = [(512, 6, 2048, 8, 64), (768, 12, 3072, 12, 64), (1024, 24, 4096, 16, 64), (1024, 24, 16384, 32, 128),
      (1024, 24, 65536, 128, 128)]  # fmt: skip

PUBLISHED = [
    ("pythia", "GPTNeoXForCausalLM", [(v, FOUR, o) for v, _, o in gpt(PYTHIA, V=50_304)]),
    ("opt", "OPTForCausalLM", [(v, FOUR, o) for v, _, o in gpt(OPT)]),
    ("opt-350m", "OPTForCausalLM", [({"H": 1024, "N": 24, "word_embed_proj_dim": 512}, FOUR, {})]),
    ("gpt3", "GPT2LMHeadModel", gpt(GPT3, L=2048)),
    ("vit", "ViTModel", [(v, FOUR, o) for v, _, o in gpt(VIT, A=1)]),
    ("qwen2.5", "Qwen2ForCausalLM", llama(QWEN, 151_936)),
    ("llama3", "LlamaForCausalLM", llama(LLAMA, 128_256)),
    ("t5", "T5ForConditionalGeneration", t5(T5)),
]
ROWS = [
    (f"{name}-{v['H']}x{v['N']}-{v.get('I', '')}", cls, v, rules, options)
    for name, cls, rows in PUBLISHED
    for v, rules, options in rows
]


def rank_of(cls, values, rules, options, budget, tolerance=None):
    """The place of a config among the solutions of a budget, and how many there are."""
    fixed = {**{n: v for n, v in values.items() if n not in "HN"}, **rules}
    found = sc.solve(
        cls, budget, tolerance=tolerance, free={"H": "64..:64", "N": None}, fixed=fixed, limit=3, **options
    )
    places = [i for i, s in enumerate(found) if (s.values["H"], s.values["N"]) == (values["H"], values["N"])]
    return (places[0] + 1 if places else None), found.number


def total_of(cls, values, rules, options):
    sizes = {n: v for n, v in values.items() if n in "HN"}
    only = sc.solve(
        cls, ">=1", free=sizes,
        fixed={**{n: v for n, v in values.items() if n not in "HN"}, **rules}, **options,
    )  # fmt: skip
    [solution] = only
    return solution.count


def three_digits(number):
    """The number as people write it: `6.74B`."""
    scale = 10 ** (len(str(number)) - 3)
    return round(Fraction(number, scale)) * scale


@pytest.mark.parametrize(("name", "cls", "values", "rules", "options"), ROWS, ids=[r[0] for r in ROWS])
def test_the_published_config_is_among_the_first_three(name, cls, values, rules, options):
    total = total_of(cls, values, rules, options)
    place, number = rank_of(cls, values, rules, options, total)
    assert place is not None, number
    rounded, number = rank_of(cls, values, rules, options, three_digits(total))
    assert rounded is not None, number


def test_totals_are_those_of_the_checkpoints():
    known = {
        "pythia-2048x24-": 1_414_647_808,
        "opt-12288x96-": 174_604_468_224,
        "llama3-16384x126-53248": 405_853_388_800,
        "qwen2.5-3584x28-18944": 7_615_616_512,
        "t5-1024x24-65536": 11_307_321_344,
    }
    found = {r[0]: total_of(*r[1:]) for r in ROWS if r[0] in known}
    assert found == known


def test_a_reading_of_124m():
    found = sc.solve("gpt2", "124M", free="H, N", limit=3)
    assert (768, 12) in [(s.values["H"], s.values["N"]) for s in found]
    assert all(16 <= s.aspect <= 300 for s in found)


def test_the_number_itself_comes_first():
    found = sc.solve("gpt2", 123_794_680, free="H, N", limit=1)
    assert [(s.values["H"], s.values["N"]) for s in found] == [(680, 16)]
