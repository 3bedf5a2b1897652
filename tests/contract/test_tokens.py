"""Torch and llama.cpp must see the same tokens and the same rendered chat."""

import random

import httpx
import pytest
from transformers import AutoTokenizer

from nightschool.bases import pull_model
from nightschool.models.llama_engine import LlamaEngine
from nightschool.models.pull import GGUF_NAME
from nightschool.models.torch_model import render_prompt
from nightschool.types import Message

LINES = 3000
PIECES = (
    "the staging host", "kestrel-7", "def f(x: int = 0) -> str:", "    return x[1:]", "port 8472",
    "3.14159", "1,024", "2026-11-24", "naïve café", "Ærøskøbing", "数据库", "привет", "שלום", "🦉🌙",
    "e\u0301", "\t", "  ", "\n", "{\"a\": [1, 2]}", "https://example.org/a?b=c#d", "I'm", "they've",
    "CamelCaseName", "snake_case_name", "0x1F", "50%", "—", "…", "O'Brien", "<b>", "\\n", "$x^2$",
)  # fmt: skip


@pytest.fixture(scope="module")
def folder():
    return pull_model("smollm2-135m")


@pytest.fixture(scope="module")
def lines():
    rng = random.Random(0)
    return ["".join(rng.choice(PIECES) + rng.choice(("", " ", " "))
                    for _ in range(rng.randint(1, 8))) for _ in range(LINES)]  # fmt: skip


@pytest.fixture(scope="module")
def client(folder):
    engine = LlamaEngine(folder / GGUF_NAME)
    with httpx.Client(base_url=engine.address, headers=dict(engine.headers), timeout=60) as client:
        yield client
    engine.close()


def test_same_tokens(folder, lines, client):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    for line in lines:
        reply = client.post("/tokenize", json={"content": line, "parse_special": False})
        assert reply.json()["tokens"] == tokenizer(line, add_special_tokens=False).input_ids, line


def test_same_rendered_chat(folder, lines, client):
    tokenizer = AutoTokenizer.from_pretrained(folder)
    for number in range(0, LINES, 10):
        roles = ("user",) if number % 20 else ("system", "user", "assistant", "user")
        messages = [Message(r, lines[number + k] or "x") for k, r in enumerate(roles)]
        plain = [{"role": m.role, "content": m.content} for m in messages]
        theirs = client.post("/apply-template", json={"messages": plain}).json()["prompt"]
        tokens = client.post("/tokenize", json={"content": theirs, "parse_special": True}).json()
        assert tokens["tokens"] == render_prompt(tokenizer, messages), messages
