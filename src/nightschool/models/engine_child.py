"""The process in which llama.cpp runs: it serves one GGUF over llama.cpp's own HTTP API until its parent goes.

What it is to run comes as one line of JSON on stdin; its address goes back as one line on stdout. The end of stdin is the
end of the parent, however that died, and then this process ends, too. (A death signal set by prctl would come with
the end of the parent's *thread*.)
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from typing import Any

from nightschool.aside import stepped_back, to_idle_class


def parameters_of(
    gguf: str,
    adapters: Sequence[str] = (),
    *,
    parallel: int,
    context: int,
    threads: int,
    key: str = "",
    embedding: bool = False,
) -> Any:
    """Return llama.cpp's settings for one model.

    Args:
        gguf: The weights.
        adapters: LoRA files that a request may choose by their numbers; none is active by itself.
        parallel: Sequences decoded together.
        context: Tokens of context for each of them.
        threads: Of the matrix products.
        key: Required of every request; empty: none is.
        embedding: Whether it embeds texts, by the mean of the last states; that makes answers slower.
    """
    import xllamacpp

    p = xllamacpp.CommonParams()
    p.model.path = gguf
    p.n_ctx = context * parallel
    p.n_parallel = parallel
    p.cpuparams.n_threads = threads
    p.cpuparams_batch.n_threads = threads
    p.lora_adapters = [_lora(path) for path in adapters]
    p.lora_init_without_apply = True
    p.api_keys = [key] if key else []
    p.use_jinja = True
    p.warmup = False
    p.fit_params = False  # what does not fit is refused, not quietly made smaller
    p.ctx_shift = False  # a prompt that is too long is refused, not quietly cut
    # What one prompt left behind is nobody else's: neither its keys and values nor what the slots' page tells.
    p.cache_prompt = False
    p.cache_ram_mib = 0
    p.cache_idle_slots = False
    p.slot_prompt_similarity = 0.0
    p.endpoint_slots = False
    p.ui = False
    p.cors_origins = ""
    p.verbosity = -1
    if embedding:
        p.embedding = True
        p.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
        p.n_batch = p.n_ubatch = context  # a text goes through at once, or not at all
    return p


def _lora(path: str) -> Any:
    import xllamacpp

    adapter = xllamacpp.CommonAdapterLoraInfo()
    adapter.path = path
    adapter.scale = (
        0.0  # of a request that chooses none; `lora_init_without_apply` alone does not see to it
    )
    return adapter


def main() -> None:
    """Run until stdin ends; a night's engine in the idle class, since it holds no lock."""
    if stepped_back():
        to_idle_class()
    # llama.cpp may print anything to stdout: the line to the parent has a channel of its own.
    answer = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    import xllamacpp

    try:
        server = xllamacpp.Server(parameters_of(**json.loads(sys.stdin.readline())))
    except RuntimeError as error:
        print(json.dumps({"error": str(error)}), file=answer, flush=True)
        return
    print(json.dumps({"address": server.listening_address}), file=answer, flush=True)
    answer.close()
    sys.stdin.read()
    os._exit(0)  # the server's threads would wait for requests that nobody reads


if __name__ == "__main__":
    main()
