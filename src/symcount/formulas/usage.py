"""What a model's formula is the beginning of: its bytes, cache and operations, adapters, the share of one rank.

The packages that make these are above this one, and none of them is known here: see `symcount.formulas.registry`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from symcount.foreign import guarded_methods
from symcount.formulas.registry import made_by

if TYPE_CHECKING:
    from symcount.formulas.formula import Formula
    from symcount.forward.cache_formula import CacheFormula
    from symcount.forward.operations_formula import OperationsFormula

__all__ = ["Used"]


@guarded_methods
class Used:
    """Further formulas that follow from a model's."""

    @property
    def _whole(self) -> Formula:
        return cast("Formula", self)

    def cache(
        self, batch: int | str = "B", length: int | str = "S", *, dtype: Any = None, config: Any = None
    ) -> CacheFormula:
        """What the model's own cache holds after *length* tokens of each of *batch* sequences; see `symcount.cache`.

        Args:
            batch: a number, or the letter for it.
            length: the same, of tokens.
            dtype: of the model: then its bytes; by default its elements.
            config: in any form, where it has numbers that the parameters do not depend on (`sliding_window`).

        Raises:
            SymcountError: see `symcount.cache`.
        """
        made = made_by("cache")(self._whole if config is None else config, batch=batch, length=length)
        found = cast("CacheFormula", made)
        return found if dtype is None else found.bytes(dtype)

    def flops(self, batch: int | str = "B", length: int | str = "S", *, config: Any = None) -> OperationsFormula:
        """The operations of a forward pass over *length* tokens of each of *batch* sequences; see `symcount.flops`.

        Raises:
            SymcountError: see `symcount.flops`.
        """
        made = made_by("flops")(self._whole if config is None else config, batch=batch, length=length)
        return cast("OperationsFormula", made)

    def bytes(
        self,
        dtype: Any = "bfloat16",
        part: str = "weights",
        *,
        optimizer: str = "adamw",
        master: bool = False,
        kept: bool = True,
        quantization: Mapping[str, Any] | None = None,
        page: int = 1,
        values: Mapping[str, Any] | None = None,
    ) -> Formula:
        """The bytes of the weights, of their gradients, or of what an optimizer keeps, as a formula.

        Args:
            dtype: of the weights: `bfloat16`, `float32`, `fp16`, … What is trained in another type says so itself.
            part: `weights`, `gradients`, `optimizer`, `master` (copies in fp32), `step` (what a step takes besides for
                a while) or `training`: all but the last together.
            optimizer: see `symcount.storage.optimizers`: `adamw`, `sgd_momentum`, `adafactor`, `muon`, `adamw_8bit`, …
            master: whether the optimizer works on copies of the weights in fp32.
            kept: whether what transformers keeps in fp32 when it loads a model in half precision stays so; otherwise
                everything is in *dtype*, as after `model.to(dtype)`. Adapters are in fp32 too, as PEFT makes them.
            quantization: a config's `quantization_config`; see `symcount.storage.quantizers`.
            page: each tensor takes a multiple of so many bytes: 512 of torch's CUDA allocator.
            values: sizes by letter, where layers are named by their index; by default the model's defaults.

        Raises:
            OptionError: no such type, part, optimizer or quantisation.

        >>> import symcount as sc
        >>> f = sc.formula("gpt2").bytes("bf16")
        >>> f.count(V=50257, L=1024, H=768, N=12), f.diff("N")
        (248879616, 24*H**2 + 26*H)
        """
        storage = (dtype, optimizer, master, kept, quantization, page, values)
        return cast("Formula", made_by("bytes")(self._whole, part, *storage))

    def lora(self, rank: int = 8, targets: Any = None, **options: Any) -> Formula:
        """The model with LoRA, whose rank is a letter; the convention `trainable` counts the adapter alone.

        Args:
            rank: the value of that letter.
            targets: the names of the modules that are adapted, a pattern, or `all-linear`; by default PEFT's own.
            options: further fields of PEFT's `LoraConfig`: `use_dora`, `rank_pattern`, `modules_to_save`,
                `target_parameters`, …

        Raises:
            ConfigError, OptionError, StructureError: see `adapter`.

        >>> import symcount as sc
        >>> f = sc.formula("LlamaForCausalLM").lora(8)
        >>> print(f.latex(convention="trainable"))
        N(ADr + KDr + 2Hr)
        >>> f.count({}, convention="trainable"), f.count({}, convention="trainable", r=16)
        (4194304, 8388608)
        """
        return self.adapter("lora", **{"r": rank, "target_modules": targets, **options})

    def adapter(self, method: str, *, values: Mapping[str, Any] | None = None, **options: Any) -> Formula:
        r"""The model with an adapter of PEFT, whose rank, or the size that takes its place, is a letter.

        Args:
            method: `lora`, `adalora`, `vera`, `loha`, `lokr`, `ia3`, `oft`, `boft`, `prefix_tuning`, `prompt_tuning` or
                `p_tuning`; see `symcount.adapters.methods` and `prompts`.
            values: sizes by letter, where divisors of a size are needed, or layers are named by their index; by default
                the model's defaults.
            options: fields of the method's config in PEFT, such as `r` and `target_modules`, with PEFT's defaults.

        Raises:
            ConfigError: an option is malformed.
            OptionError: a method or option that is not known, or PEFT has no default targets for the model.
            StructureError: nothing is adapted.

        >>> import symcount as sc
        >>> f = sc.formula("LlamaForCausalLM").adapter("oft", target_modules=["q_proj"])
        >>> print(f.latex(convention="trainable"))
        N(Hb/2 - H/2)
        """
        return cast("Formula", made_by("adapter")(self._whole, method, options, values))

    def shard(
        self, ranks: int, scheme: str = "fsdp2", *, rank: int = 0, plan: Mapping[str, str] | None = None
    ) -> Formula:
        """The parameters that one of several ranks holds, whose number is a letter; `bytes` of it are that rank's.

        Args:
            ranks: the value of that letter.
            scheme: `fsdp2` (each parameter by rows), `zero3` (each parameter flat, padded) or `tp`: the tensor
                parallelism of transformers.
            rank: which; with sizes that do not divide, the last ones hold less.
            plan: of `tp`: the style by the path of a module or parameter, with `*` for indices; by default the one that
                the model's class has in the transformers that is installed.

        Raises:
            OptionError: no such scheme or rank, or a model without a plan.
            DependencyError: the plan is to be read, and torch or transformers is missing.

        >>> import symcount as sc
        >>> f = sc.formula("gpt2").shard(8)
        >>> f.count({}), f.bytes("bf16").count({}), f.count({}, W=16)
        (15555648, 31111296, 7778208)
        """
        return cast("Formula", made_by("shard")(self._whole, ranks, scheme, rank, plan))
