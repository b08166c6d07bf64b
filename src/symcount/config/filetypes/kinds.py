"""The kinds of JSON objects that lie beside a model's config, and by which of their keys each is recognised.

A `Kind` is a row of a table: what the kind is called, by what it is recognised, and what to do instead.
"""

from __future__ import annotations

from typing import NamedTuple

from symcount.config.filetypes.rules import (
    Fields,
    Rule,
    at_least,
    both,
    class_name,
    either,
    every,
    lacks,
    named_numbers,
    only,
    results,
    sizeless,
    some,
    typed,
)

__all__ = ["BESIDE", "KINDS", "Kind"]

BESIDE = "count the config.json beside it"
"""What to do with most of these files."""


class Kind(NamedTuple):
    """One kind of file.

    Attributes:
        name: what it is, with its article.
        recognises: whether a JSON object is of this kind.
        remedy: what to do instead.
        may_say_type: whether it may say a `model_type` as a model's config does.
    """

    name: str
    recognises: Rule
    remedy: str = BESIDE
    may_say_type: bool = False

    def says(self) -> str:
        """The message: what the file is, and what to do."""
        return f"this is {self.name}, not the config of a transformers model; {self.remedy}"


_SIZES_ELSEWHERE = "give a config.json with architectures or model_type and these sizes as transformers spells them"

_GENERATION = frozenset(
    """
    do_sample temperature top_p top_k num_beams max_new_tokens repetition_penalty bos_token_id eos_token_id
    pad_token_id decoder_start_token_id forced_bos_token_id forced_eos_token_id max_length begin_suppress_tokens
    suppress_tokens is_multilingual lang_to_id no_repeat_ngram_size length_penalty early_stopping
    transformers_version _from_model_config use_cache min_length alignment_heads task_to_id
    no_timestamps_token_id return_timestamps prev_sot_token_id max_initial_timestamp_index forced_decoder_ids
    trust_remote_code chat_format max_window_size bad_words_ids renormalize_logits guidance_scale
    cache_implementation min_p typical_p num_return_sequences penalty_alpha user_token_id assistant_token_id
    stop_strings output_attentions output_hidden_states return_dict_in_generate
    """.split()
)
_PROCESSOR = frozenset(
    """
    image_mean image_std do_resize do_normalize do_rescale do_center_crop crop_size resample rescale_factor
    do_convert_rgb do_pad do_flip_channel_order image_seq_length min_pixels max_pixels
    """.split()
)
_TOKENS = frozenset(
    """
    bos_token eos_token unk_token sep_token pad_token cls_token mask_token additional_special_tokens
    extra_special_tokens image_token boi_token eoi_token
    """.split()
)


def _decoded(fields: Fields) -> bool:
    """Generation settings: nothing that has a size, and something that only generation has."""
    if "_from_model_config" in fields:
        return True
    own = set(fields) - {"transformers_version", "use_cache", "output_attentions", "output_hidden_states"}
    return bool(own) and set(fields) <= _GENERATION


KINDS: tuple[Kind, ...] = (
    Kind(
        "an adapter of PEFT (adapter_config.json)",
        either(every("peft_type"), every("base_model_name_or_path", "target_modules")),
        "its base_model_name_or_path names the model: count that one's config.json",
    ),
    Kind(
        "an adapter of AdapterHub (adapter_config.json)",
        both(every("model_class"), typed("config", dict)),
        "count the config.json of the model that it was trained for",
        may_say_type=True,
    ),
    Kind("a scheduler of diffusers, which has no parameters", class_name("Scheduler"), "no count is needed"),
    Kind(
        "a pipeline of diffusers (model_index.json)",
        both(every("_class_name"), lambda f: any(isinstance(v, list) and len(v) == 2 for v in f.values())),
        "its parts have folders of their own: count the config.json of a text or image encoder there",
    ),
    Kind(
        "a model or a part of one of diffusers (class_name)",
        some("_class_name", "_diffusers_version"),
        "symcount counts the models of transformers: of a pipeline, the text and image encoders",
    ),
    Kind(
        "a pooling layer of a sentence-transformers model, which has no parameters",
        both(
            some("word_embedding_dimension", "embedding_dimension"),
            lambda f: any(str(k).startswith("pooling_mode") for k in f),
        ),
        "count the config.json in the folder above it",
    ),
    Kind(
        "a dense layer of a sentence-transformers model",
        every("in_features", "out_features"),
        "its weights come on top of the model that the config.json in the folder above it describes",
    ),
    Kind(
        "a setting of sentence-transformers (config_sentence_transformers.json)",
        either(
            typed("__version__", dict),
            both(
                only("prompts", "default_prompt_name", "similarity_fn_name", "model_type"),
                some("prompts", "similarity_fn_name"),
            ),
        ),
        may_say_type=True,
    ),
    Kind(
        "a setting of sentence-transformers (sentence_bert_config.json)",
        both(
            only(
                "max_seq_length",
                "do_lower_case",
                "model_args",
                "tokenizer_args",
                "config_args",
                "transformer_task",
                "modality_config",
                "module_output_name",
                "processing_kwargs",
                "message_format",
            ),
            some("max_seq_length", "transformer_task"),
        ),
    ),
    Kind("a setting of SetFit (config_setfit.json)", only("labels", "normalize_embeddings", "span_context")),
    Kind(
        "a config of timm",
        both(
            typed("architecture", str),
            some(
                "pretrained_cfg", "num_classes", "num_features", "model_args", "global_pool", "pretrained_cfg_overlay"
            ),
        ),
        "transformers reads it by its TimmWrapper classes, whose sizes are those of timm's own code; symcount has none",
    ),
    Kind(
        "a config of open_clip",
        either(typed("model_cfg", dict), every("vision_cfg", "text_cfg")),
        "give the config.json of the same model as transformers has it (CLIPModel)",
    ),
    Kind(
        "a params.json of Mistral's own format",
        both(
            every("dim", "n_layers", "n_heads", "norm_eps"),
            either(
                some("hidden_dim", "head_dim", "sliding_window", "moe", "max_seq_len", "vision_encoder"),
                every("n_kv_heads", "tie_word_embeddings"),
            ),
        ),
        "the config.json beside it, as transformers reads it, is countable",
    ),
    Kind(
        "a params.json of Llama's own format",
        both(every("dim", "n_layers"), some("multiple_of", "ffn_dim_multiplier", "norm_eps")),
        "the config.json of the version for transformers (-hf) is countable",
    ),
    Kind(
        "a config of the package mamba_ssm",
        both(every("d_model", "n_layer"), some("ssm_cfg", "fused_add_norm"), lacks("hidden_size")),
        "the config.json of the version for transformers (-hf) is countable",
    ),
    Kind("a params.json or hparams.json of GPT-2 as OpenAI published it", every("n_vocab", "n_embd"), _SIZES_ELSEWHERE),
    Kind("the sizes of a Whisper model as OpenAI published it", every("n_mels", "n_audio_state"), _SIZES_ELSEWHERE),
    Kind(
        "a tokenizer (tokenizer.json)", both(typed("model", dict), some("pre_tokenizer", "added_tokens", "normalizer"))
    ),
    Kind(
        "the index of a checkpoint in several files (*.index.json)",
        typed("weight_map", dict),
        f"{BESIDE}, or compare both: symcount verify FILE",
    ),
    Kind(
        "a config of GPTQ (quantize_config.json)",
        both(every("bits", "group_size"), some("desc_act", "damp_percent", "sym")),
    ),
    Kind(
        "a config of AWQ (quant_config.json)",
        either(every("w_bit", "q_group_size"), every("zero_point", "q_group_size")),
    ),
    Kind(
        "a quantisation config (quantize_config.json)",
        either(
            every("quant_method"),
            every("per_channel", "reduce_range"),
            typed("quantization", dict),
            every("hf_quant_config"),
        ),
    ),
    Kind(
        "an image processor (preprocessor_config.json)",
        either(some("image_processor_type"), at_least(2, *_PROCESSOR), every("image_size", "image_mean")),
    ),
    Kind("a video processor (video_preprocessor_config.json)", some("video_processor_type")),
    Kind(
        "a feature extractor (preprocessor_config.json)",
        either(some("feature_extractor_type"), every("feature_size", "sampling_rate")),
    ),
    Kind(
        "a tokenizer's config (tokenizer_config.json)",
        both(
            sizeless,
            some(
                "tokenizer_class",
                "added_tokens_decoder",
                "model_max_length",
                "do_lower_case",
                "tokenizer_file",
                "clean_up_tokenization_spaces",
                "add_prefix_space",
                "special_tokens_map_file",
            ),
        ),
    ),
    Kind("a processor (processor_config.json)", either(every("processor_class"), typed("image_processor", dict))),
    Kind("a map of special tokens (special_tokens_map.json)", only(*_TOKENS)),
    Kind("a chat template (chat_template.json)", only("chat_template", "default")),
    Kind("settings for generation (generation_config.json)", _decoded),
    Kind("the state of a training run (trainer_state.json)", every("log_history")),
    Kind(
        "a file of training arguments",
        either(
            every("learning_rate", "output_dir"),
            at_least(
                3,
                "learning_rate",
                "num_train_epochs",
                "warmup_steps",
                "per_device_train_batch_size",
                "output_dir",
                "lr_scheduler_type",
                "weight_decay",
                "gradient_accumulation_steps",
            ),
        ),
    ),
    Kind("a config of DeepSpeed", some("zero_optimization", "train_micro_batch_size_per_gpu", "train_batch_size")),
    Kind("a file of results", results),
    Kind("a model of Keras", every("class_name", "config"), "symcount counts the models of transformers"),
    Kind("a config of ONNX Runtime (genai_config.json)", both(typed("model", dict), typed("search", dict))),
    Kind("a model of spaCy (meta.json)", every("lang", "pipeline"), "symcount counts the models of transformers"),
    Kind(
        "the plan of an optimiser's export (export_config.json)",
        some("onnx_config", "openvino_config", "optimum_version"),
    ),
    Kind("a package of JavaScript (package.json)", both(typed("dependencies", dict), every("name"))),
    Kind("a notebook of Jupyter", every("cells", "nbformat")),
    Kind("a vocabulary (vocab.json, added_tokens.json)", lambda f: bool(f) and named_numbers(f)),
)
"""Every kind that is recognised; the first that fits is told, so that the more particular ones stand first."""
