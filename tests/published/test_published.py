"""Config files as they lie beside published checkpoints: every count is that of the real model, or it is refused.

`expected.json` is measured by `measure.py`, which knows nothing of symcount. What a formula cannot say must be refused
by name; the files of which that is so are listed in `REFUSED`, with the words of the error.
"""

from __future__ import annotations

import json
from importlib.util import find_spec

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import symcount as sc
from published.measure import CONFIGS, CONVENTIONS, EXPECTED, entry
from symcount.atlas.store import atlas
from symcount.config.model_types import canonical
from symcount.config.releases import installed
from symcount.errors import SymcountError

TABLE = json.loads(EXPECTED.read_text(encoding="utf-8"))

# files of which transformers itself builds no model here: words of the error, and the package that would change that
UNBUILDABLE = {
    "detr-resnet-50": ("needs timm", "timm"),
    "mask2former-swin-tiny-coco-instance": ("needs scipy", "scipy"),
    "maskformer-swin-tiny-ade": ("needs scipy", "scipy"),
    "jina-embeddings-v2-base-en": ("JinaBertForMaskedLM", None),  # a class of the checkpoint's own code
    "table-transformer-detection": ("needs timm", "timm"),
    "gemma-3n-e2b-it": ("needs timm", "timm"),
    "oneformer_ade20k_swin_tiny": ("needs scipy", "scipy"),
}

# files of other packages, whose models are stored as well: their numbers of parameters
ELSEWHERE = {"resnet50.a1_in1k": 25_557_032}  # of timm

# files of a checkpoint's own code, under a name by which transformers has the class: its number of parameters
OWN_CODE = {
    "mpt-7b": ("MptForCausalLM", 6_649_286_656),  # MPTForCausalLM
    "kimi-k2-instruct": ("DeepseekV3ForCausalLM", 1_026_408_209_408),  # of the model type kimi_k2
}

# files whose model exists, but whose count symcount refuses: words of the error
REFUSED: dict[str, str] = {}

# files that nobody had tried when the code that counts them was written
FRESH = {name for name, line in TABLE.items() if line.get("fresh")}

COUNTED = sorted(TABLE.keys() - REFUSED.keys())


# files that take more than three seconds: their constructors compute tables or visit hundreds of blocks one by one
LONG = {
    "ast-finetuned-audioset-10-10-0.4593",
    "bark-small",
    "blip2-opt-2.7b",
    "dfine-small-coco",
    "dpt-hybrid-midas",
    "efficientnet-b3",
    "focalnet-tiny",
    "grounding-dino-tiny",
    "mimi",
    "mms-tts-eng",
    "rtdetr_r18vd",
    "rtdetr_v2_r18vd",
    "sam-vit-huge",
    "swin-base-patch4-window12-384",
    "swin2sr-classical-sr-x2-64",
    "swinv2-tiny-patch4-window8-256",
    "switch-base-8",
    "videomae-base-finetuned-kinetics",
    "vitmatte-small-composition-1k",
}


def sample(names, step):
    """Every *step*-th of *names* is a test of every run, unless it takes long; the others are slow."""
    return [
        pytest.param(name, marks=pytest.mark.slow) if i % step or name in LONG else name for i, name in enumerate(names)
    ]


def path_of(name):
    return CONFIGS / f"{name}.json"


def test_every_file_is_expected_to_be_something():
    known = TABLE.keys() | UNBUILDABLE.keys() | OWN_CODE.keys() | ELSEWHERE.keys()
    assert {path.stem for path in CONFIGS.glob("*.json")} == known
    assert not TABLE.keys() & UNBUILDABLE.keys()
    assert REFUSED.keys() <= TABLE.keys()


def test_the_set_is_broad():
    types = {json.loads(path_of(name).read_text(encoding="utf-8")).get("model_type") for name in TABLE}
    assert len(TABLE) >= 200
    assert len(types) >= 150


def test_the_fresh_files_are_broad_and_few_of_them_are_refused():
    types = {json.loads(path_of(name).read_text(encoding="utf-8"))["model_type"] for name in FRESH}
    assert len(FRESH) >= 140
    assert len(types) >= 100
    assert len(FRESH & REFUSED.keys()) * 20 <= len(FRESH)


def test_published_totals_agree_or_the_difference_is_explained():
    published = {name: line for name, line in TABLE.items() if "published" in line}
    assert len(published) >= 100
    for name, line in published.items():
        assert (line["published"] == line["unique"]) != ("note" in line), name


def expected(name):
    """The line of a file; of a class that is another one in the installed release, what that builds."""
    line, stored = TABLE[name], atlas()
    model_type = json.loads(path_of(name).read_text(encoding="utf-8")).get("model_type", "")
    if stored is None or installed() == stored.release or not stored.differing(line["class"], canonical(model_type)):
        return line
    return entry(path_of(name), line)


@pytest.mark.parametrize("name", sample(sorted(TABLE), 8))
def test_the_real_model_has_the_expected_counts(name):
    assert entry(path_of(name), TABLE[name]) == expected(name)


@pytest.mark.parametrize("name", sample(COUNTED, 4))
def test_the_count_of_a_file_is_that_of_the_real_model(name):
    counted = {convention: sc.count(path_of(name), convention=convention) for convention in CONVENTIONS}
    line = expected(name)
    assert counted == {convention: line[convention] for convention in CONVENTIONS}


@pytest.mark.parametrize(("name", "words"), sorted(REFUSED.items()))
def test_what_cannot_be_counted_is_refused_by_name(name, words):
    with pytest.raises(SymcountError, match=words):
        sc.count(path_of(name))


@pytest.mark.parametrize("name", sorted(OWN_CODE))
def test_a_class_of_own_code_is_counted_as_the_one_that_transformers_has(name):
    report = sc.verify(path_of(name))
    assert report.exact
    assert (sc.formula(path_of(name)).name, sc.count(path_of(name))) == OWN_CODE[name]


@pytest.mark.parametrize("name", sorted(ELSEWHERE))
def test_a_file_of_another_package_is_counted_as_that_builds_it(name):
    assert sc.count(path_of(name)) == ELSEWHERE[name]


@pytest.mark.parametrize("name", sorted(UNBUILDABLE))
def test_what_transformers_cannot_build_is_refused_by_name(name):
    words, package = UNBUILDABLE[name]
    if package and find_spec(package):
        pytest.skip(f"{package} is installed")
    with pytest.raises(SymcountError, match=words):
        sc.count(path_of(name))
