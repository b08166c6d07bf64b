r"""Whose letters a formula is written in: presets, an author's own, and what must not be.

| preset | layers | width | feed-forward | source |
|---|---|---|---|---|
| `default` | `N` | `H` | `I` | the one table, `symcount.core.notation` |
| `bert` | `L` | `H` | `F` | Devlin et al. 2018, arXiv:1810.04805, §3 (L, H, A; the paper has no letters for the rest) |
| `vaswani` | `N` | `d_{\mathrm{model}}` | `d_{\mathrm{ff}}` | Vaswani et al. 2017, arXiv:1706.03762, §3 |
| `kaplan` | `n_{\mathrm{layer}}` | `d_{\mathrm{model}}` | `d_{\mathrm{ff}}` | Kaplan et al. 2020, arXiv:2001.08361 |
| `llama` | `n_{\mathrm{layers}}` | `\mathrm{dim}` | `\mathrm{hidden\_dim}` | `ModelArgs` of Llama's reference code |
| `deepseek` | `l` | `d` | `d_{\mathrm{ff}}` | DeepSeek-AI 2024, arXiv:2412.19437, §2.1 |
| `fields` | `\mathrm{num\_hidden\_layers}` | `\mathrm{hidden\_size}` | … | the names in the model's config |

A quantity for which a preset has no letter keeps that of the table; one of a sub-config or a list carries that as
before. An author's own letters (`{"H": r"d"}`) go before the preset's.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from symcount.core.letters import decorated
from symcount.core.notation import Notation, canonical, escape
from symcount.core.towers import towers
from symcount.errors import NotationError, near
from symcount.typeset.tex import parse
from symcount.typeset.text import text as as_text

__all__ = ["PRESETS", "signs_of", "with_symbols"]

# canonical config field -> LaTeX
PRESETS: Mapping[str, Mapping[str, str]] = {
    "default": {},
    "bert": {
        "num_hidden_layers": "L",
        "hidden_size": "H",
        "num_attention_heads": "A",
        "intermediate_size": "F",
        "max_position_embeddings": "S",
        "num_mel_bins": "M",
        "n_shared_experts": "E_s",
    },
    "vaswani": {
        "num_hidden_layers": "N",
        "hidden_size": r"d_{\mathrm{model}}",
        "intermediate_size": r"d_{\mathrm{ff}}",
        "moe_intermediate_size": r"d_{\mathrm{expert}}",
        "num_attention_heads": "h",
        "num_key_value_heads": r"h_{\mathrm{kv}}",
        "head_dim": "d_k",
        "max_position_embeddings": "n",
        "encoder_ffn_dim": r"d_{\mathrm{ff,enc}}",
        "decoder_ffn_dim": r"d_{\mathrm{ff,dec}}",
        "encoder_attention_heads": r"h_{\mathrm{enc}}",
        "decoder_attention_heads": r"h_{\mathrm{dec}}",
    },
    "kaplan": {
        "num_hidden_layers": r"n_{\mathrm{layer}}",
        "encoder_layers": r"n_{\mathrm{layer,enc}}",
        "decoder_layers": r"n_{\mathrm{layer,dec}}",
        "first_k_dense_replace": r"n_{\mathrm{dense}}",
        "hidden_size": r"d_{\mathrm{model}}",
        "intermediate_size": r"d_{\mathrm{ff}}",
        "encoder_ffn_dim": r"d_{\mathrm{ff,enc}}",
        "decoder_ffn_dim": r"d_{\mathrm{ff,dec}}",
        "moe_intermediate_size": r"d_{\mathrm{expert}}",
        "num_attention_heads": r"n_{\mathrm{heads}}",
        "encoder_attention_heads": r"n_{\mathrm{heads,enc}}",
        "decoder_attention_heads": r"n_{\mathrm{heads,dec}}",
        "num_key_value_heads": r"n_{\mathrm{kv}}",
        "head_dim": r"d_{\mathrm{head}}",
        "vocab_size": r"n_{\mathrm{vocab}}",
        "max_position_embeddings": r"n_{\mathrm{ctx}}",
        "type_vocab_size": r"n_{\mathrm{types}}",
        "num_experts": r"n_{\mathrm{experts}}",
        "n_shared_experts": r"n_{\mathrm{shared}}",
        "num_labels": r"n_{\mathrm{labels}}",
    },
    "llama": {
        "num_hidden_layers": r"n_{\mathrm{layers}}",
        "hidden_size": r"\mathrm{dim}",
        "intermediate_size": r"\mathrm{hidden\_dim}",
        "num_attention_heads": r"n_{\mathrm{heads}}",
        "num_key_value_heads": r"n_{\mathrm{kv\_heads}}",
        "head_dim": r"\mathrm{head\_dim}",
        "vocab_size": r"\mathrm{vocab\_size}",
        "max_position_embeddings": r"\mathrm{max\_seq\_len}",
    },
    "deepseek": {
        "num_hidden_layers": "l",
        "hidden_size": "d",
        "intermediate_size": r"d_{\mathrm{ff}}",
        "moe_intermediate_size": r"d_{\mathrm{e}}",
        "first_k_dense_replace": r"l_{\mathrm{dense}}",
        "num_attention_heads": "n_h",
        "num_key_value_heads": r"n_{\mathrm{kv}}",
        "head_dim": "d_h",
        "qk_nope_head_dim": "d_h",
        "qk_rope_head_dim": "d_h^R",
        "v_head_dim": r"d_h^V",
        "kv_lora_rank": "d_c",
        "q_lora_rank": "d_c'",
        "num_experts": "N_r",
        "n_shared_experts": "N_s",
        "num_experts_per_tok": "K_r",
    },
}
_FIELDS = "fields"
_LETTERS = re.compile(r"(?<![\\A-Za-z])(?:[A-Za-z]{2,}(?:_[A-Za-z]+)*|[A-Za-z]+_[A-Za-z]{2,})")  # hidden_size, dim
_FORBIDDEN = {"$": "ends the formula", "%": "starts a comment", "#": "is an argument", "~": "is a space", '"': "quotes"}


def with_symbols(notation: Notation, preset: str | None = None, own: Mapping[str, str] | None = None) -> Notation:
    r"""*notation* in the letters of a *preset*, and the author's *own* (by letter or config field) before them.

    >>> from symcount.core.notation import entry
    >>> letters = with_symbols(Notation((entry("N"), entry("H"))), "kaplan", {"N": r"\ell"})
    >>> [e.latex for e in letters]
    ['\\ell', 'd_{\\mathrm{model}}']

    Raises:
        UnknownSymbolError: an own letter for something that the formula does not have.
        NotationError: no such preset; LaTeX that would not compile or reads as something else; two symbols alike.
    """
    latex = _preset(notation, preset) if preset is not None else {}
    for name, text in (own or {}).items():
        latex[notation[name].letter] = checked(notation[name].letter, text)
    return notation.with_latex(latex) if latex else notation


def signs_of(letters: Notation, before: Notation, *, ascii_only: bool = False) -> dict[str, str]:
    r"""What is written for each letter that looks otherwise in *letters* than *before*, as text.

    >>> from symcount.core.notation import entry
    >>> known = Notation((entry("N"), entry("H")))
    >>> signs_of(with_symbols(known, own={"H": r"d_{\mathrm{model}}"}), known)
    {'H': 'd_model'}
    """
    pairs = zip(letters, before, strict=True)
    return {e.letter: as_text(e.latex, ascii_only=ascii_only) for e, old in pairs if e.latex != old.latex}


def _preset(notation: Notation, preset: str) -> dict[str, str]:
    if preset == _FIELDS:
        return {e.letter: rf"\mathrm{{{escape(e.field)}}}" for e in notation}
    if preset not in PRESETS:
        known = [*PRESETS, _FIELDS]
        raise NotationError(f"notation {preset!r}: expected one of {', '.join(known)}.{near(str(preset), known)}")
    found = {}
    marks = towers(e.field for e in notation)
    for e in notation:
        name = e.field.rpartition(".")[2].partition("[")[0]
        letter = PRESETS[preset].get(canonical(name))
        if letter is not None:
            found[e.letter] = decorated(letter, e.field, marks)
    return found


def checked(letter: str, latex: str) -> str:
    r"""What an author wants *letter* to look like, if it is mathematics that says one thing.

    >>> checked("H", "d_{model}")
    Traceback (most recent call last):
    ...
    symcount.errors.NotationError: H as 'd_{model}': 'model' reads as a product of letters; write \mathrm{model}

    Raises:
        NotationError: it is empty, would not compile, is a number, or is a word in italics, which reads as a product.
    """
    text = latex.strip() if isinstance(latex, str) else ""
    if not text:
        raise NotationError(f"{letter} as {latex!r}: expected LaTeX for a symbol, such as d_{{\\mathrm{{model}}}}")
    bare = re.sub(r"\\.", "", text)
    for sign, what in _FORBIDDEN.items():
        if sign in bare:
            raise NotationError(f"{letter} as {latex!r}: {sign} {what} in LaTeX; leave it out or write \\{sign}")
    if "&" in bare or "\\\\" in text or r"\begin" in text or "\n" in text:
        raise NotationError(f"{letter} as {latex!r}: expected one symbol, without alignment or line breaks")
    upright = re.sub(r"\\(mathrm|text|textrm|mathit|mathsf|mathtt|operatorname)\s*\{(?:\\.|[^{}])*\}", "{}", text)
    if word := _LETTERS.search(upright):
        raise NotationError(
            f"{letter} as {latex!r}: {word[0]!r} reads as a product of letters; write \\mathrm{{{escape(word[0])}}}"
        )
    if re.search(r"[+=(),;<>*/|-]", re.sub(r"[_^]\{[^{}]*\}", "", upright)) or re.match(r"[\d.\s{}]+\Z", text):
        raise NotationError(f"{letter} as {latex!r}: expected one symbol, not a number or an expression")
    parse(text)
    return text
