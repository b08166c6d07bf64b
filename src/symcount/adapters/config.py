"""An `adapter_config.json` of peft: what is adapted, how, and with which rank.

Whatever in it changes the number of parameters and is not covered is refused by name, so that no number is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from symcount.errors import ConfigError, FileTypeError, OptionError
from symcount.files import is_directory, is_file, load
from symcount.filetypes import of_json

__all__ = ["NAME", "AdapterConfig", "is_adapter", "read"]

NAME = "adapter_config.json"
_KINDS: Final = ("LORA", "IA3")
_LINEAR = "all-linear"
_MODELS: Final = ("model.safetensors", "model.safetensors.index.json")
_LONGEST = 1000  # characters of a pattern
_RUNAWAY = re.compile(r"\([^()]*[+*}][^()]*\)[+*{]")  # a repetition of a repetition may take for ever

#: fields that are not covered and change what is trained where they say anything
_UNCOVERED: Final = (
    "target_parameters", "trainable_token_indices", "layer_replication", "use_qalora", "use_bdlora", "megatron_config",
    "arrow_config", "monteclora_config", "velora_config", "kasa_config",
)  # fmt: skip


@dataclass(frozen=True)
class AdapterConfig:
    """What an `adapter_config.json` says.

    Attributes:
        fields: all of it.
        source: the file.
        kind: `LORA` or `IA3`.
        rank: `r`; 1 where the method has none.
    """

    fields: Mapping[str, Any]
    source: str
    kind: str
    rank: int

    @property
    def base(self) -> str | None:
        """Where the base model is, as far as the config says."""
        found = self.fields.get("base_model_name_or_path")
        return found if isinstance(found, str) and found else None

    @property
    def saved(self) -> tuple[str, ...]:
        """The ends of the names of modules that are trained as a whole."""
        return self._names("modules_to_save")

    @property
    def dora(self) -> bool:
        """Whether each adapted module has a vector of magnitudes."""
        return self.fields.get("use_dora") is True

    @property
    def bias(self) -> str:
        """Which biases of the base model are trained: `none`, `all` or `lora_only`."""
        return str(self.fields.get("bias") or "none")

    def targets(self, path: str, linear: bool) -> bool:
        """Whether the module at *path* is adapted, as `check_target_module_exists` of peft has it."""
        excluded = self.fields.get("exclude_modules")
        if excluded and self._matches(excluded, path, "exclude_modules"):
            return False
        if any(re.match(rf"(^|.*\.){re.escape(m)}($|\..*)", path) for m in self.saved):
            return False
        wanted = self.fields.get("target_modules")
        if wanted == _LINEAR:
            return linear
        if not wanted:
            raise ConfigError(f"{self.source}: target_modules says nothing; name the modules that are adapted")
        if not self._matches(wanted, path, "target_modules"):
            return False
        return isinstance(wanted, str) or path in wanted or self._in_layers(path)

    def rank_of(self, path: str) -> int | None:
        """The rank that `rank_pattern` gives to the module at *path*; `None` for `r`."""
        for key, value in self._ranks.items():
            if key.match(path):
                return value
        return None

    @cached_property
    def asks_for_indices(self) -> bool:
        """Whether it matters which of equal layers a module is in."""
        if self.fields.get("layers_to_transform") not in (None, []):
            return True
        fields = [self.fields.get(n) for n in ("target_modules", "exclude_modules", "modules_to_save", "rank_pattern")]
        return any(re.search(r"\d", str(name)) for value in fields if value for name in _flat(value))

    @cached_property
    def _ranks(self) -> dict[re.Pattern[str], int]:
        found = self.fields.get("rank_pattern") or {}
        if not isinstance(found, Mapping):
            raise ConfigError(f"{self.source}: rank_pattern: expected an object of patterns and ranks")
        return {
            self._pattern(rf"(.*\.)?({key})$", "rank_pattern"): _whole(value, f"{self.source}: rank_pattern: {key}")
            for key, value in found.items()
        }

    def _matches(self, wanted: Any, path: str, field: str) -> bool:
        if isinstance(wanted, str):
            return self._pattern(wanted, field).fullmatch(path) is not None
        names = self._names(field)
        return path in names or any(path.endswith(f".{name}") for name in names)

    def _in_layers(self, path: str) -> bool:
        chosen = self.fields.get("layers_to_transform")
        if chosen is None or chosen == []:
            return True
        said = self.fields.get("layers_pattern") or []
        patterns = [said] if isinstance(said, str) else said
        known = [rf"(?:^|.*?\.){p}\.(?P<idx>\d+)\." for p in patterns] or [r".*?\.[^.]*\.(?P<idx>\d+)\."]
        match = next((m for p in known if (m := self._pattern(p, "layers_pattern").match(path))), None)
        return match is not None and int(match["idx"]) in (chosen if isinstance(chosen, list) else [chosen])

    def _names(self, field: str) -> tuple[str, ...]:
        found = self.fields.get(field) or []
        if not isinstance(found, list) or not all(isinstance(n, str) and n for n in found):
            raise ConfigError(f"{self.source}: {field}: expected a list of names, got {found!r:.80}")
        return tuple(found)

    def _pattern(self, text: str, field: str) -> re.Pattern[str]:
        if len(text) > _LONGEST or _RUNAWAY.search(text):
            raise ConfigError(f"{self.source}: {field}: a pattern that may take for ever; name the modules instead")
        try:
            return re.compile(text)
        except re.error as error:
            raise ConfigError(f"{self.source}: {field}: {text!r:.80} is no regular expression: {error}") from None


def _flat(value: Any) -> Sequence[Any]:
    return [value] if isinstance(value, str) else list(value)


def _whole(value: Any, what: str) -> int:
    if type(value) is not int or value < 1:
        raise ConfigError(f"{what}: expected an integer of at least 1, got {value!r:.80}")
    return value


def is_adapter(source: str | Path) -> bool:
    """Whether *source* is an adapter's config, or a folder that has one.

    >>> is_adapter("adapter_config.json"), is_adapter("config.json")
    (True, False)
    """
    path = Path(source)
    if not is_directory(path):
        return path.name == NAME
    return is_file(path / NAME) and not any(is_file(path / name) for name in _MODELS)  # it may have been merged


def read(source: str | Path | Mapping[str, Any]) -> AdapterConfig:
    """Read an `adapter_config.json`, a folder that has one, or a dict of its form.

    Raises:
        ConfigError: it cannot be read, or is malformed.
        FileTypeError: it is a file of another kind.
        OptionError: a method, or an option of it, that is not covered.
    """
    if isinstance(source, Mapping):
        fields, said = dict(source), "adapter_config"
    else:
        path = Path(source) / NAME if is_directory(source) else Path(source)
        fields, said = load(path), str(path)
    kind = fields.get("peft_type")
    if "peft_type" not in fields:
        raise FileTypeError(f"{said}: {of_json(fields) or 'no adapter of PEFT: peft_type is not given'}")
    if not isinstance(kind, str):
        raise ConfigError(f"{said}: peft_type: expected the name of a method, got {kind!r:.80}")
    if kind not in _KINDS:
        raise OptionError(
            f"{said}: an adapter of PEFT of the kind {kind!r:.80}; those of {' and '.join(_KINDS)} are counted"
        )
    for name in _UNCOVERED:
        if fields.get(name) not in (None, False, [], {}):
            raise OptionError(f"{said}: {name} = {fields[name]!r:.80} is not covered; leave it out")
    if fields.get("bias") not in (None, "none", "all", "lora_only"):
        raise ConfigError(f"{said}: bias = {fields['bias']!r:.80}: expected none, all or lora_only")
    rank = _whole(fields.get("r", 8), f"{said}: r") if kind == "LORA" else 1
    return AdapterConfig(fields, said, str(kind), rank)
