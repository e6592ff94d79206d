"""A few rows to learn, and rows of another kind to mix in."""

import json

from adapters.training.encoding import Example
from harness.records.inputs import Message

WORDS = ("fever", "cough", "headache", "fatigue", "肺炎", "高血压", "糖尿病肾病", "支气管炎")
LEARN = [
    Example((Message("system", "Answer with the letter."), Message("user", f"Question {i}: {word}?")), f"{word} {'AB'[i % 2]}")
    for i, word in enumerate(WORDS * 2)
]  # fmt: skip
GENERAL = json.dumps([{"instruction": f"say {i}", "input": "", "output": "C"} for i in range(5)])
