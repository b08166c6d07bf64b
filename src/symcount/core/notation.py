r"""The one table of symbols: config field, letter, LaTeX, meaning.

A *letter* is the name a symbol has in formulas (`H`), a *field* the name it has in a transformers config
(`hidden_size`). Every symbol is a positive integer. Config families spell the same quantity differently (`n_embd`,
`d_model`, `dim`); `ALIASES` folds those onto one canonical field, so that `H` means the model's width everywhere.

>>> entry("H").field, entry("hidden_size").letter, entry("n_embd").letter
('hidden_size', 'H', 'H')

Sources: the letters V, L, H, I, N follow "Counting BERT's parameters"; A is BERT's own letter for attention heads
(Devlin et al. 2018, arXiv:1810.04805); E, k are those of the mixture-of-experts literature (Shazeer et al. 2017).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache

from sympy import Symbol

from symcount.errors import NotationError, UnknownSymbolError, near

__all__ = [
    "ALIASES",
    "POSITIONS",
    "TABLE",
    "Entry",
    "Notation",
    "canonical",
    "entry",
    "escape",
    "letters",
    "smallest",
    "symbol",
    "tabulated",
]


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the notation table.

    Attributes:
        letter: the symbol's name in formulas, an identifier.
        field: the config field it stands for; dotted for a field of a sub-config (`vision_config.hidden_size`).
        latex: how it is typeset.
        meaning: a short phrase for a table of notation.
        minimum: the smallest admissible value (1; 0 for the few counts that may be nothing).
        scales: whether the quantity grows with the model (a width or a depth), so that it belongs to the leading term.
        rational: a ratio (`mlp_ratio`), whose exact decimal value is meant, instead of an integer.
        option: 0 or 1, as an option is false or true, instead of a size.
    """

    letter: str
    field: str
    latex: str
    meaning: str
    minimum: int = 1
    scales: bool = False
    rational: bool = False
    option: bool = False

    @property
    def symbol(self) -> Symbol:
        """The SymPy symbol: a positive integer (a positive rational for a ratio, no less than 0 for an option)."""
        return (
            Symbol(self.letter, integer=True, nonnegative=True) if self.option else symbol(self.letter, self.rational)
        )


# The order is the order of factors in a printed term: VH, EHM, HAD.
TABLE: tuple[Entry, ...] = (
    Entry("N", "num_hidden_layers", "N", "number of layers", scales=True),
    Entry("N_enc", "encoder_layers", r"N_{\mathrm{enc}}", "encoder layers", scales=True),
    Entry("N_dec", "decoder_layers", r"N_{\mathrm{dec}}", "decoder layers", scales=True),
    Entry("N_grp", "num_hidden_groups", r"N_{\mathrm{grp}}", "groups of shared layers", scales=True),
    Entry("N_inner", "inner_group_num", r"N_{\mathrm{inner}}", "layers of a group", scales=True),
    Entry("d", "first_k_dense_replace", "d", "leading dense layers", minimum=0),
    Entry("V", "vocab_size", "V", "vocabulary size"),
    Entry("L", "max_position_embeddings", "L", "maximum sequence length"),
    Entry("L_enc", "max_source_positions", r"L_{\mathrm{enc}}", "positions of the encoder"),
    Entry("L_dec", "max_target_positions", r"L_{\mathrm{dec}}", "positions of the decoder"),
    Entry("T", "type_vocab_size", "T", "number of token types"),
    Entry("B", "relative_attention_num_buckets", "B", "relative-position buckets"),
    Entry("Y", "num_labels", "Y", "number of labels"),
    Entry("F", "num_mel_bins", "F", "mel bins"),
    Entry("C", "num_channels", "C", "input channels"),
    Entry("P", "patch_size", "P", "patch size"),
    Entry("R", "image_size", "R", "image size"),
    Entry("R_q", "q_lora_rank", r"R_{\mathrm{q}}", "rank of the compressed queries"),
    Entry("R_kv", "kv_lora_rank", r"R_{\mathrm{kv}}", "rank of the compressed keys and values"),
    Entry("R_dt", "time_step_rank", r"R_{\Delta}", "rank of the time step"),
    Entry("E", "num_experts", "E", "experts of a layer", scales=True),
    Entry("S", "n_shared_experts", "S", "shared experts of a layer", minimum=0),
    Entry("k", "num_experts_per_tok", "k", "experts used by one token"),
    Entry("X", "expand", "X", "expansion of the state-space layer"),
    Entry("Z", "embedding_size", "Z", "embedding size"),
    Entry("H", "hidden_size", "H", "hidden size", scales=True),
    Entry("I", "intermediate_size", "I", "feed-forward size", scales=True),
    Entry("I_enc", "encoder_ffn_dim", r"I_{\mathrm{enc}}", "feed-forward size of the encoder", scales=True),
    Entry("I_dec", "decoder_ffn_dim", r"I_{\mathrm{dec}}", "feed-forward size of the decoder", scales=True),
    Entry("M", "moe_intermediate_size", "M", "feed-forward size of an expert", scales=True),
    Entry("J", "pooler_output_size", "J", "size of the pooled output"),
    Entry("A", "num_attention_heads", "A", "attention heads", scales=True),
    Entry("A_enc", "encoder_attention_heads", r"A_{\mathrm{enc}}", "attention heads of the encoder", scales=True),
    Entry("A_dec", "decoder_attention_heads", r"A_{\mathrm{dec}}", "attention heads of the decoder", scales=True),
    Entry("K", "num_key_value_heads", "K", "key-value heads", scales=True),
    Entry("D", "head_dim", "D", "size of one head"),
    Entry("D_nope", "qk_nope_head_dim", r"D_{\mathrm{nope}}", "size of one head without positions"),
    Entry("D_rope", "qk_rope_head_dim", r"D_{\mathrm{rope}}", "size of one head with rotary positions"),
    Entry("D_v", "v_head_dim", r"D_{\mathrm{v}}", "size of one head's values"),
    Entry("G", "state_size", "G", "state size"),
    Entry("W", "conv_kernel", "W", "width of the convolution"),
)

ALIASES: Mapping[str, str] = {
    "n_embd": "hidden_size",
    "n_embed": "hidden_size",
    "d_model": "hidden_size",
    "dim": "hidden_size",
    "embed_dim": "hidden_size",
    "n_layer": "num_hidden_layers",
    "n_layers": "num_hidden_layers",
    "num_layers": "num_hidden_layers",
    "depth": "num_hidden_layers",
    "depths": "num_hidden_layers",
    "num_decoder_layers": "decoder_layers",
    "n_head": "num_attention_heads",
    "n_heads": "num_attention_heads",
    "num_heads": "num_attention_heads",
    "n_positions": "max_position_embeddings",
    "n_ctx": "max_position_embeddings",
    "max_seq_len": "max_position_embeddings",
    "n_inner": "intermediate_size",
    "d_ff": "intermediate_size",
    "hidden_dim": "intermediate_size",
    "ffn_dim": "intermediate_size",
    "d_kv": "head_dim",
    "num_local_experts": "num_experts",
    "n_routed_experts": "num_experts",
    "in_channels": "num_channels",
}

_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]*\Z", re.ASCII)
_NAMED = {"\\": r"\textbackslash{}", "^": r"\textasciicircum{}", "~": r"\textasciitilde{}"}
_SPECIAL = {**{c: "\\" + c for c in "_&%$#{}"}, **_NAMED}


@cache
def symbol(letter: str, rational: bool = False) -> Symbol:
    """Return the positive-integer SymPy symbol called *letter* (positive rational on request).

    >>> symbol("H").is_integer, symbol("H").is_positive
    (True, True)

    Raises:
        NotationError: *letter* is not an identifier such as `H` or `q_lora_rank`.
    """
    if not isinstance(letter, str) or not _IDENTIFIER.match(letter):
        raise NotationError(f"symbol name {letter!r}: expected a letter or identifier such as H or head_dim")
    name = str(letter)  # symbols are kept for ever: not a parser's token or another subclass of str
    return Symbol(name, rational=True, positive=True) if rational else Symbol(name, integer=True, positive=True)


def letters(names: str) -> tuple[Symbol, ...]:
    """Return the symbols of a space-separated list of letters of the table.

    >>> letters("V H")
    (V, H)
    """
    return tuple(entry(name).symbol for name in names.split())


#: Fields that say how long a text may be.
POSITIONS = ("max_position_embeddings", "max_target_positions")


def canonical(name: str) -> str:
    """Fold a config family's spelling of a field onto the canonical one (`n_embd` -> `hidden_size`)."""
    return ALIASES.get(name, name)


@cache
def tabulated() -> dict[str, Entry]:
    """The table by letter, field and alias."""
    table = {item.letter: item for item in TABLE}
    table.update({item.field: item for item in TABLE})
    table.update({alias: table[target] for alias, target in ALIASES.items()})
    return table


def smallest(field: str) -> int:
    """The smallest admissible value of a config field: the table's, or one.

    >>> smallest("text_config.first_k_dense_replace"), smallest("num_codebooks")
    (0, 1)
    """
    known = tabulated().get(canonical(field.rpartition(".")[2]))
    return known.minimum if known else 1


def entry(name: str) -> Entry:
    """Look a letter, a field or an alias up in the table.

    Raises:
        UnknownSymbolError: the table has no such letter or field.
    """
    if (found := tabulated().get(name)) is None:
        hint = near(name, list(tabulated()))
        raise UnknownSymbolError(f"symbol {name!r} is not in the notation table.{hint}")
    return found


def escape(text: str) -> str:
    r"""Escape LaTeX's special characters in plain *text*.

    >>> print(escape("a_b%"))
    a\_b\%
    """
    return "".join(_SPECIAL.get(c, c) for c in text)


@dataclass(frozen=True)
class Notation:
    """The symbols of one formula, in the order of their introduction; no two share a letter.

    Lookups accept the letter, the config field, or any alias of the field.

    >>> notation = Notation((entry("V"), entry("H")))
    >>> notation["hidden_size"].letter, notation["n_embd"].letter, "I" in notation
    ('H', 'H', False)

    Raises:
        NotationError: two entries have the same letter.
    """

    entries: tuple[Entry, ...]
    _index: Mapping[str, Entry] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        index: dict[str, Entry] = {}
        for item in self.entries:
            other = index.setdefault(item.letter, item)
            if other is not item:
                raise NotationError(
                    f"letter {item.letter!r} stands for both {other.field} and {item.field}; give one of them another"
                )
        for item in self.entries:
            index.setdefault(item.field, item)
        for item in self.entries:
            prefix, _, last = item.field.rpartition(".")
            target = canonical(last)
            for name in (target, *(alias for alias, to in ALIASES.items() if to == target)):
                index.setdefault(f"{prefix}.{name}" if prefix else name, item)
        object.__setattr__(self, "_index", index)

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def __contains__(self, name: str) -> bool:
        return name in self._index

    def __getitem__(self, name: str | Symbol) -> Entry:
        key = name.name if isinstance(name, Symbol) else name
        try:
            return self._index[key]
        except KeyError:
            known = ", ".join(f"{e.letter} ({e.field})" if e.letter != e.field else e.letter for e in self.entries)
            hint = near(str(key), list(self._index))
            raise UnknownSymbolError(f"unknown symbol {key!r}: this formula has {known}.{hint}") from None

    @property
    def names(self) -> tuple[str, ...]:
        """Every name of a symbol: letters, config fields, and other spellings of those."""
        return tuple(self._index)

    def restrict(self, symbols: Iterable[Symbol]) -> Notation:
        """Keep only the entries whose symbol occurs in *symbols*."""
        names = {s.name for s in symbols}
        return Notation(tuple(e for e in self.entries if e.letter in names))

    def with_latex(self, overrides: Mapping[str, str]) -> Notation:
        r"""Return the same notation with other LaTeX for some symbols (`{"H": r"d_{\mathrm{model}}"}`).

        Raises:
            UnknownSymbolError: a name that this formula does not have.
            NotationError: two symbols would be typeset alike.
        """
        own = {self[name].letter: text for name, text in overrides.items()}
        entries = tuple(replace(e, latex=own.get(e.letter, e.latex)) for e in self.entries)
        seen: dict[str, Entry] = {}
        for item in entries:
            alike = re.sub(r"\{(\w)\}", r"\1", item.latex.replace(" ", ""))  # d_{k} and d_k are one sign
            other = seen.setdefault(alike, item)
            if other is not item:
                both = f"{other.letter} and {item.letter}"
                raise NotationError(f"{both} would both be typeset as {item.latex!r}; give one of them another symbol")
        return Notation(entries)
