"""What a config class or its model refuses is refused by a layout as well; what lies beside it is counted as before."""

from itertools import islice

import pytest

pytest.importorskip("torch")
pytest.importorskip("transformers")

import symcount as sc
from symcount.atlas.counting import counter
from symcount.atlas.schema import Reader
from symcount.atlas.store import default_path
from symcount.atlas.variant import Variant
from symcount.config.kind_lists import MARK
from symcount.derivation.resolve import model_class
from symcount.diagnostics.verdicts import sections_of
from symcount.errors import SymcountError, UncoveredError
from symcount.survey.schema.bases import bases
from symcount.survey.schema.check import count
from symcount.survey.schema.insisting import insisting
from symcount.survey.schema.narrowing import narrowed
from symcount.survey.schema.probe import Probe, real_total
from symcount.survey.schema.refusals import refusing

pytestmark = pytest.mark.skipif(not default_path().is_file(), reason="the atlas was not built")

MIXED = ["mamba", "hybrid", "mamba", "hybrid"]
ROPE = {"attn_config": {"rope_theta": 5e5}}
SWIN = {"backbone_config": {"model_type": "swin"}}
SHARED, APART = {"two_stage_bbox_embed_share": True}, {"decoder_bbox_embed_share": False}
#: class, configs of which transformers builds no model, and others that it builds.
CASES = [
    # keys that cannot be set
    ("FunnelModel", [{"num_hidden_layers": None}, {"num_blocks": 3}], [{"d_model": 384}]),
    ("ProphetNetModel", [{"num_hidden_layers": None}], [{"num_encoder_layers": 6}]),
    # one of these, a power of two, and torch's own division
    ("MimiModel", [{"num_codebooks": 32}, {"codebook_size": 1000}, {"hidden_size": 256}], [{"codebook_size": 1024}]),
    # the fewest layers of a kind
    ("ZambaModel", [{"num_hidden_layers": 3, "layers_block_type": MIXED[:3]}],
     [{"num_hidden_layers": 4, "layers_block_type": MIXED}]),
    # a number that must be given, and a function that is looked up
    ("DbrxModel", [{"attn_config": {"kv_n_heads": 2}}, {**ROPE, "ffn_config": {"ffn_act_fn": {"name": "x"}}}],
     [ROPE, {**ROPE, "ffn_config": {"ffn_act_fn": {"name": "relu"}}}]),
    # a sub-config without its model type, and options that do not go together
    ("GroundingDinoModel", [{"backbone_config": {}}, {**SWIN, **SHARED, **APART}],
     [SWIN, {**SWIN, **SHARED}, {**SWIN, **APART}]),
]  # fmt: skip


def bare(layout):
    """*layout* as it is measured, without what is refused."""
    options = [path for path in layout.switches if path in {*SHARED, *APART}]
    kept = [i for i, path in enumerate(layout.switches) if path not in options]
    states = {
        ",".join(key.split(",")[i] for i in kept): numbers
        for key, numbers in layout.states.items()
        if not kept or all(label == "0" or i in kept for i, label in enumerate(key.split(",")))
    }
    checks = {path: check for path, check in layout.checks.items() if path != "attn_config.rope_theta"}
    for path in options:
        checks[path] = checks[path].changed(accept=dict.fromkeys(checks[path].accept, 0))
    if "ffn_config.ffn_act_fn" in checks:
        check = checks["ffn_config.ffn_act_fn"]
        checks["ffn_config.ffn_act_fn"] = check.changed(accept={**check.accept, "dict": 0})
    numbers = {path: n.changed(minimum=1) if MARK in path else n for path, n in layout.numbers.items()}
    formulas = [
        f.changed(asked=[c for c in f.asked if not {"codebook_size", "upsample_groups"} & set(c)])
        for f in layout.formulas
    ]
    sections = {path: section.changed(closed=[], stated=False) for path, section in layout.sections.items()}
    return layout.changed(sections=sections, checks=checks, numbers=numbers, formulas=formulas, states=states,
                   switches=[layout.switches[i] for i in kept])  # fmt: skip


@pytest.mark.parametrize(("name", "refused", "taken"), CASES, ids=[case[0] for case in CASES])
def test_what_transformers_refuses_is_refused(name, refused, taken):
    cls, before = model_class(name), bare(counter().atlas.find(name).layouts[0])
    configs = cls.config_class
    base = next(islice(bases(cls, configs), 0, None))
    probe = Probe(cls, configs, base.raw, base.required, base.absent)
    found = refusing(narrowed(before, probe), probe, frozenset())

    def counted(layout, fields):
        return count(
            [Variant(layout, formula) for formula in layout.formulas], Reader(layout, frozenset()).read(fields)
        )

    assert refusing(found, probe, frozenset()) == found
    for fields in refused:
        assert real_total(cls, configs, fields) is None
        if "num_blocks" not in fields:  # of a number it was known, but not of null
            assert counted(before, fields)
        with pytest.raises(UncoveredError):
            counted(found, fields)
    for fields in taken:
        assert counted(found, fields) == real_total(cls, configs, fields)


@pytest.mark.parametrize(("name", "insists"), [("GroundingDinoModel", ["backbone_config"]), ("CLIPModel", [])])
def test_what_a_release_insists_on_of_sub_configs(name, insists):
    cls, layout = model_class(name), counter().atlas.find(name).layouts[0]
    sections = {path: section.changed(stated=False) for path, section in layout.sections.items()}
    found = insisting(layout.changed(sections=sections), cls, cls.config_class, frozenset())
    assert [path for path, section in found.sections.items() if section.stated] == insists
    assert found == layout


def test_a_key_that_a_release_does_not_know_is_passed_over():
    cls, layout = model_class("CTRLModel"), counter().atlas.find("CTRLModel").layouts[0]
    section = layout.sections[""]
    newer = layout.changed(sections={"": section.changed(aliases={**section.aliases, "width": "n_embd"})})
    found = insisting(newer, cls, cls.config_class, frozenset())
    assert found.sections[""].unread == ["width"]
    variants = [Variant(found, formula) for formula in found.formulas]
    for fields in ({"width": 64}, {"width": 64, "n_embd": 32}):
        assert count(variants, Reader(found, frozenset()).read(fields)) == real_total(cls, cls.config_class, fields)
    assert sections_of(newer)[""].knows("width")
    assert not sections_of(found)[""].knows("width")


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (
            {"model_type": "mimi", "num_codebooks": 32},
            "num_codebooks = 32 is outside .*: it cannot be set",
        ),
        ({"model_type": "mimi", "codebook_size": 1000}, "codebook_size divides power.2, 60. is required"),
        ({"model_type": "grounding-dino", "backbone_config": {}}, "backbone_config without model_type"),
        ({"model_type": "zamba", "num_hidden_layers": 3, "layers_block_type": MIXED[:3]}, "hybrid"),
        ({"model_type": "grounding-dino", **SWIN, **SHARED, **APART}, "together"),
    ],
    ids=lambda case: case if isinstance(case, str) else case["model_type"],
)
def test_the_shipped_atlas_says_why(config, words):
    with pytest.raises(SymcountError, match=words):
        counter().count(config)
    with pytest.raises(SymcountError):
        sc.count(config)
