"""How files are loaded: the shipped table against transformers, and our renaming against its own."""

import copy
import random

import pytest

import symcount as sc
from symcount.atlas.store import atlas
from symcount.checkpoints import loading as module
from symcount.checkpoints.accounting import account
from symcount.checkpoints.loading import Loading, Rename, loading, read_off, table
from symcount.checkpoints.logical import LogicalTensor
from symcount.checkpoints.renames import rename
from symcount.verification import real_model
from symcount.verification.matching import template

from .conftest import SMALL, hollow, shapes_of

NAMES = sorted(table()["classes"])
RENAMED = [n for n in NAMES if len(table()["classes"][n][1]) > 5]
SAMPLE = random.Random(1).sample(RENAMED, 5)


def built(name):
    """The model of the default config, on the meta device, or a skip."""
    from symcount.errors import ConfigError

    cls = real_model.model_class(name, atlas().model_types(name)[0])
    try:
        return real_model.build(cls, real_model.make_config(cls, {}), {})
    except ConfigError:
        pytest.skip("its default config builds no model")


def check_table(name):
    shipped = table()
    model = built(name)
    prefix, places, buffers, ignored = shipped["classes"][name]
    rules = tuple(Rename.from_json(shipped["renames"][i]) for i in places)
    assert read_off(model) == Loading(prefix, rules, tuple(buffers), tuple(ignored))


def check_saved(name, folder):
    """The header that transformers would save of a model is exact, whatever it is renamed to."""
    from transformers.core_model_loading import revert_weight_conversion

    model = built(name)
    tied = set(getattr(model, "all_tied_weights_keys", None) or {})
    state = {n: p for n, p in model.state_dict(keep_vars=True).items() if n not in tied}
    written = revert_weight_conversion(model, dict(state))
    config = copy.deepcopy(model.config)
    config.architectures = [name]
    config.save_pretrained(folder)
    words = {"float32": "F32", "int64": "I64", "bool": "U8", "int32": "I32", "float64": "I64", "bfloat16": "BF16"}
    hollow(
        folder / "model.safetensors",
        {n: (words[str(p.dtype).removeprefix("torch.")], tuple(p.shape)) for n, p in written.items()},
    )
    report = sc.verify(folder)
    assert report.exact, [str(d) for d in report.differences[:5]]
    assert report.totals["unique"].file == sum(p.numel() for p in model.parameters())
    return set(written) != set(state)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", SAMPLE)
def test_the_shipped_table_says_what_transformers_says(name):
    check_table(name)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", ["CLIPVisionModel", "CanineModel", "JambaForCausalLM"])
def test_a_header_as_transformers_saves_it_is_exact(name, tmp_path):
    check_saved(name, tmp_path)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", NAMES)
def test_every_class_of_the_table(name, tmp_path):
    check_table(name)
    check_saved(name, tmp_path)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", SAMPLE)
def test_names_are_renamed_as_by_transformers(name):
    """Names of the model, of what it saves, and of either with something else before it."""
    from transformers.conversion_mapping import get_model_conversion_mapping
    from transformers.core_model_loading import (
        WeightConverter,
        WeightRenaming,
        rename_source_key,
        revert_weight_conversion,
    )

    model = built(name)
    state = dict(model.state_dict(keep_vars=True))
    names = {*state, *revert_weight_conversion(model, dict(state))}
    names |= {f"model.{n}" for n in names} | {n.partition(".")[2] or n for n in names}
    rules = get_model_conversion_mapping(model)
    renamings = [r for r in rules if isinstance(r, WeightRenaming)]
    converters = [r for r in rules if isinstance(r, WeightConverter)]
    ours, paths = read_off(model), {template(n) for n in state}
    for source in random.Random(0).sample(sorted(names), min(len(names), 400)):
        wanted, _ = rename_source_key(source, renamings, converters, model.base_model_prefix, state)
        if wanted not in state and source in state:
            wanted, _ = rename_source_key(source, [], [], model.base_model_prefix, state)
        one = LogicalTensor(source, None, 1, 1, 4, (source,), "F32")
        found = {t.name for t in rename(ours, [one], lambda n: template(n) in paths, lambda _: None)}
        assert wanted in found or wanted not in state, (source, wanted, found)


@pytest.fixture
def uninstalled(monkeypatch):
    """As where neither torch nor transformers is installed."""

    def asked(*_):
        raise AssertionError("transformers was asked")

    monkeypatch.setattr(module, "_installed", lambda: None)
    monkeypatch.setattr(module, "_asked", asked)


def test_without_transformers_the_table_is_used(uninstalled):
    assert loading("MixtralForCausalLM").renames
    assert loading("NoSuchClass") == Loading()


def test_of_the_version_of_the_table_transformers_is_not_asked(monkeypatch):
    monkeypatch.setattr(module, "_installed", lambda: table()["transformers"])
    monkeypatch.setattr(module, "_asked", lambda *_: pytest.fail("transformers was asked"))
    assert loading("MixtralForCausalLM").renames


@pytest.mark.filterwarnings("ignore")
def test_of_another_version_transformers_is_asked(monkeypatch):
    monkeypatch.setattr(module, "_installed", lambda: "5.0.0")
    assert loading("MixtralForCausalLM", "mixtral") == read_off(built("MixtralForCausalLM"))
    assert loading("NoSuchClass") == Loading()


def shapes_made(rule, shapes, of=lambda _: None):
    tensors = [LogicalTensor(n, s, 1, 1, 4, (n,), "F32") for n, s in shapes.items()]
    return {t.name: t.shape for t in rename(Loading(renames=(rule,)), tensors, lambda _: True, of)}


OPERATIONS = [
    ((("MergeModulelist", 0),), {f"e.{i}.up": (2, 3) for i in range(4)}, {"e.up": (4, 2, 3)}),
    ((("MergeModulelist", 1),), {f"e.{i}.up": (2, 3) for i in range(4)}, {"e.up": (2, 4, 3)}),
    ((("MergeModulelist", 0),), {"e.0.up": (2, 3), "e.1.up": (2, 4)}, {"e.up": None}),
    ((("Transpose", 0, 1, False),), {"e.0.up": (2, 3)}, {"e.up": (3, 2)}),
    ((("Interleave", 1),), {"e.0.up": (2, 3)}, {"e.up": (2, 3)}),
    ((("NoSuchOperation",),), {"e.0.up": (2, 3)}, {"e.up": None}),
]


@pytest.mark.parametrize(("operations", "shapes", "made"), OPERATIONS)
def test_shapes_go_the_way_of_the_weights(operations, shapes, made):
    rule = Rename(r"(?P<g0>e\..*\.up(?!\w))", ("e.*.up",), ("e.up",), operations)
    assert shapes_made(rule, shapes) == made


@pytest.mark.parametrize(
    ("operations", "shape", "made"),
    [
        ((("Chunk", 0),), (6, 4), [(2, 4)] * 3),
        ((("Chunk", 1),), (4, 6), [(4, 2)] * 3),
        ((("Chunk", 0),), (7, 4), [None] * 3),
        ((("Split", 0),), (6, 4), [(3, 4), (2, 4), (1, 4)]),
        ((("Split", 0),), (7, 4), [None] * 3),
    ],
)
def test_one_tensor_is_taken_apart(operations, shape, made):
    rule = Rename(r"(?P<g0>qkv(?!\w))", ("qkv",), ("q", "k", "v"), operations)
    wanted = {"a.q": (3, 4), "a.k": (2, 4), "a.v": (1, 4)}
    assert list(shapes_made(rule, {"a.qkv": shape}, wanted.get).values()) == made


def test_parts_of_which_one_is_missing_do_not_make_the_tensor():
    config = {"architectures": ["MixtralForCausalLM"], "model_type": "mixtral", "vocab_size": 97, "hidden_size": 16,
              "intermediate_size": 24, "num_hidden_layers": 1, "num_attention_heads": 4, "num_key_value_heads": 2,
              "num_local_experts": 3}  # fmt: skip
    formula = sc.formula(config)
    names = {f"model.layers.0.block_sparse_moe.experts.{i}.w{k}.weight": (24, 16) for i in range(3) for k in (1, 3)}
    del names["model.layers.0.block_sparse_moe.experts.1.w3.weight"]
    tensors = [LogicalTensor(n, s, 384, 384, 1536, (n,), "F32") for n, s in names.items()]
    entries = account(formula.ledger, formula.values(formula.bound(config)), tensors, loading("MixtralForCausalLM"), {})
    (found,) = [e for e in entries if e.name.endswith("gate_up_proj")]
    assert (found.status, found.actual, found.expected) == ("shape", (384 * 5,), (3, 48, 16))


@pytest.mark.filterwarnings("ignore")
def test_what_of_a_model_would_be_written(llama):
    assert shapes_of(llama[1]) == {n: tuple(p.shape) for n, p in llama[1].named_parameters()}


VISION = {
    "hidden_size": 16, "intermediate_size": 24, "num_hidden_layers": 2, "num_attention_heads": 4, "image_size": 28,
    "patch_size": 14,
}  # fmt: skip
PARTS = {
    "as by default": (("LlamaConfig", {}), ("CLIPVisionConfig", VISION)),
    "other experts": (("MixtralConfig", {"num_local_experts": 2}), ("SiglipVisionConfig", VISION)),
    "experts, too": (("Qwen3MoeConfig", {"num_experts": 2, "moe_intermediate_size": 8, "head_dim": 4}),
                     ("CLIPVisionConfig", VISION)),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("installed", [True, False])
@pytest.mark.parametrize(("words", "pictures"), PARTS.values(), ids=list(PARTS))
def test_parts_of_other_classes_than_by_default(tmp_path, monkeypatch, words, pictures, installed):
    """By the rules of their own classes, whether transformers can be asked or not."""
    import transformers

    text = getattr(transformers, words[0])(**{**SMALL, **words[1]})
    vision = getattr(transformers, pictures[0])(**pictures[1])
    config = transformers.LlavaConfig(text_config=text, vision_config=vision, image_token_index=5)
    model = transformers.LlavaForConditionalGeneration(config)
    model.save_pretrained(tmp_path)
    if not installed:
        monkeypatch.setattr(module, "_installed", lambda: None)
    report = sc.verify(tmp_path)
    assert report.exact, [str(d) for d in report.differences[:5]]
    assert report.totals["unique"].file == model.num_parameters()


def test_a_model_of_one_part_is_loaded_in_one_way():
    assert list(module.others("LlamaForCausalLM", "llama", {"hidden_size": 8, "rope_parameters": {}})) == []
