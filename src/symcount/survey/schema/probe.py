"""One model class under variation: traces of configs that differ in one key or several, and what they have in common.

A `Probe` holds a base config. It builds configs by the class's own `from_dict`, as transformers does with a
`config.json`, and traces the model. Two configs have one *signature* exactly if the constructions gave the same
tensors: names, owners, symbolic shapes, sharing, frozen or not.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from symcount.atlas.codes import MISSING
from symcount.concolic.config.config_source import ConfigSource
from symcount.concolic.config.source import source_of
from symcount.concolic.observe import trace
from symcount.concolic.python.patches import Patches, no_initialisation
from symcount.concolic.session import quiet
from symcount.concolic.traces import Trace
from symcount.concolic.values.path import STATE, Recorder
from symcount.config.kind_lists import KindList
from symcount.survey.schema.config_class import Part, facts_of, parts

__all__ = [
    "INFRASTRUCTURE",
    "MISSING",
    "Probe",
    "changed",
    "differs",
    "real_model",
    "real_total",
    "signature",
    "uninitialised",
]

Raw = dict[str, Any]
Changes = Mapping[str, Any]

#: Keys of every config that say how a model is run, or how the config came about.
INFRASTRUCTURE = frozenset(
    "name_or_path dtype torch_dtype sub_configs sub_configs_defaults return_dict use_return_dict output_attentions "
    "output_hidden_states gradient_checkpointing base_model_tp_plan base_model_pp_plan base_model_ep_plan "
    "base_model_fsdp_plan attribute_map model_type transformers_version architectures use_cache problem_type "
    "id2label label2id num_labels attn_implementation experts_implementation keys_to_ignore_at_inference "
    "base_config_key quantization_config torchscript".split()
)
_CONSTRUCTION = 20  # tensors that may be made in the time that a config takes


@contextmanager
def uninitialised() -> Iterator[None]:
    """Build models without filling their tensors with numbers, which on the meta device does nothing but takes time."""
    before = STATE.recorder
    with Patches(no_initialisation()):
        STATE.recorder = Recorder()
        try:
            yield
        finally:
            STATE.recorder = before


def real_total(cls: Any, configs: Any, raw: Raw) -> int | None:
    """The number of parameters of the real model of a config; `None` if transformers does not build it.

    Args:
        cls: the model class.
        configs: the class of its configs.
        raw: the config, in the form of a `config.json`.
    """
    model = real_model(cls, configs, raw)
    return None if model is None else int(sum(p.numel() for p in model.parameters()))


def real_model(cls: Any, configs: Any, raw: Raw) -> Any:
    """The real model of a config on the meta device; `None` if transformers does not build it. See `real_total`."""
    import torch

    try:
        with quiet(), uninitialised(), torch.device("meta"):
            return cls(configs.from_dict(copy.deepcopy(raw)))
    except Exception:  # noqa: BLE001  # whatever it is, transformers has no such model
        return None


def changed(raw: Raw, changes: Changes) -> Raw:
    """*raw* with the keys at dotted paths set; `MISSING` takes one out."""
    result = copy.deepcopy(raw)
    for path, value in changes.items():
        *sections, key = path.split(".")
        target = result
        for section in sections:
            target = target.setdefault(section, {})
        if value is MISSING:
            target.pop(key, None)
        else:
            target[key] = copy.deepcopy(value)
    return result


def signature(one: Trace) -> tuple[Any, ...]:
    """What a trace shows of the parameters."""
    owners = {module.path: module.cls.__name__ for module in one.modules}
    first: dict[int, int] = {}
    rows = []
    for number, p in enumerate(one.parameters):
        shared = first.setdefault(p.tensor_key, number)
        rows.append((p.path, owners[p.module_path], p.shape, p.requires_grad, shared))
    return (*rows, one.input_embeddings, one.output_embeddings)


def differs(a: Any, b: Any) -> bool:
    """Whether two config objects differ in anything that may matter."""
    return bool(_state(a) != _state(b))


def _state(config: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in vars(config).items():
        if name.startswith("_") or name in ("transformers_version", "label2id", "model_type"):
            continue
        if hasattr(type(value), "attribute_map"):
            found[name] = (type(value).__name__, _state(value))
        else:
            found[name] = (type(value).__name__, str(value))
    return found


class Probe:
    """A model class and the config from which the variations start.

    Attributes:
        cls: the model class.
        config_class: of its configs.
        raw: the base config, in the form of a `config.json`.
        required: keys of it that have no default: every config must give them.
        absent: sub-configs that every config leaves out: they are what the class makes of that.
        givens: numbers that are given although the base config leaves them out, so that they are symbols.
        traced: how many tensors were traced, about.
        shallow: depths at which the model is traced, to save time; by default its own.
    """

    def __init__(
        self,
        cls: Any,
        configs: Any,
        raw: Raw,
        required: frozenset[str] = frozenset(),
        absent: frozenset[str] = frozenset(),
    ) -> None:
        self.cls = cls
        self.config_class: Any = configs
        self.raw = raw
        self.required = required
        self.absent = absent
        self.traced = 0
        self.givens: dict[str, Any] = {}
        self.shallow: dict[str, Any] = {}
        self.instances = parts(self.config(raw))
        self.parts: dict[str, Part] = {p: facts_of(c) for p, c in self.instances.items() if not self.left_out(p)}
        self._traces: dict[str, Trace | None] = {}

    def config(self, raw: Raw) -> Any:
        """The config object that transformers makes of *raw*."""
        with quiet():
            return self.config_class.from_dict(copy.deepcopy(raw))

    def try_config(self, changes: Changes) -> Any:
        """The config object at *changes*, `None` if transformers rejects it."""
        try:
            return self.config(changed(self.raw, changes))
        except Exception:  # noqa: BLE001  # a config class raises whatever its validation raises
            return None

    def source(self, changes: Changes) -> ConfigSource:
        """How to construct the config at *changes*, with the givens as arguments."""
        arranged = {path: value for path, value in changes.items() if isinstance(value, KindList)}
        config = self.config(changed(self.raw, {k: v for k, v in changes.items() if k not in arranged}))
        found = source_of(config, self.cls)
        for path, value in self.givens.items():
            if path not in changes:
                found = _put(found, config, path.split("."), value)
        for path, value in arranged.items():
            *section, _ = path.split(".")
            found = _put(found, config, path.split("."), value)
            if value.depth:
                found = _put(found, config, [*section, value.depth], sum(value.numbers.values()))
        return found

    def trace(self, changes: Changes, values: Mapping[str, Any] | None = None, *, deep: bool = False) -> Trace | None:
        """The trace at *changes*; `None` if the model cannot be built there."""
        values = {**({} if deep else self.shallow), **(values or {})}
        key = self._key(changes, values)
        if key not in self._traces:
            self.traced += _CONSTRUCTION
            try:
                with quiet():
                    self._traces[key] = trace(self.cls, self.source(changes), values=values, limit=60_000)
            except Exception:  # noqa: BLE001  # whatever it is, transformers does not build this model
                self._traces[key] = None
            one = self._traces[key]
            self.traced += len(one.parameters) if one is not None else 0
        return self._traces[key]

    def observe(self, changes: Changes) -> Trace | None:
        """The trace at *changes* with what is asked of texts, objects and lists; `None` if there is none."""
        try:
            with quiet():
                return trace(self.cls, self.source(changes), values=self.shallow, limit=60_000, observing=True)
        except Exception:  # noqa: BLE001  # observation may be what the code does not bear
            return None

    def knows(self, changes: Changes) -> bool:
        """Whether the model was traced at *changes*, so that it costs nothing to ask."""
        return self._key(changes, self.shallow) in self._traces

    def _key(self, changes: Changes, values: Mapping[str, Any]) -> str:
        return repr((sorted(changes.items(), key=str), sorted(values.items()), sorted(self.givens.items())))

    def left_out(self, path: str) -> bool:
        """Whether a section, or the section of a key, belongs to a sub-config that every config leaves out."""
        return path.partition(".")[0] in self.absent

    def declared(self, path: str) -> Part | None:
        """The facts of the section that declares the key at *path*; `None` if none does."""
        section, _, key = path.rpartition(".")
        found = self.parts.get(section)
        return found if found is not None and (key in found.defaults or key in found.types) else None

    def ignored(self, path: str) -> bool:
        """Whether an attribute says how a model is run or how a config came about, not what the model is.

        One whose name begins with an underscore does, unless its config class declares it (`_remove_final_layer_norm`).
        """
        last = path.rpartition(".")[2]
        return last in INFRASTRUCTURE or (last.startswith("_") and self.declared(path) is None)

    def reads(self, one: Trace) -> Iterator[tuple[str, Any]]:
        """Every attribute that matters of those that a trace reads."""
        return ((path, value) for path, value in one.config_reads.items() if not self.ignored(path))

    def default(self, path: str) -> Any:
        """The declared default of a key where its section is given, or what the base config says."""
        *sections, key = path.split(".")
        raw: Any = self.raw
        for section in sections:
            raw = raw.get(section, {}) if isinstance(raw, dict) else {}
        if isinstance(raw, dict) and key in raw:
            return raw[key]
        found = self.declared(path)
        return MISSING if found is None else found.defaults.get(key)


def _put(source: ConfigSource, config: Any, path: list[str], value: Any) -> ConfigSource:
    name, *rest = path
    if not rest:
        return ConfigSource(source.cls, {**source.kwargs, name: value})
    inner = getattr(config, name)
    sub = source.kwargs.get(name)
    if not isinstance(sub, ConfigSource):
        sub = ConfigSource(type(inner), {})
    return ConfigSource(source.cls, {**source.kwargs, name: _put(sub, inner, rest, value)})
