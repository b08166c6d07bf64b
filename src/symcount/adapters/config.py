"""An `adapter_config.json` of peft: what is adapted, how, and with which rank.

Whatever in it changes the number of parameters and is not covered is refused by name, so that no number is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from symcount.config.files import ADAPTER, is_directory, load
from symcount.config.filetypes import of_json
from symcount.config.sizes import size_of
from symcount.errors import ConfigError, FileTypeError, OptionError, near
from symcount.storage.precision import SAVED

__all__ = ["ALL_LINEAR", "KINDS", "AdapterConfig", "configured", "read"]

ALL_LINEAR: Final = "all-linear"

#: method of PEFT -> the fields of which one says its size, with their defaults; 0 stands for none
KINDS: Final[Mapping[str, Mapping[str, int]]] = {
    "LORA": {"r": 8},
    "IA3": {},
    "ADALORA": {"init_r": 12},
    "VERA": {"r": 256},
    "LOHA": {"r": 8},
    "LOKR": {"r": 8},
    "OFT": {"oft_block_size": 32, "r": 0},
    "BOFT": {"boft_block_size": 4, "boft_block_num": 0},
    "PREFIX_TUNING": {"num_virtual_tokens": 0},
    "PROMPT_TUNING": {"num_virtual_tokens": 0},
    "P_TUNING": {"num_virtual_tokens": 0},
}
_LONGEST = 1000  # characters of a pattern
_RUNAWAY = re.compile(r"\([^()]*[+*}][^()]*\)[+*{]")  # a repetition of a repetition may take for ever

#: fields that are not covered and change what is trained where they say anything
_UNCOVERED: Final = (
    "trainable_token_indices", "layer_replication", "use_qalora", "use_bdlora", "megatron_config",
    "ensure_weight_tying", "arrow_config", "monteclora_config", "velora_config", "kasa_config",
)  # fmt: skip


@dataclass(frozen=True)
class AdapterConfig:
    """What an `adapter_config.json` says.

    Attributes:
        fields: all of it.
        source: the file.
        kind: the method, as PEFT calls it: `LORA`, `IA3`, `VERA`, …
        rank: its rank, or the size that takes its place; 1 where the method has none.
        sized_by: the field that says it.
        multiples: patterns of what has a multiple of the rank.
    """

    fields: Mapping[str, Any]
    source: str
    kind: str
    rank: int
    sized_by: str = "r"
    multiples: Mapping[str, int] = field(default_factory=dict)

    @property
    def base(self) -> str | None:
        """Where the base model is, as far as the config says."""
        found = self.fields.get("base_model_name_or_path")
        return found if isinstance(found, str) and found else None

    @property
    def saved(self) -> tuple[str, ...]:
        """The ends of the names of modules that are trained as a whole."""
        return self._names(SAVED)

    @property
    def parameters(self) -> tuple[str, ...]:
        """The ends of the names of parameters that are adapted, without a module of their own."""
        return self._names("target_parameters")

    def targets_parameter(self, path: str) -> bool:
        """Whether the parameter at *path* is adapted by itself."""
        return any(path == name or path.endswith(f".{name}") for name in self.parameters)

    def multiple_of(self, path: str) -> int:
        """How many times the rank what is at *path* has."""
        return next((n for pattern, n in self.multiples.items() if re.match(rf"(.*\.)?({pattern})$", path)), 1)

    @property
    def dora(self) -> bool:
        """Whether each adapted module has a vector of magnitudes."""
        return self.fields.get("use_dora") is True

    @property
    def bias(self) -> str:
        """Which biases of the base model are trained: `none`, `all`, or of a method `lora_only`."""
        return str(self.fields.get("bias") or "none")

    def targets(self, path: str, linear: bool) -> bool:
        """Whether the module at *path* is adapted, as `check_target_module_exists` of peft has it."""
        excluded = self.fields.get("exclude_modules")
        if excluded and self._matches(excluded, path, "exclude_modules"):
            return False
        if any(re.match(rf"(^|.*\.){re.escape(m)}($|\..*)", path) for m in self.saved):
            return False
        wanted = self.fields.get("target_modules")
        if isinstance(wanted, str) and wanted.lower() == ALL_LINEAR:
            return linear
        if not wanted and self.parameters:
            return False
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
        fields = [
            self.fields.get(n)
            for n in ("target_modules", "exclude_modules", SAVED, "rank_pattern", "target_parameters")
        ]
        return any(re.search(r"\d", str(name)) for value in fields if value for name in _flat(value))

    @cached_property
    def _ranks(self) -> dict[re.Pattern[str], int]:
        found = self.fields.get("rank_pattern") or {}
        if not isinstance(found, Mapping):
            raise ConfigError(f"{self.source}: rank_pattern: expected an object of patterns and ranks")
        return {
            self._pattern(rf"(.*\.)?({key})$", "rank_pattern"): size_of(value, f"{self.source}: rank_pattern: {key}")
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
        path = Path(source) / ADAPTER if is_directory(source) else Path(source)
        fields, said = load(path), str(path)
    return configured(fields, said)


def configured(fields: Mapping[str, Any], said: str) -> AdapterConfig:
    """The config that *fields* are, checked.

    Args:
        fields: as in an `adapter_config.json`.
        said: where they are from, for messages.

    Raises:
        ConfigError, FileTypeError, OptionError: see `read`.
    """
    kind = fields.get("peft_type")
    if "peft_type" not in fields:
        raise FileTypeError(f"{said}: {of_json(fields) or 'no adapter of PEFT: peft_type is not given'}")
    if not isinstance(kind, str):
        raise ConfigError(f"{said}: peft_type: expected the name of a method, got {kind!r:.80}")
    if kind not in KINDS:
        *first, last = KINDS
        raise OptionError(
            f"{said}: an adapter of PEFT of the kind {kind!r:.80}; those of {', '.join(first)} and {last} are counted."
            f"{near(kind, list(KINDS))}"
        )
    for name in _UNCOVERED:
        if fields.get(name) not in (None, False, [], {}):
            raise OptionError(f"{said}: {name} = {fields[name]!r:.80} is not covered; leave it out")
    own = f"{kind.lower()}_only"
    if fields.get("bias") not in (None, "none", "all", own):
        raise ConfigError(f"{said}: bias = {fields['bias']!r:.80}: expected none, all or {own}")
    name, rank = _size(kind, fields, said)
    return AdapterConfig(fields, said, kind, rank, name)


def _size(kind: str, fields: Mapping[str, Any], said: str) -> tuple[str, int]:
    """The field that says the size of an adapter, and the size."""
    known = KINDS[kind]
    if not known:
        return "r", 1
    given = [name for name in known if fields.get(name) not in (None, 0)]
    if len(given) > 1 and (kind != "OFT" or fields.get("oft_block_size") != known["oft_block_size"]):
        raise ConfigError(f"{said}: {' and '.join(given)} both say the size; give one, and 0 for the other")
    first = next(iter(known))
    name = given[-1] if given else first
    return name, size_of(fields.get(name, known[name]), f"{said}: {name}")
