"""`cache` and `flops`: the closed forms of what a model's forward pass holds and does."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Any

from symcount.concolic.config.config_source import ConfigSource, construct
from symcount.concolic.config.symbolic import Number, build
from symcount.concolic.session import quiet
from symcount.derivation.formula import DerivedFormula, formula_of
from symcount.derivation.kind_detection import kind_lists, with_kind_lists
from symcount.derivation.origin import Derived
from symcount.derivation.pipeline import derive_class
from symcount.derivation.resolve import missing_package, resolve, shortened
from symcount.errors import DependencyError, DerivationError, UncoveredError
from symcount.foreign import guarded
from symcount.formulas.formula import Formula
from symcount.forward.cache_formula import CacheFormula, cache_formula
from symcount.forward.cache_module import cache_module
from symcount.forward.certificate import disagreement
from symcount.forward.formulas import ForwardFormula
from symcount.forward.given import running_for
from symcount.forward.inputs import BATCH, LENGTH, SIZES, sizes_for
from symcount.forward.operations_formula import OperationsFormula, operations_formula
from symcount.forward.operations_module import operations_module
from symcount.forward.stored import find
from symcount.forward.widening import widened
from symcount.verification.real_model import attribute

__all__ = ["cache", "derived_cache", "flops", "refitted"]

_NO_SIZES: Mapping[str, int] = MappingProxyType({})
_POINTS = 3  # at which a formula is compared with the real forward pass before it is given


@guarded
def cache(source: Any, /, *, batch: int | str = "B", length: int | str = "S", **options: Any) -> CacheFormula:
    """The closed form of what a model's own cache holds after *length* tokens of each of *batch* sequences: elements.

    The model is constructed on the meta device, which allocates nothing, its forward pass is run there with a cache,
    and the sizes of the tensors that the cache has afterwards are read off as expressions in the config's fields: full
    and sliding attention, latent keys, convolution and recurrent states, cross-attention, each for the layers that have
    it. Nothing model-specific is involved. `cache(…).bytes("bf16")` are its bytes.

    Args:
        source: as for `symcount.derive`: a class, its name, a model type, a config in any form.
        batch: a number, or the letter for it.
        length: the same, of tokens of a sequence.
        options: config fields that differ, e.g. `use_sliding_window=True`.

    Raises:
        UnknownModelError, ConfigError, OptionError: see `symcount.derive`.
        DependencyError: torch or transformers is missing.
        DerivationError: the model has no cache, or its forward pass cannot be followed.
        DomainError: a size of the input is no positive number, or one at which the formula does not hold.

    >>> import symcount as sc
    >>> f = sc.cache("LlamaForCausalLM")
    >>> print(f.latex())
    2NBSKD
    >>> f.bytes("bf16").count(N=32, H=4096, A=32, B=1, S=8192)
    4294967296

    Source: concolic execution, as for `symcount.derive`; the sizes of a cache's tensors are those of
    `transformers.cache_utils`.
    """
    try:
        found: CacheFormula | None = find(source, options)
        reason = None
    except UncoveredError as error:
        found, reason = None, error
    try:
        if found is None:
            found = cache_formula(_fitting(source, options, cache_module, "cache", batch, length))
        return found.at(batch=batch, length=length)
    except DependencyError:
        raise reason or DependencyError(
            f"the cache of {_called(source)} is not stored, and to derive it torch and transformers are needed: "
            "pip install 'symcount[hf]'"
        ) from None


def _called(source: Any) -> str:
    """What *source* is called in an error: of a config the class that it names."""
    named = source.get("architectures") if isinstance(source, Mapping) else None
    return str(named[0]) if isinstance(named, list) and named else f"{source!r:.80}"


def derived_cache(source: Any, /, **options: Any) -> CacheFormula:
    """The same, always from the model's own code.

    Raises:
        SymcountError: see `cache`.
    """
    return cache_formula(_derived(source, options, cache_module, "cache"))


@guarded
def flops(source: Any, /, *, batch: int | str = "B", length: int | str = "S", **options: Any) -> OperationsFormula:
    """The closed form of the operations of a forward pass over *length* tokens of each of *batch* sequences.

    Counted are the multiplications and additions of matrix products and convolutions, `2·m·n·k` each, as the model's
    own code calls them; of a mixture those of the experts that a token is routed to; of attention all pairs of tokens,
    of which `.causal()` has half. `.backward()`, `.training()` and `.per_token()` follow from it.

    Args:
        source: as for `symcount.derive`.
        batch: a number, or the letter for it.
        length: the same, of tokens of a sequence.
        options: config fields that differ.

    Raises:
        SymcountError: see `cache`.

    >>> import symcount as sc
    >>> f = sc.flops("LlamaForCausalLM")
    >>> f.count(V=128256, H=4096, I=14336, N=32, A=32, B=1, S=8192)
    171334835372032
    """
    derived = _fitting(source, options, operations_module, "operations", batch, length)
    return operations_formula(derived).at(batch=batch, length=length)


def refitted(found: ForwardFormula, source: Any, options: dict[str, Any], sizes: Mapping[str, int]) -> Any:
    """A formula for inputs of the *sizes* asked for, of which *found* keeps others; see `cache` and `flops`.

    Args:
        found: the formula for inputs of any size, as far as there is one.
        source: as it was asked for.
        options: config fields that differ.
        sizes: `batch` and `length`.

    Raises:
        SymcountError: see `cache`.
    """
    made, model, what = (
        (operations_formula, operations_module, "operations")
        if isinstance(found, OperationsFormula)
        else (cache_formula, cache_module, "cache")
    )
    return made(_derived(source, options, model, what, sizes)).at(**sizes)


def _fitting(
    source: Any, options: dict[str, Any], model: Callable[[type], type], what: str, batch: int | str, length: int | str
) -> DerivedFormula:
    """The formula for inputs of any size; where it keeps one of these, for what is asked for."""
    derived = _derived(source, options, model, what)
    asked = {n: v for n, v in ((BATCH, batch), (LENGTH, length)) if type(v) is int and v > 0}
    if all(derived.pinned.get(n, v) == v for n, v in asked.items()):
        return derived
    return _derived(source, options, model, what, asked)


def _derived(
    source: Any, options: dict[str, Any], model: Callable[[type], type], what: str, sizes: Mapping[str, int] = _NO_SIZES
) -> DerivedFormula:
    """The formula of the model that `model(cls)` makes of the class that *source* says, at *sizes* of an input.

    Where transformers builds no model of a class's own default config, or does not run it, it is that at `running_for`.
    """
    asked, kept = _described(source, options)
    cls, found, name, model_type = resolve(asked, kept)
    try:
        return _at(cls, found, name, model_type, model, what, sizes)
    except DerivationError:
        given = running_for(cls) if isinstance(asked, type | str) and not found.kwargs else None
        if given is None:
            raise
        return _at(cls, resolve(cls, {}, given)[1], name, model_type, model, what, sizes)


def _at(
    cls: Any, found: ConfigSource, name: str, model_type: str, model: Callable[[type], type], what: str,
    sizes: Mapping[str, int],
) -> DerivedFormula:  # fmt: skip
    """The formula of the model that `model(cls)` makes of the config *found*."""
    observed, sized = model(cls), _with_sizes(cls, found, sizes)

    def derived(config: ConfigSource, pinned: Mapping[str, Number] = _NO_SIZES) -> tuple[DerivedFormula, list[str]]:
        """The formula, and where it disagrees with real models."""
        formula = formula_of(derive_class(observed, config, pinned=pinned), name, model_type, Derived())
        return formula, disagreement(formula, _POINTS)

    def made(config: ConfigSource) -> DerivedFormula:
        formula, found = derived(config)
        if found:  # which layers are of which kind is unknown
            formula, found = derived(config, {depth: formula.base[depth] for depth in formula.depths})
        if found:
            raise DerivationError(f"{name}: no closed form of its {what} was found; {found[0]}")
        return widened(formula)

    def general() -> DerivedFormula:
        if arranged := kind_lists(observed, sized):
            with suppress(DerivationError):  # their order matters, perhaps: then the lists are taken as they are
                return made(with_kind_lists(sized, arranged))
        return made(sized)

    def of_sizes_alone() -> DerivedFormula | None:
        """The formula at the config as it is, in the sizes of the input alone."""
        with suppress(DerivationError):
            with quiet():
                numbers = build(sized, {}, ()).symbols
            formula, found = derived(sized, {n: v for n, v in numbers.items() if n not in SIZES})
            return None if found or _sizes_kept(formula) else widened(formula)
        return None

    try:
        try:
            formula = general()
        except DerivationError:
            if (plain := of_sizes_alone()) is None:
                raise
            return plain
        return of_sizes_alone() or formula if _sizes_kept(formula) and not sizes else formula
    except DerivationError as error:
        cause = error.__cause__ or error.__context__
        if isinstance(cause, DerivationError):
            raise cause from None
        if cause is not None and (package := missing_package(cause)):
            raise DependencyError(f"{name} needs {package}, which is not installed: pip install {package}") from None
        if cause is not None:
            raise DerivationError(f"{name}: its {what} cannot be followed: {shortened(cause)}") from cause
        raise


def _sizes_kept(formula: DerivedFormula) -> bool:
    """Whether a formula holds at one size of the input only."""
    return bool({BATCH, LENGTH} & formula.pinned.keys())


def _described(source: Any, options: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """What to resolve: of a formula the class that it is of, with its options."""
    if not isinstance(source, Formula):
        return source, options
    if isinstance(source, DerivedFormula) and source.cls is not None:
        return (source.cls if source.requested is None else source.requested), options
    return source.name, {**source.options, **options}


def _with_sizes(cls: type, source: ConfigSource, sizes: Mapping[str, int]) -> ConfigSource:
    """*source* with the sizes of the input beside the config's own fields, some of which are given."""
    with quiet():
        config = construct(source)
    usual = sizes_for(cls, config)
    kwargs = {**source.kwargs, **usual, **{n: v for n, v in sizes.items() if n in usual}}
    if attribute(config, "is_decoder") is False and not attribute(config, "is_encoder_decoder") and _writes(cls):
        kwargs["is_decoder"] = True  # a decoder that is made of an encoder's layers says so in its config
    if "SequenceClassification" in cls.__name__ and attribute(config, "pad_token_id") is None:
        kwargs["pad_token_id"] = 0  # without one, texts cannot be told apart where they end
    return ConfigSource(source.cls, kwargs)


def _writes(cls: type) -> bool:
    """Whether a model of *cls* continues texts, as its name says."""
    return any(part in cls.__name__ for part in ("CausalLM", "LMHead", "Decoder"))
