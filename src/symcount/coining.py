r"""A letter for a config field that the table of symbols does not have: as in the literature, or by the field's words.

A field's name says what kind of quantity it is: a count (`num_…`), a width (`…_dim`), a kernel, a stride, a ratio. The
kind chooses the letter, the words that are left the subscript, from which the empty words are stripped. Several
candidates are given, the shortest first; `symcount.lettering` takes the first that is free.

>>> for name in ("mlp_ratio", "encoder_hidden_size", "num_codebooks", "adapter_stride"):
...     print(coined(name)[0], "|", meaning(name))
r | feed-forward size over hidden size
H_{\mathrm{enc}} | hidden size (encoder)
n_{\mathrm{cb}} | number of codebooks
s_{\mathrm{adapt}} | stride of the adapter
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from symcount.notation import canonical, tabulated

__all__ = ["abbreviated", "coined", "grows", "meaning", "subscripted"]

# field: letters, the best first (a word behind one of them becomes its subscript), and what the field means
_FREQUENT: Mapping[str, tuple[str, str]] = {
    "mlp_ratio": ("r", "feed-forward size over hidden size"),
    "mlp_ratios": ("r", "feed-forward size over hidden size"),
    "spatial_merge_size": ("m", "patches merged along a side"),
    "temporal_patch_size": ("P_t τ", "frames of a patch"),
    "hidden_sizes": ("h", "width of the stages"),
    "conv_kernel_size": ("k W", "kernel size of the convolutions"),
    "out_hidden_size": ("H_out", "width of the output"),
    "conv_dim": ("c", "channels of the convolutions"),
    "num_conv_pos_embeddings": ("k κ k_pos", "kernel size of the positional convolution"),
    "num_conv_pos_embedding_groups": ("g", "groups of the positional convolution"),
    "projection_dim": ("p H_proj", "width of the shared space"),
    "projection_size": ("p H_proj", "width of the shared space"),
    "window_size": ("w", "side of an attention window"),
    "linear_conv_kernel_dim": ("W W_lin", "kernel size in a linear-attention layer"),
    "linear_key_head_dim": ("D_k", "size of one key head in linear attention"),
    "linear_value_head_dim": ("D_v", "size of one value head in linear attention"),
    "linear_num_key_heads": ("A_k", "key heads of linear attention"),
    "linear_num_value_heads": ("A_v", "value heads of linear attention"),
    "linear_head_dim": ("D_lin", "size of one head in linear attention"),
    "linear_num_heads": ("A_lin", "heads of linear attention"),
    "kernel_size": ("k κ", "kernel size"),
    "last_kernel_size": ("k_last", "kernel size of the last convolution"),
    "residual_kernel_size": ("k_res", "kernel size of a residual unit"),
    "mlp_dim": ("I M", "feed-forward size"),
    "stem_channels": ("C_stem", "channels of the stem"),
    "num_position_embeddings": ("L", "number of positions"),
    "index_head_dim": ("D_idx", "size of one head of the indexer"),
    "index_n_heads": ("A_idx", "heads of the indexer"),
    "shared_expert_intermediate_size": ("M_s", "feed-forward size of the shared expert"),
    "shared_experts_intermediate_size": ("M_s", "feed-forward size of the shared experts"),
    "moe_shared_expert_intermediate_size": ("M_s", "feed-forward size of the shared expert"),
    "shared_intermediate_size": ("I_s", "feed-forward size of the shared part"),
    "interleave_moe_layer_step": ("s s_moe", "every how many layers one has experts"),
    "num_self_attends_per_block": ("N", "layers of self-attention"),
    "self_attention_widening_factor": ("r", "expansion in self-attention"),
    "cross_attention_widening_factor": ("r_x", "expansion in cross-attention"),
    "decoder_sparse_step": ("s s_moe", "every how many layers one has experts"),
    "num_filters": ("F f", "filters of the first convolution"),
    "max_2d_position_embeddings": ("L_2 L_2d", "positions along a side of the page"),
    "patch_sizes": ("P", "patch size of the stages"),
    "hidden_expansion": ("r", "expansion of a hidden layer"),
    "conv_depthwise_kernel_size": ("k k_dw", "kernel size of the depthwise convolutions"),
    "cross_attention_frequency": ("f", "every how many layers one attends to the image"),
    "num_codebooks": ("n_cb", "number of codebooks"),
    "num_quantizers": ("n_q", "number of quantizers"),
    "num_semantic_quantizers": ("n_sem", "number of semantic quantizers"),
    "emb_dim": ("H", "hidden size"),
    "mamba_d_state": ("G", "state size"),
    "ssm_state_size": ("G", "state size"),
    "mamba_d_conv": ("W", "width of the convolution of a state-space layer"),
    "mamba_expand": ("X", "expansion of the state-space layer"),
    "mamba_d_head": ("D_m", "size of one head of a state-space layer"),
    "mamba_head_dim": ("D_m", "size of one head of a state-space layer"),
    "mamba_n_heads": ("A_m", "heads of a state-space layer"),
    "mamba_num_heads": ("A_m", "heads of a state-space layer"),
    "n_mamba_heads": ("A_m", "heads of a state-space layer"),
    "mamba_n_groups": ("g", "groups of a state-space layer"),
    "mamba_d_ssm": ("d_m", "inner width of a state-space layer"),
    "mamba_dt_rank": (r"R_\Delta", "rank of the time step"),
    "mamba_intermediate_size": ("I_m", "inner width of a state-space layer"),
    "n_groups": ("g", "number of groups"),
    "num_register_tokens": ("n_reg", "register tokens"),
    "num_queries": ("n_q", "number of queries"),
    "num_query_tokens": ("n_q", "query tokens"),
    "d_head": ("D", "size of one head"),
    "dim_head": ("D", "size of one head"),
    "d_inner": ("I", "feed-forward size"),
    "dff": ("I", "feed-forward size"),
    "ffn_hidden_size": ("I", "feed-forward size"),
    "feed_forward_size": ("I", "feed-forward size"),
    "intermediate_size_mlp": ("I_mlp", "feed-forward size of the dense layers"),
    "hidden_dimension": ("H", "hidden size"),
    "moe_num_experts": ("E", "experts of a layer"),
    "moe_num_shared_experts": ("S", "shared experts of a layer"),
    "num_shared_experts": ("S", "shared experts of a layer"),
    "num_experts_per_token": ("k", "experts used by one token"),
    "moe_topk": ("k", "experts used by one token"),
    "moe_k": ("k", "experts used by one token"),
    "attention_heads": ("A", "attention heads"),
    "attention_head_size": ("D", "size of one head"),
    "kv_channels": ("D", "size of one head"),
    "num_blocks": ("N", "number of blocks"),
    "layers": ("N", "number of layers"),
    "patch_length": ("P", "length of a patch"),
    "tubelet_size": ("P_t", "frames of a tubelet"),
    "context_length": ("L", "length of the context"),
    "context_size": ("L", "length of the context"),
    "num_frames": ("T L_t", "number of frames"),
    "audio_channels": ("C", "audio channels"),
    "num_input_channels": ("C", "input channels"),
    "input_channels": ("C", "input channels"),
    "compress": ("q", "by what a residual unit is narrower"),
    "entity_vocab_size": ("V_e", "number of entities"),
    "entity_emb_size": ("Z_e", "size of an entity's embedding"),
    "word_embed_proj_dim": ("Z", "embedding size"),
    "input_embedding_size": ("Z", "embedding size"),
    "num_buckets": ("B", "buckets of relative positions"),
    "rel_pos_bins": ("B", "buckets of relative positions"),
    "rel_2d_pos_bins": ("B_2 B_2d", "buckets of relative positions on the page"),
    "num_latents": ("n", "number of latents"),
    "d_latents": ("d", "width of a latent"),
    "downsampling_ratios": ("s", "by what a stage shortens"),
    "upsampling_ratios": ("s", "by what a stage lengthens"),
    "upsample_rates": ("s", "by what a stage lengthens"),
    "classifier_proj_size": ("p H_cls", "width of the classifier"),
    "encoder_stride": ("s", "pixels that one output stands for"),
    "output_channels": ("C_out", "channels of the output"),
    "out_channels": ("C_out", "channels of the output"),
    "hidden_size_per_layer_input": ("H_ple", "width of the embeddings of each layer"),
    "vocab_size_per_layer_input": ("V_ple", "vocabulary of the embeddings of each layer"),
    "pos_emb_height": ("L_h", "positions along the height"),
    "pos_emb_width": ("L_w", "positions along the width"),
    "posemb_grid_size": ("L_grid", "positions along a side"),
    "pretrain_image_size": ("R_0 R", "image size of the pretraining"),
    "hc_mult": ("n_hc", "residual streams"),
    "attention_window": ("w", "width of the attention window"),
    "num_adapter_layers": ("N_a N_adapt", "layers of the adapter"),
    "num_codevector_groups": ("g_q g", "groups of code vectors"),
    "num_codevectors_per_group": ("n_q", "code vectors of a group"),
    "codevector_dim": ("d_q", "width of a code vector"),
    "attention_downsample_rate": ("r", "by what attention is narrower"),
    "expand_ratio": ("r", "expansion of a block"),
    "expand_ratios": ("r", "expansion of the stages"),
    "in_channels": ("C_in", "channels of the input"),
    "num_block_repeats": ("N", "number of blocks"),
    "squeeze_expansion_ratio": ("σ", "width of squeeze-and-excitation over the block's"),
    "depth_multiplier": ("α", "width multiplier"),
    "width_multiplier": ("α", "width multiplier"),
    "width_coefficient": ("α", "width multiplier"),
    "depth_coefficient": ("δ", "depth multiplier"),
    "min_depth": ("c_min", "least number of channels"),
    "depth_divisible_by": ("q", "what numbers of channels are a multiple of"),
    "depth_divisor": ("q", "what numbers of channels are a multiple of"),
    "divisor": ("q", "what numbers of channels are a multiple of"),
    "scale_factor": ("m", "patches merged along a side"),
    "downsample_factor": ("m", "patches merged along a side"),
    "pixel_shuffle_factor": ("m", "patches merged along a side"),
}

# the last of these that a name has among its words is its kind: the letter, and how its meaning begins
_KINDS: tuple[tuple[str, str, str], ...] = (
    (r"heads?$", "A", "heads of {}"),
    (r"(num_)?(hidden_)?(layers|layer|blocks|depths?|repeats)$", "N", "layers of {}"),
    (r"experts$", "E", "experts of {}"),
    (r"vocab(ulary)?_sizes?$|buckets$", "V", "vocabulary of {}"),
    (r"kernels?(_sizes?|_dims?)?$|kernel", "k", "kernel size of {}"),
    (r"strides?$", "s", "stride of {}"),
    (
        r"(ratios?|factors?|mult|multiplier|rates?|expansion|expand|scale|coefficient|divisor|multiple_of|reduction)$",
        "r",
        "ratio of {}",
    ),
    (r"channels?$|filters$", "C", "channels of {}"),
    (r"patch_size|patch_length", "P", "patch size of {}"),
    (r"window(_sizes?)?$", "w", "window of {}"),
    (r"(image|img|grid|resolution)_size$", "R", "side of {}"),
    (r"head_dim$|dim_head$|head_size$", "D", "size of one head of {}"),
    (r"groups?$", "g", "groups of {}"),
    (r"rank$", "R", "rank of {}"),
    (r"position|length$|^max_|seq_len|context|pos_emb$", "L", "positions of {}"),
    (r"(intermediate|ffn|feed_?forward|mlp)(_\w+)?_(size|dim)$", "I", "feed-forward size of {}"),
    (r"hidden_(size|dim|dimension)s?$|^hidden", "H", "width of {}"),
    (r"^(num|n|number)_", "n", "number of {}"),
    (r"(size|dim|dims|units|width|features?|dimension)s?$|^(d|dim)_", "d", "width of {}"),
)
_RULES = tuple((re.compile(pattern), letter, begin) for pattern, letter, begin in _KINDS)

_EMPTY = frozenset(
    """
    num n d dim dims size sizes hidden of per the max in number config factor ratio ratios rate mult multiplier
    kernel stride strides layers layer blocks heads head channels depth depths vocab position positions rank group
    groups units length intermediate ffn feed forward expansion dimension dimensions feature features width scale
    """.split()
)
_SHORT = {
    "attention": "attn", "embedding": "emb", "embeddings": "emb", "embed": "emb", "position": "pos", "encoder": "enc",
    "decoder": "dec", "projection": "proj", "projector": "proj", "upsampling": "up", "upsample": "up",
    "downsampling": "down", "downsample": "down", "residual": "res", "resblock": "res", "subsampling": "sub",
    "linear": "lin", "temporal": "t", "spatial": "s", "convolution": "conv", "codebooks": "cb", "codebook": "cb",
    "quantizers": "q", "experts": "exp", "expert": "exp", "shared": "s", "speaker": "spk", "spkr": "spk",
    "language": "lang", "image": "img", "visual": "vis", "vision": "v", "text": "t", "audio": "a", "speech": "sp",
    "semantic": "sem", "acoustic": "ac", "output": "out", "input": "in", "query": "q", "queries": "q", "key": "k",
    "value": "v", "self": "self", "cross": "x", "latent": "lat", "latents": "lat", "feature": "feat",
    "classifier": "cls", "memory": "mem", "pronunciation": "pron", "qformer": "q", "backbone": "b", "generator": "g",
    "discriminator": "d", "question": "qu", "vq": "vq", "tokenizer": "tok", "model": "m", "tokens": "tok",
    "mask": "mask", "prompt": "pr", "depthwise": "dw", "pointwise": "pw", "stage": "st", "intermediate": "int",
    "bottleneck": "bot", "protein": "prot", "thinker": "th", "talker": "ta", "predictor": "pred", "duration": "dur",
}  # fmt: skip
_GROWING = frozenset("AEFHIKMNZcdhp")  # letters of widths, depths and their like
_GREEK = {"τ": r"\tau", "κ": r"\kappa", "σ": r"\sigma", "α": r"\alpha", "δ": r"\delta"}


def coined(name: str) -> list[str]:
    r"""LaTeX for the field *name*, the best first; the last of them is as long as the name itself.

    >>> coined("window_size")[:2], coined("resblock_kernel_sizes")[:2]
    (['w', 'w_{\\mathrm{window}}'], ['k_{\\mathrm{res}}', 'k_{\\mathrm{resblock}}'])
    """
    found: list[str] = []
    if name in _FREQUENT:
        found += [_written(letter) for letter in _FREQUENT[name][0].split()]
    letter, words = _taken_apart(name)
    found += [subscripted(letter, words_below) for words_below in _subscripts(words)]
    everything = [w for w in name.split("_") if w]
    found.append(subscripted(letter, [",".join(map(abbreviated, everything))]))
    found.append(subscripted(letter, [r"\,".join(everything)]))
    return list(dict.fromkeys(found))


def grows(name: str) -> bool:
    """Whether the field *name* is a width or a depth, which grow with a model: not a kernel, a ratio, a head's size.

    >>> [grows(name) for name in ("hidden_sizes", "n_embd", "head_dim", "conv_kernel_size", "vocab_size")]
    [True, True, False, False, False]
    """
    known = tabulated().get(canonical(name))
    return known.scales if known is not None else coined(name)[0][0] in _GROWING


def meaning(name: str) -> str:
    """What the field *name* means, in a few words.

    >>> meaning("window_size"), meaning("duration_predictor_kernel_size"), meaning("gamma")
    ('side of an attention window', 'kernel size of the duration predictor', 'gamma')
    """
    if name in _FREQUENT:
        return _FREQUENT[name][1]
    words = name.split("_")
    for start in range(1, len(words)):
        known = tabulated().get(canonical("_".join(words[start:])))
        if known is not None:
            return f"{known.meaning} ({' '.join(words[:start])})"
    for pattern, _, begin in _RULES:
        if pattern.search(name):
            rest = [w for w in words if w not in _EMPTY]
            if not rest:
                break
            plural = rest[-1].endswith("s")
            counted = begin.startswith("number")
            return begin.format(" ".join(rest) if plural or counted else f"the {' '.join(rest)}")
    return " ".join(words)


def subscripted(letter: str, words: Sequence[str]) -> str:
    r"""*letter* with words below it, behind those that it has.

    >>> print(subscripted("N", ["dec"]), subscripted(r"D_{\mathrm{v}}", ["t"]), subscripted("n_h", ["1"]))
    N_{\mathrm{dec}} D_{\mathrm{v,t}} n_{h,1}
    """
    words = [w for w in words if w]
    if not words:
        return letter
    has = re.fullmatch(r"(.*?)_(?:\{(.*)\}|(\\?\w+))((?:\^.*|')?)", letter)
    base, below, above = (has[1], has[2] or has[3], has[4]) if has else (letter, "", "")
    if not has and (raised := re.fullmatch(r"(.*?)(\^.*|'+)", letter)):
        base, above = raised[1], raised[2]
    new = ",".join(words)
    number = new.replace(",", "").isdigit()
    if not below:
        text = (new if len(new) == 1 else f"{{{new}}}") if number else rf"{{\mathrm{{{new}}}}}"
        return f"{base}_{text}{above}"
    upright = re.fullmatch(r"\\mathrm\{(.*)\}", below)
    if upright and not number:
        return rf"{base}_{{\mathrm{{{upright[1]},{new}}}}}{above}"
    shown = new if number else rf"\mathrm{{{new}}}"
    return f"{base}_{{{below},{shown}}}{above}"


def abbreviated(word: str) -> str:
    """A word as it stands in a subscript.

    >>> abbreviated("attention"), abbreviated("stem"), abbreviated("variance")
    ('attn', 'stem', 'var')
    """
    if word in _SHORT or len(word) <= 6:
        return _SHORT.get(word, word)
    for end in range(3, len(word) - 1):  # a syllable ends before a vowel
        if word[end - 1] not in "aeiouy" and word[end] in "aeiouy":
            return word[:end]
    return word[:5]


def _written(letter: str) -> str:
    base, _, below = letter.partition("_")
    base = _GREEK.get(base, base)
    if not below or below.startswith("\\"):
        return letter if below else base
    return f"{base}_{below}" if below.isdigit() and len(below) == 1 else rf"{base}_{{\mathrm{{{below}}}}}"


def _taken_apart(name: str) -> tuple[str, list[str]]:
    """The letter for *name*, and the words that tell what it belongs to."""
    words = [w for w in name.split("_") if w]
    for start in range(1, len(words)):
        known = tabulated().get(canonical("_".join(words[start:])))
        if known is not None and words[start:] != ["dim"] and words[start - 1] not in ("num", "n", "max"):
            return known.latex, words[:start]
    letter = next((letter for pattern, letter, _ in _RULES if pattern.search(name)), "c")
    rest = [w for w in words if w not in _EMPTY]
    return letter, rest or (words if letter == "c" else [])


def _subscripts(words: Sequence[str]) -> Iterator[list[str]]:
    """Subscripts for a letter: none, the first word, the last, two of them, all; each short, then in full."""
    if not words:
        yield []
        return
    short = [abbreviated(w) for w in words]
    yield [short[0]]
    if len(short) > 1:
        yield [short[-1]]
        yield [f"{short[0]},{short[-1]}"]
    if len(short) > 2:
        yield [",".join(short)]
    yield [words[0]]
