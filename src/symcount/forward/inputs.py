"""What a model is given so that its forward pass can be followed: `batch` texts of `length` tokens, or images.

The sizes of the input travel as fields of the config, beside its own, so that they are symbols like those. Sizes that a
config has itself (`image_size`, `num_mel_bins`) are its own. A model of texts and images that marks the places of the
images by tokens is given a text alone.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from symcount.errors import DerivationError
from symcount.verification.real_model import attribute

__all__ = ["BATCH", "CHOICES", "KNOWN", "LENGTH", "SIDE", "SIZES", "SOURCE", "content", "inputs", "sizes_for"]

#: The config fields under which the sizes of the input travel, and the numbers that they have by default.
BATCH, LENGTH, SOURCE, SIDE, CHOICES = "batch", "length", "source", "side", "choices"
SIZES = {BATCH: 3, LENGTH: 37, SOURCE: 41, SIDE: 224, CHOICES: 5}
#: Inputs whose content is known: the first of several languages, a box without extent, how many patches an image has.
KNOWN = ("lang_ids", "bbox", "grid_thw")
_SAMPLES = 6007  # of a wave, of which a token takes hundreds
_IMAGE = ("image_size", "img_size", "input_size")
_CHANNELS = ("num_channels", "in_channels", "in_chans")
_BINS = ("num_mel_bins", "feature_size", "input_feat_per_channel", "feature_projection_input_dim", "input_dim")
_CODEBOOKS = ("num_codebooks",)
_PARTS = (
    "vision_config",
    "backbone_config",
    "encoder",
    "audio_config",
    "vision_encoder_config",
    "image_encoder_config",
)


def sizes_for(cls: type, config: Any) -> dict[str, int]:
    """The sizes of the input that a model of *cls* has, with numbers to begin with."""
    found = {BATCH: SIZES[BATCH]}
    main = getattr(cls, "main_input_name", "input_ids")
    if "grid_thw" in _required(cls):  # the patches of one image
        return {SIDE: SIZES[SIDE]} if _size_of(config, _IMAGE) is None else {}
    if _translates(cls, config):
        found |= {LENGTH: SIZES[LENGTH], SOURCE: SIZES[SOURCE]}
        if main == "input_values":
            found[SOURCE] = _SAMPLES
    elif main == "pixel_values" and not _takes(cls, "input_ids"):
        pass
    else:
        found[LENGTH] = _SAMPLES if main == "input_values" else SIZES[LENGTH]
    if "MultipleChoice" in cls.__name__:
        found[CHOICES] = SIZES[CHOICES]
    pictures = main == "pixel_values" or "pixel_values" in _required(cls) or _paired(cls, config)
    if pictures and _size_of(config, _IMAGE) is None:
        found[SIDE] = SIZES[SIDE]
    return found


def inputs(model: Any, config: Any, *, cached: bool = True) -> dict[str, Any]:
    """The arguments of `model.forward`.

    Raises:
        DerivationError: it wants one of which nothing is known.
    """
    cls = type(model)
    accepted = inspect.signature(model.forward).parameters
    wanted = _required(cls)
    if "grid_thw" not in wanted:
        wanted.insert(0, model.main_input_name)
    if _translates(cls, config):
        wanted.append("decoder_input_ids" if "decoder_input_ids" in accepted else "labels")
    elif _paired(cls, config):
        wanted += ["input_ids", "pixel_values"]
    wanted += [n for n in ("lang_ids", "bbox") if n in accepted]
    given: dict[str, Any] = {}
    for name in dict.fromkeys(wanted):
        make = _patches if "grid_thw" in wanted and name == "pixel_values" else _MAKERS.get(name)
        if make is None:
            raise DerivationError(f"{cls.__name__} wants {name}, of which nothing is known")
        given[name] = make(model, config)
    if "use_cache" in accepted or any(p.kind is p.VAR_KEYWORD for p in accepted.values()):
        given["use_cache"] = cached
    return given


def _required(cls: Any) -> list[str]:
    """The arguments of the forward pass that have no default."""
    accepted = list(inspect.signature(cls.forward).parameters.values())[1:]
    return [p.name for p in accepted if p.default is p.empty and p.kind is p.POSITIONAL_OR_KEYWORD]


def _takes(cls: Any, name: str) -> bool:
    return name in inspect.signature(cls.forward).parameters


def _translates(cls: type, config: Any) -> bool:
    """Whether an encoder reads one sequence, and a decoder writes another."""
    return bool(attribute(config, "is_encoder_decoder", False)) and _takes(cls, "decoder_input_ids")


def _paired(cls: type, config: Any) -> bool:
    """Whether a text and an image are both needed, as to compare them; what continues texts does so without one."""
    if not (_takes(cls, "input_ids") and _takes(cls, "pixel_values")) or "CausalLM" in cls.__name__:
        return False
    marks = ("image_token_id", "image_token_index", "image_token")
    return all(attribute(config, n) is None for n in marks) and attribute(config, "vision_config") is not None


def _parts(config: Any) -> Iterator[Any]:
    yield config
    for name in _PARTS:
        part = attribute(config, name)
        if part is not None and not isinstance(part, Mapping | str):
            yield from _parts(part)
    for name in getattr(type(config), "sub_configs", {}):
        if name not in _PARTS and (part := attribute(config, name)) is not None:
            yield from _parts(part)


def _size_of(config: Any, names: Sequence[str]) -> Any:
    """The first of the fields *names* that a config, or a part of it, has."""
    found = (attribute(part, n) for part in _parts(config) for n in names)
    return next((value for value in found if value is not None), None)


def _tokens(model: Any, config: Any) -> Any:
    """Tokens of a text; of a model with an encoder those that this reads."""
    choices = [CHOICES] if attribute(config, CHOICES) is not None else []
    sequences = BATCH if _translates(type(model), config) else _sequences(model, config)
    return _integers(config, sequences, *choices, _length(model, config))


def _written_tokens(model: Any, config: Any) -> Any:
    """Tokens of the text that a decoder writes."""
    return _integers(config, _sequences(model, config), LENGTH)


def _sequences(model: Any, config: Any) -> str | int:
    """How many sequences of tokens there are: one for each codebook, where each has a table of its own."""
    tables = [m for n, m in model.named_modules() if n.rpartition(".")[2] == "embed_tokens"]
    books = _size_of(config, _CODEBOOKS)
    if books is None or not any(type(m).__name__ == "ModuleList" and len(m) == int(books) for m in tables):
        return BATCH
    number: int = getattr(config, BATCH) * books
    return number


def _length(model: Any, config: Any) -> str:
    """The field of the length of what a model reads."""
    return SOURCE if _translates(type(model), config) else LENGTH


def _integers(config: Any, *sizes: str | int) -> Any:
    import torch

    shape = tuple(getattr(config, size) if isinstance(size, str) else size for size in sizes)
    return torch.zeros(shape, dtype=torch.long)


def _pixels(model: Any, config: Any) -> Any:
    import torch

    size: Any = _size_of(config, _IMAGE)
    size = getattr(config, SIDE) if size is None else size
    if isinstance(size, Mapping):
        size = [size["height"], size["width"]] if "height" in size else next(iter(size.values()))
    height, width = size[-2:] if isinstance(size, list | tuple) and len(size) > 1 else [size, size]
    channels = _size_of(config, _CHANNELS)
    frames = _size_of(config, ("num_frames",))
    each = () if frames is None else (frames,)
    return torch.zeros((getattr(config, BATCH), *each, 3 if channels is None else channels, height, width))


def _features(model: Any, config: Any) -> Any:
    """Spectra of sounds: mel bins by frames, the frames last where a convolution is to go over them."""
    import torch

    batch, bins = getattr(config, BATCH), _size_of(config, _BINS)
    positions = attribute(config, "max_source_positions")
    if bins is None:
        raise DerivationError(f"{type(model).__name__} wants spectra, and its config does not say of how many bins")
    stacked = _size_of(config, _BINS[:3]) is None
    if positions is not None and not stacked and attribute(config, "num_conv_layers") is None:
        return torch.zeros((batch, bins, 2 * positions))
    shape = batch, getattr(config, _length(model, config)), bins
    convolution = next((m for m in model.modules() if type(m).__name__ == "Conv1d"), None)
    first = convolution is not None and int(convolution.in_channels) == int(bins) and (
        attribute(config, "num_conv_layers") is None)  # fmt: skip
    return torch.zeros((shape[0], shape[2], shape[1]) if first else shape)


def _waves(model: Any, config: Any) -> Any:
    import torch

    batch, bins, frames = getattr(config, BATCH), attribute(config, "num_mel_bins"), attribute(config, "max_length")
    if bins is not None and isinstance(frames, int) and attribute(config, "conv_dim") is None:
        return torch.zeros((batch, frames, bins))
    size = getattr(config, _length(model, config))
    coded = _size_of(config, ("audio_channels", "upsampling_ratios")) is not None
    return torch.zeros((batch, 1, size) if coded else (batch, size))


def _embedded(model: Any, config: Any) -> Any:
    import torch

    return torch.zeros((getattr(config, BATCH), getattr(config, _length(model, config)), config.hidden_size))


def _patches(model: Any, config: Any) -> Any:
    """The patches of one image, each flat."""
    import torch

    size, patch = _square(config)
    channels, frames = _size_of(config, _CHANNELS), attribute(config, "temporal_patch_size", 1)
    return torch.zeros(((size // patch) * (size // patch), (3 if channels is None else channels) * frames * patch**2))


def _grid(model: Any, config: Any) -> Any:
    return _integers(config, 1, 3)


def content(name: str, tensor: Any, config: Any) -> Any:
    """What an input of `KNOWN` contains, on the CPU."""
    import torch

    if name == "grid_thw":  # in time, downwards, to the right
        size, patch = _square(config)
        return torch.tensor([[1, int(size // patch), int(size // patch)]], device="cpu")
    return torch.zeros(tuple(map(int, tensor.shape)), dtype=torch.long, device="cpu")


def _square(config: Any) -> tuple[int, int]:
    size = _size_of(config, _IMAGE)
    return getattr(config, SIDE) if size is None else size, config.patch_size


def _series(model: Any, config: Any) -> Any:
    """What was measured of several channels."""
    import torch

    channels = attribute(config, "num_input_channels")
    if channels is None:
        raise DerivationError(f"{type(model).__name__} wants past_values, and its config has no num_input_channels")
    return torch.zeros((getattr(config, BATCH), config.context_length, channels))


def _boxes(model: Any, config: Any) -> Any:
    return _integers(config, BATCH, LENGTH, 4)


def _languages(model: Any, config: Any) -> Any:
    return _integers(config, BATCH)


_MAKERS: Mapping[str, Callable[[Any, Any], Any]] = {
    "input_ids": _tokens,
    "decoder_input_ids": _written_tokens,
    "pixel_values": _pixels,
    "input_features": _features,
    "input_values": _waves,
    "bbox": _boxes,
    "inputs_embeds": _embedded,
    "hidden_states": _patches,
    "grid_thw": _grid,
    "past_values": _series,
    "lang_ids": _languages,
}
