"""The worked derivation of BERT: the published numbers, the shape of the argument, and a document that is not stale."""

import re
from pathlib import Path

import pytest
from sympy import expand

import symcount as sc
from derivations import bert

PUBLISHED = {
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
DOCUMENT = Path(bert.__file__).with_suffix(".md")


def all_steps():
    return {step.title: step for step in (*bert.steps(), *bert.epilogue())}


@pytest.mark.parametrize(("title", "count"), PUBLISHED.items())
def test_every_step_gives_the_published_number(title, count):
    assert all_steps()[title].count == count


def test_every_step_is_published():
    assert list(all_steps()) == list(PUBLISHED)


def test_the_steps_follow_from_each_other_as_symbols():
    embeddings, attention, output, feed_forward, encoder, cls, linears, norms, total = (
        step.expression for step in bert.steps()
    )
    twice, stored = (step.expression for step in bert.epilogue())
    assert expand(sc.symbol("N") * (attention + output + feed_forward) - encoder) == 0
    assert expand(encoder + cls - linears) == 0
    assert expand(embeddings + linears + norms - total) == 0
    assert expand(total - twice - stored) == 0
    assert twice == sc.symbol("V") * sc.symbol("H")


def test_no_result_is_typed_into_the_generator():
    source = Path(bert.__file__).read_text(encoding="utf-8").replace("_", "").replace(",", "")
    typed = {int(n) for n in re.findall(r"\d+", source)}
    assert not typed & set(PUBLISHED.values())


def test_the_document_is_what_the_generator_writes():
    assert DOCUMENT.read_text(encoding="utf-8") == bert.document(), "stale: python derivations/bert.py --write"


def test_the_document_shows_every_published_number():
    text = DOCUMENT.read_text(encoding="utf-8")
    for count in PUBLISHED.values():
        assert f"{count:,}" in text
        assert bert.digits(count) in text


def test_the_models_stored_total_is_that_of_the_real_class():
    torch = pytest.importorskip("torch")
    from transformers import BertConfig, BertForMaskedLM

    config = BertConfig(vocab_size=30_000, max_position_embeddings=512)
    with torch.device("meta"):
        model = BertForMaskedLM(config)
    assert model.num_parameters() == bert.epilogue()[1].count
    linears = sum(
        p.numel() for m in model.modules() if isinstance(m, torch.nn.Linear) for p in m.parameters(recurse=False)
    )
    norms = sum(p.numel() for m in model.modules() if isinstance(m, torch.nn.LayerNorm) for p in m.parameters())
    assert linears == all_steps()["All linear maps"].count
    assert norms == all_steps()["Layer normalisations"].count
