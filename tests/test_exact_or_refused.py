"""Every field of every config class, changed alone: the count is the real model's, or there is none."""

import dataclasses

import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

import symcount as sc  # noqa: E402
from sampling import sampled  # noqa: E402
from symcount.architectures import find, names  # noqa: E402
from symcount.errors import SymcountError  # noqa: E402

DEPTHS = ("num_hidden_layers", "encoder_layers", "decoder_layers", "n_layer", "num_layers", "n_layers")


def others(field):
    """Other values that a field of this default may have."""
    match field.default:
        case bool():
            return [not field.default]
        case None:
            return [2, True, [1]]
        case int():
            return [field.default + 1 if field.default else 1]
        case str():
            return ["gelu", "gated-silu"]
    return []


def changes(config_class):
    inherited = {f.name for f in dataclasses.fields(transformers.PreTrainedConfig)} - {"tie_word_embeddings"}
    return [(f.name, v) for f in dataclasses.fields(config_class) if f.name not in inherited for v in others(f)]


def real_count(cls, fields):
    """The real model's number; `None` where there is no such model."""
    try:
        with torch.device("meta"):
            return cls(cls.config_class(**fields)).num_parameters()
    except Exception:  # noqa: BLE001 - a config or a constructor may raise anything
        return None


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", sampled(names(), 3))
def test_one_field_at_a_time(name):
    architecture, cls = find(name), getattr(transformers, name)
    shallow = {field: 4 for field in DEPTHS if field in architecture.defaults}
    refused = []
    for field, value in changes(cls.config_class):
        fields = {**shallow, field: value}
        expected = real_count(cls, fields)
        try:
            counted = sc.count({**fields, "architectures": [name], "model_type": architecture.model_type})
        except SymcountError:
            refused += [field] if expected is not None else []
        else:
            assert expected is None or counted == expected, (field, value)
    formula = architecture.formula()
    limited = {s for condition in formula.domain for s in condition.symbols}
    limited |= {s for rule in formula.filled.values() for s in rule.free_symbols}  # H/A must be an integer
    assert set(refused) <= architecture.pinned.keys() | {formula.notation[s].field for s in limited}
