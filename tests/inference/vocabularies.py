"""Small tokenizers of the kinds that models have, written by transformers."""

import json
from pathlib import Path

from tokenizers import Regex, Tokenizer, decoders, normalizers, pre_tokenizers, processors
from tokenizers.models import BPE
from tokenizers.trainers import BpeTrainer
from transformers import PreTrainedTokenizerFast

CORPUS = [
    "The tram climbs the hill in Lisbon. The office is near the tram, and the tram is yellow.",
    "She said that they'll write the report; it's 2026 and there are 12,345 readers.",
    "Das Büro öffnet morgen. L'été arrive. 你好，世界！今天的天气很好。",
] * 4
CONTROLS = ["<|begin|>", "<|im_start|>", "<|im_end|>"]
THINK = ["<think>", "</think>"]
CHATML = (
    "{%- for message in messages -%}<|im_start|>{{ message.role }}\n{{ message.content | trim }}"
    "<|im_end|>\n{%- endfor -%}{% if add_generation_prompt %}<|im_start|>assistant\n"
    "{%- if enable_thinking is defined and enable_thinking is false %}<think>\n\n</think>\n\n"
    "{%- endif %}{% endif %}"
)
# Like the first Mistral: no system turn, and user and assistant must alternate.
INST = (
    "{{ bos_token }}{% for m in messages %}{% if m.role == 'user' %}"
    "{% if loop.index0 % 2 %}{{ raise_exception('turns must alternate') }}{% endif %}"
    "[INST] {{ m.content }} [/INST]{% elif m.role == 'assistant' %}{{ m.content }}{{ eos_token }}"
    "{% else %}{{ raise_exception('only user and assistant') }}{% endif %}{% endfor %}"
)
WORDS = r"[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
BYTES = [f"<0x{byte:02X}>" for byte in range(256)]
SPACE = "\u2581"


def byte_level(directory: Path) -> PreTrainedTokenizerFast:
    """Write one like Llama 3 and Qwen: control tokens after the vocabulary, and some as text."""
    rules = Tokenizer(BPE())
    rules.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(WORDS), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    rules.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    rules.train_from_iterator(CORPUS, BpeTrainer(vocab_size=310, initial_alphabet=alphabet))
    rules.add_special_tokens(CONTROLS)
    rules.add_tokens(THINK)
    rules.post_processor = processors.TemplateProcessing(
        single="<|begin|> $A", special_tokens=[("<|begin|>", rules.token_to_id("<|begin|>"))]
    )
    return _saved(rules, directory, CHATML, bos="<|begin|>", eos="<|im_end|>")


def sentencepiece(directory: Path, kind: str) -> PreTrainedTokenizerFast:
    """Write one like Llama 2 ("prepend"), newer Mistral ("first") or Gemma ("plain")."""
    trained = Tokenizer(BPE())
    trained.pre_tokenizer = pre_tokenizers.Metaspace()
    specials = ["<unk>", "<s>", "</s>", *BYTES, SPACE]
    trained.train_from_iterator(CORPUS, BpeTrainer(vocab_size=330, special_tokens=specials))
    model = json.loads(trained.to_str())["model"]
    merges = [tuple(pair) for pair in model["merges"]]
    rules = Tokenizer(
        BPE(model["vocab"], merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True)
    )
    strip = [decoders.Strip(" ", 1, 0)]
    if kind == "prepend":
        rules.normalizer = normalizers.Sequence(
            [normalizers.Prepend(SPACE), normalizers.Replace(" ", SPACE)]
        )
    elif kind == "first":
        rules.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="first", split=False)
    else:
        rules.normalizer = normalizers.Replace(" ", SPACE)
        strip = []
    rules.decoder = decoders.Sequence(
        [decoders.Replace(SPACE, " "), decoders.ByteFallback(), decoders.Fuse(), *strip]
    )
    rules.add_special_tokens(["<unk>", "<s>", "</s>"])
    rules.post_processor = processors.TemplateProcessing(
        single="<s> $A", special_tokens=[("<s>", 1)]
    )
    return _saved(rules, directory, INST, bos="<s>", eos="</s>")


def _saved(
    rules: Tokenizer, directory: Path, template: str, *, bos: str, eos: str
) -> PreTrainedTokenizerFast:
    tokenizer = PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=rules, bos_token=bos, eos_token=eos
    )
    tokenizer.chat_template = template
    tokenizer.save_pretrained(directory)
    return tokenizer
