"""Published configs, changed: one to four changes of structure and values, and then damage to the text itself."""

from __future__ import annotations

import copy
import json
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

CONFIGS = Path(__file__).parents[1] / "published" / "configs"

SIZES = [0, 1, 2, 3, 7, 64, 100, -1, -8, 255, 1024, 2**31, 2**32, 2**53 + 1, 2**63 - 1, 2**63, 2**64, 10**30, 10**4000]
FLOATS = [0.0, 0.5, 1.5, 1e3, 768.0, -2.0, 1e308, 1e-300, 0.1, 2 / 3, float("nan"), float("inf"), float("-inf")]
WORDS = [
    "",
    " ",
    "768",
    "1e3",
    "auto",
    "none",
    "null",
    "true",
    "gelu",
    "silu",
    "prelu",
    "relu",
    "default",
    "yarn",
    "linear",
    "dynamic",
    "llama3",
    "longrope",
    "su",
    "proportional",
    "mrope",
    "H",
    "९",
    "７６８",
    "\u0000",
    "\ud800",
    "é" * 100,
    "x" * 5000,
    "../../etc/passwd",
    "__class__",
    "full_attention",
    "sliding_attention",
    "mamba",
    "linear_attention",
    "layer_norm",
    "BertModel",
    "bert",
    "relative_key",
    "gated-gelu",
    "sequence",
]
OTHERS = [None, True, False, [], {}, [1], [[1]], [None], ["a"], {"a": 1}, {"0": "a"}, [1, 2, 3, 4], {"rope_theta": 1e4}]
SPELLINGS = [
    ("hidden_size", "n_embd"),
    ("hidden_size", "d_model"),
    ("hidden_size", "dim"),
    ("num_hidden_layers", "n_layer"),
    ("num_hidden_layers", "num_layers"),
    ("num_attention_heads", "n_head"),
    ("num_attention_heads", "num_heads"),
    ("intermediate_size", "n_inner"),
    ("intermediate_size", "d_ff"),
    ("max_position_embeddings", "n_positions"),
    ("num_labels", "id2label"),
    ("head_dim", "d_kv"),
    ("num_experts", "num_local_experts"),
    ("vocab_size", "n_vocab"),
]
ROPES = [
    {"rope_type": "default"},
    {"type": "linear", "factor": 2.0},
    {"rope_type": "yarn", "factor": 4.0},
    {"rope_type": "linear"},
    {"type": "su"},
    {"rope_type": "nonsense"},
    {"factor": 2.0},
    {"rope_type": "llama3"},
    {"rope_type": 3},
    {"rope_type": None},
    {"rope_theta": "x"},
    {"rope_theta": None},
    {"type": "dynamic", "factor": -1},
    {"full_attention": {"rope_type": "default"}},
    {"rope_type": "longrope", "short_factor": [1], "long_factor": [1]},
]


@cache
def published() -> tuple[dict[str, Any], ...]:
    """The published configs."""
    return tuple(json.loads(path.read_text(encoding="utf-8")) for path in sorted(CONFIGS.glob("*.json")))


MORE: list[dict[str, Any]] = []
"""Further configs to start from, as often as from the published ones."""


def config(rng: Random) -> dict[str, Any]:
    """A published config or one of `MORE`, changed in one to four places."""
    fields = copy.deepcopy(rng.choice(MORE if MORE and rng.random() < 0.5 else published()))
    for _ in range(rng.choice([1, 1, 1, 2, 3, 4])):
        rng.choice(CHANGES)(fields, rng)
    return fields


def _places(fields: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Paths of all values, those of numbers and switches several times."""
    found: list[tuple[Any, ...]] = []
    items = fields.items() if isinstance(fields, dict) else enumerate(fields[:8]) if isinstance(fields, list) else ()
    for key, value in items:
        here = (*path, key)
        found += [here] * (4 if isinstance(value, int) else 1)
        if key not in ("id2label", "label2id", "task_specific_params"):
            found += _places(value, here)
    return found


def _holder(fields: Any, path: tuple[Any, ...]) -> Any:
    for key in path[:-1]:
        fields = fields[key]
    return fields


def value(old: Any, rng: Random) -> Any:
    """Another value in the place of *old*: near it, of another type, or absurd."""
    if rng.random() < 0.3:
        return copy.deepcopy(rng.choice([*OTHERS, rng.choice(WORDS), rng.choice(FLOATS), rng.choice(SIZES)]))
    match old:
        case bool():
            return rng.choice([not old, not old, not old, int(old), str(old).lower(), None])
        case int():
            near = [old + 1, old - 1, old * 2, old // 2, -old, rng.randint(1, 64), rng.choice(SIZES)]
            point = float(min(abs(old), 10**300))
            text = str(old) if old.bit_length() < 10_000 else "9" * 4000
            return rng.choice([*near, *near, point, text, None, [old], {"a": old}, point + 0.5])
        case float():
            return rng.choice([old * 2, -old, 1.5, 2.6667, int(old) if abs(old) < 1e9 else 0, str(old), *FLOATS])
        case str():
            return rng.choice(WORDS)
        case list():
            changed = copy.deepcopy(old)
            if not changed:
                return [rng.choice(WORDS)]
            return rng.choice(
                [
                    changed[:-1],
                    changed[::-1],
                    changed * 2,
                    changed[:1] * len(changed),
                    [*changed, None],
                    [changed],
                    changed[0],
                    [rng.choice(SIZES[:8]) if isinstance(x, int) else rng.choice(changed) for x in changed],
                ]
            )
        case dict():
            return rng.choice([None, [], {}, "x", 3, {k: v for k, v in old.items() if rng.random() < 0.5}])
    return rng.choice([1, 2, 4, 64, True, False, "gelu", [1], 0.5, {"type": "linear", "factor": 2.0}])


def _change(fields: dict[str, Any], rng: Random) -> None:
    path = rng.choice(_places(fields) or [("vocab_size",)])
    holder = _holder(fields, path)
    holder[path[-1]] = value(holder.get(path[-1]) if isinstance(holder, dict) else holder[path[-1]], rng)


def _drop(fields: dict[str, Any], rng: Random) -> None:
    places = [p for p in _places(fields) if isinstance(p[-1], str)]
    if places:
        path = rng.choice(places)
        _holder(fields, path).pop(path[-1], None)


def _respell(fields: dict[str, Any], rng: Random) -> None:
    """Another spelling, instead of the first or beside it."""
    pairs = [(a, b) for a, b in [*SPELLINGS, *((b, a) for a, b in SPELLINGS)] if a in fields]
    if pairs:
        a, b = rng.choice(pairs)
        fields[b] = fields[a] if rng.random() < 0.5 else value(fields[a], rng)
        if rng.random() < 0.5:
            del fields[a]


def _graft(fields: dict[str, Any], rng: Random) -> None:
    """Keys of another config."""
    other = rng.choice(published())
    for key in rng.sample(sorted(other), k=min(len(other), rng.choice([1, 2, 8]))):
        if key not in ("architectures", "model_type"):
            fields[key] = copy.deepcopy(other[key])


def _rename(fields: dict[str, Any], rng: Random) -> None:
    """Another class, or another family."""
    other = rng.choice(published())
    what = rng.choice(["architectures", "model_type", "head", "head", "none", "both"])
    if what == "head":
        heads = [
            "Model",
            "ForCausalLM",
            "ForMaskedLM",
            "ForSequenceClassification",
            "ForTokenClassification",
            "ForQuestionAnswering",
            "ForConditionalGeneration",
            "ForImageClassification",
        ]
        names = fields.get("architectures")
        stem = str(names[0] if isinstance(names, list) and names else "Bert").partition("For")[0].removesuffix("Model")
        fields["architectures"] = [stem.removesuffix("LMHead") + rng.choice(heads)]
    elif what == "none":
        fields.pop("architectures", None)
    else:
        for key in ("architectures", "model_type"):
            if what in (key, "both"):
                fields[key] = copy.deepcopy(other.get(key))


def _rope(fields: dict[str, Any], rng: Random) -> None:
    holder = rng.choice([fields, *(v for k, v in fields.items() if isinstance(v, dict) and k.endswith("_config"))])
    holder[rng.choice(["rope_scaling", "rope_scaling", "rope_parameters"])] = copy.deepcopy(rng.choice(ROPES))


def _nest(fields: dict[str, Any], rng: Random) -> None:
    """Everything, or another config, inside a sub-config."""
    inner = copy.deepcopy(rng.choice([fields, rng.choice(published())]))
    fields[rng.choice(["text_config", "vision_config", "encoder", "decoder", "audio_config", "x"])] = inner


CHANGES = [*[_change] * 8, *[_drop] * 3, _respell, _respell, _graft, _rename, _rename, _rope, _nest]


def text(fields: dict[str, Any], rng: Random) -> bytes:
    """The JSON text of *fields*, one time in three damaged."""
    data = json.dumps(fields, indent=rng.choice([None, 2]), ensure_ascii=rng.random() < 0.5)
    raw = data.encode("utf-8", "surrogatepass")
    return rng.choice(DAMAGES)(raw, rng) if rng.random() < 1 / 3 else raw


def _twice(raw: bytes, rng: Random) -> bytes:
    """A key that is there twice; the last counts."""
    fields = json.loads(raw)
    key = rng.choice(sorted(fields) or ["vocab_size"])
    return b"{" + json.dumps({key: value(fields.get(key), rng)}).encode()[1:-1] + b"," + raw.lstrip()[1:]


def _flip(raw: bytes, rng: Random) -> bytes:
    changed = bytearray(raw)
    for _ in range(rng.choice([1, 2, 8])):
        changed[rng.randrange(len(changed))] = rng.randrange(256)
    return bytes(changed)


DAMAGES = [
    lambda raw, rng: b"\xef\xbb\xbf" + raw,
    lambda raw, rng: raw.decode("utf-8", "surrogatepass").encode("utf-16", "surrogatepass"),
    lambda raw, rng: raw[: rng.randrange(len(raw))],
    lambda raw, rng: raw + b"x",
    lambda raw, rng: raw + raw,
    lambda raw, rng: b"[" + raw + b"]",
    lambda raw, rng: b'{"a":' * rng.choice([10, 1000, 100000]) + raw,
    lambda raw, rng: raw.replace(b":", b": -", 1),
    lambda raw, rng: raw.replace(b"1", b"9" * rng.choice([20, 4000, 5000]), 1),
    lambda raw, rng: raw.replace(b"true", b"NaN").replace(b"2", b"1e", 1),
    lambda raw, rng: raw.replace(b'"', b"'", 2),
    lambda raw, rng: b"",
    lambda raw, rng: b"null",
    _twice,
    _twice,
    _twice,
    _flip,
    _flip,
]
