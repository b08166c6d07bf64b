"""Values that a layout would admit although the tensors are others get a check; the others are read as before."""

from itertools import islice

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

from symcount.atlas.counting import counter
from symcount.atlas.record import Check
from symcount.atlas.schema import Reader
from symcount.atlas.store import default_path
from symcount.atlas.variant import Variant
from symcount.derivation.resolve import model_class
from symcount.errors import UncoveredError
from symcount.survey.schema.bases import bases
from symcount.survey.schema.check import count
from symcount.survey.schema.narrowing import narrowed
from symcount.survey.schema.probe import Probe, real_total

pytestmark = pytest.mark.skipif(not default_path().is_file(), reason="the atlas was not built")

GRANITE = {"vision_config": {"model_type": "siglip_vision_model"}, "text_config": {"model_type": "granite"}}
RESNET = {"backbone_config": {"model_type": "resnet"}, "use_auxiliary_head": False}
STAGES = {"backbone_config.out_features": {"absent": 0}, "backbone_config.out_indices": {"absent": 0}}
LAYERS, IMAGE = {"vision_feature_layer": None}, {"image_size": {"null": 0, "numbers 2": 0, "=[378, 378]": 0}}
TIED = ("text_config.tie_word_embeddings", "tie_word_embeddings")
DEBERTA = {"norm_rel_ebd": "layer_norm", "share_att_key": True, "position_buckets": 256, "relative_attention": True,
           "max_relative_positions": -1, "pos_att_type": "p2c|c2p", "position_biased_input": False,
           "type_vocab_size": 0}  # fmt: skip
#: class, number of the layout, the checks as they are without it, configs that are read, configs that are refused.
CASES = [
    # a number of no formula, whose length is a factor where it is a list
    ("LlavaModel", 0, LAYERS, [{}, {"vision_feature_layer": -1}, {"vision_feature_layer": [-1]}],
     [{"vision_feature_layer": [-2, -1]}, {"vision_feature_layer": []}]),
    # such a list, which the layout is measured with
    ("LlavaNextForConditionalGeneration", 3, LAYERS, [{**GRANITE, "vision_feature_layer": [-9, -7, -5, -1]}],
     [GRANITE, {**GRANITE, "vision_feature_layer": -2}]),
    # a backbone has all its stages where it is left out, one where it is given without a word
    ("UperNetForSemanticSegmentation", 0, STAGES, [{}, {"use_auxiliary_head": False}], [RESNET]),
    # an image from which the number of positions is computed where that is left out
    ("Molmo2VisionModel", 0, IMAGE, [{}, {"image_size": [378, 378]}], [{"image_size": [56, 56]}]),
    # a key that no class declares, which the layout is measured with
    ("DebertaV2Model", 1, {"norm_rel_ebd": {"absent": 0, "'layer_norm": 0}}, [DEBERTA],
     [{k: v for k, v in DEBERTA.items() if k != "norm_rel_ebd"}]),
    # two flags that say the same, of which one alone is not heard
    ("PaddleOCRVLForConditionalGeneration", 0, dict.fromkeys(TIED, Check(True, accept={"true": 0, "false": 0})),
     [{}, {"text_config": {"tie_word_embeddings": False}}],
     [{"text_config": {"tie_word_embeddings": False}, "tie_word_embeddings": False}]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "number", "checks", "read", "refused"), CASES, ids=[case[0] for case in CASES])
def test_a_value_with_other_tensors_is_refused(name, number, checks, read, refused):
    cls, stored = model_class(name), counter().atlas.find(name).layouts[number]
    base = next(islice(bases(cls, cls.config_class), number, None))
    known = {path: check for path, check in stored.checks.items() if path not in checks}
    added = {p: a if isinstance(a, Check) else Check(accept=a) for p, a in checks.items() if a is not None}
    before = stored.changed(checks={**known, **added})
    probe = Probe(cls, cls.config_class, base.raw, base.required, base.absent)
    found = narrowed(before, probe)

    def counted(layout, fields):
        variants = [Variant(layout, formula) for formula in layout.formulas]
        return count(variants, Reader(layout, frozenset()).read(fields))

    assert narrowed(found, probe) == found
    for fields in read:
        assert counted(found, fields) == real_total(cls, cls.config_class, fields)
    for fields in refused:
        assert counted(before, fields) != real_total(cls, cls.config_class, fields)
        with pytest.raises(UncoveredError):
            counted(found, fields)
