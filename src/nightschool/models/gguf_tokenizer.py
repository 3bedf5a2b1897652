"""Tell llama.cpp about a tokenizer: taken over from a GGUF, or written from a Hugging Face tokenizer.

llama.cpp has its own code for each way of cutting text before the merges (the pre-tokenizer), chosen by a name. A wrong
one still answers, in slightly other tokens than training used, so that what is not known by its exact
form is refused. Not covered: SentencePiece and other tokenizers than byte-level BPE, unless a GGUF has them.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from nightschool.errors import ModelUnfit
from nightschool.models.torch_model import end_of_turn

LLAMA3 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
"""How Llama 3 cuts text; its `tokenizer.json` has it."""


def copy_tokenizer(writer: Any, gguf_file: Path, vocabulary: int) -> None:
    """Take the tokenizer, its pre-tokenizer, special tokens and chat template over from another GGUF.

    Args:
        writer: A `gguf.GGUFWriter`.
        gguf_file: The file that the base model came from.
        vocabulary: How many tokens the weights know.

    Raises:
        ModelUnfit: It has another number of tokens.
    """
    from gguf import GGUFReader, GGUFValueType

    reader = GGUFReader(gguf_file)
    for name, field in reader.fields.items():
        if name.startswith("tokenizer.") or name == "general.license":
            inner = field.types[-1] if field.types[0] == GGUFValueType.ARRAY else None
            writer.add_key_value(name, field.contents(), field.types[0], inner)
    tokens = len(reader.fields["tokenizer.ggml.tokens"].data)
    if tokens != vocabulary:
        raise ModelUnfit(
            f"{gguf_file} has {tokens} tokens and the weights {vocabulary}: it is not the file that they came from."
        )


def write_tokenizer(writer: Any, folder: Path, vocabulary: int) -> None:
    """Write a model folder's byte-level BPE tokenizer and chat template.

    Args:
        writer: A `gguf.GGUFWriter`.
        folder: Holds the tokenizer.
        vocabulary: How many tokens the weights know.

    Raises:
        ModelUnfit: The tokenizer is of another kind, or llama.cpp has no code for its way of cutting text.
        ModelUnfit: It has tokens that the weights do not know.
    """
    from gguf import TokenType
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    plan = json.loads(tokenizer.backend_tokenizer.to_str())
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(_pre_tokenizer(plan, folder))
    tokens = [f"[PAD{number}]" for number in range(vocabulary)]
    types = [TokenType.UNUSED] * vocabulary
    numbers = [*plan["model"]["vocab"].values(), *(added["id"] for added in plan["added_tokens"])]
    if max(numbers) >= vocabulary:
        raise ModelUnfit(
            f"The tokenizer in {folder} has a token {max(numbers)}, and the weights know {vocabulary} tokens: it is not "
            "theirs. Take the tokenizer that the base was published with."
        )
    for text, number in plan["model"]["vocab"].items():
        tokens[number], types[number] = text, TokenType.NORMAL
    for added in plan["added_tokens"]:
        kind = TokenType.CONTROL if added["special"] else TokenType.USER_DEFINED
        tokens[added["id"]], types[added["id"]] = added["content"], kind
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    merges = plan["model"]["merges"]
    writer.add_token_merges([m if isinstance(m, str) else " ".join(m) for m in merges])
    end = tokenizer.convert_tokens_to_ids(end_of_turn(tokenizer))
    for add, number in (
        (writer.add_bos_token_id, tokenizer.bos_token_id),
        (writer.add_eos_token_id, tokenizer.eos_token_id),
        (writer.add_eot_token_id, end),
        (writer.add_unk_token_id, tokenizer.unk_token_id),
        (writer.add_pad_token_id, tokenizer.pad_token_id),
    ):
        if number is not None:
            add(number)
    opens = tokenizer.bos_token_id is not None
    writer.add_add_bos_token(opens and tokenizer("").input_ids[:1] == [tokenizer.bos_token_id])
    writer.add_add_space_prefix(False)
    if tokenizer.chat_template:
        writer.add_chat_template(tokenizer.chat_template)


def _pre_tokenizer(plan: dict[str, Any], folder: Path) -> str:
    """Return llama.cpp's name for the way in which a tokenizer cuts text."""
    model, steps = plan["model"], plan["pre_tokenizer"] or {}
    steps = steps.get("pretokenizers", [steps])
    shapes = [
        tuple(step.get(k) for k in ("type", "individual_digits", "use_regex")) for step in steps
    ]
    plain = (
        model["type"] == "BPE"
        and not model.get("byte_fallback")
        and plan["normalizer"] is None
        and not any(step.get("add_prefix_space") for step in steps)
    )
    if plain and not model.get("ignore_merges"):
        if shapes == [("ByteLevel", None, True)]:
            return "gpt-2"
        if shapes == [("Digits", True, None), ("ByteLevel", None, True)]:
            return "smollm"
    if plain and model.get("ignore_merges") and len(steps) == 2:
        cut = steps[0].get("pattern"), steps[0].get("behavior"), steps[0].get("invert")
        if cut == ({"Regex": LLAMA3}, "Isolated", False) and shapes[1] == (
            "ByteLevel",
            None,
            False,
        ):
            return "llama-bpe"
    raise ModelUnfit(
        f"The tokenizer in {folder} ({model['type']}, cutting text by {[s[0] for s in shapes]}) is none that can be "
        "written as GGUF here: expected byte-level BPE as GPT-2, SmolLM or Llama 3 have it. Serve it with torch "
        '(model.engine = "torch"), or put the GGUF that the base was published as into its folder as model.gguf.'
    )
