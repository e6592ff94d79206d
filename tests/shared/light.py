"""A suite that no model in this process answers: prompting, retrieval, choice, judges, with a server that is an Ollama."""

import json
import re
from pathlib import Path
from typing import Any

from tests.shared.ollama_stand_in import Script, ServedModel, StandIn

HEAVY = (
    "torch", "transformers", "tokenizers", "peft", "accelerate", "safetensors", "huggingface_hub",
    "sentence_transformers", "faiss", "gguf", "llguidance", "bitsandbytes", "bert_score", "datasets",
)  # fmt: skip
CAPITALS = {
    "France": "Paris",
    "Italy": "Rome",
    "Spain": "Madrid",
    "Norway": "Oslo",
    "Greece": "Athens",
    "Egypt": "Cairo",
}
SUITE = """\
name: light
models:
  small: {ollama: {model: small, host: HOST}}
  judge: {ollama: {model: judge, host: HOST}}
  meaning: {ollama_embedding: {model: meaning, host: HOST}}
knowledge:
  atlas: {texts: {path: atlas.txt, gold: contains}}
tasks:
  capitals:
    data: {jsonl: {path: test.jsonl, train: train.jsonl}}
    prompt: "Name the capital of {{ input }}."
    metrics:
      accuracy: exact_match
      overlap: rouge
      letters: chrf
      words: bleu
      sense: meteor
      quality: {judge: {model: judge, rubric: score100}}
      better: {pairwise: {model: judge, rubric: clinical}}
  exam:
    data: {jsonl: {path: exam.jsonl, train: exam_train.jsonl, options: [A, B, C, D]}}
    answer: {choice: {by: generation}}
    metrics: {accuracy: choice}
variants:
  zero-shot: {prompting: {model: small}}
  examples: {prompting: {model: small, shots: 2, pick: nearest}}
  vote: {prompting: {model: small, samples: 3, temperature: 0.7}}
  bm25: {rag: {model: small, knowledge: atlas, retriever: {lexical: {tokens: words}}, k: 2}}
  tfidf: {rag: {model: small, knowledge: atlas, retriever: tfidf, k: 2}}
  meaning: {rag: {model: small, knowledge: atlas, retriever: {dense: {model: meaning}}, k: 2}}
  both: {rag: {model: small, knowledge: atlas, retriever: hybrid, k: 2}}
  ladder: {cascade: {of: [vote, bm25], confidence: agreement, thresholds: [0.5]}}
compare: {reference: zero-shot, headline: [capitals.accuracy, exam.accuracy]}
"""
LIKELIEST = """\
name: likeliest
models:
  small: {ollama: {model: small, host: HOST}}
tasks:
  exam:
    data: {jsonl: {path: exam.jsonl, options: [A, B, C, D]}}
    answer: {choice: {by: first_token}}
    metrics: {accuracy: choice}
variants:
  once: {prompting: {model: small}}
  turned: {prompting: {model: small, circular: true}}
"""
FIRST = {"A": 0.6, "B": 0.2, "C": 0.1, "D": 0.05, "The": 0.05}  # tokens that a reply may begin with


def light_server() -> StandIn:
    """A scripted Ollama with the models of the light suites."""
    script = Script(answer, first=lambda body: FIRST)
    embedding = ServedModel(name="meaning:latest", engine=script, capabilities=("embedding",))
    return StandIn(script, models=["small:latest", "judge:latest", embedding])


def write_light_suites(folder: Path, host: str) -> Path:
    """The suites, their data and labels for the judge, in a folder; returns the path of the first."""
    countries = list(CAPITALS)
    rows = [{"input": country, "target": CAPITALS[country]} for country in countries]
    questions = [
        {"input": f"Which is the capital of {country}?", "A": capital, "B": "Lima", "C": "Accra", "D": "Hanoi", "target": "A"}
        for country, capital in CAPITALS.items()
    ]  # fmt: skip
    labels = [
        {"question": f"Name the capital of {country}.", "answer": f"It is {place}.", "target": CAPITALS[country], "score": score}
        for country, place, score in zip(countries, ("Paris", "Bari", "Madrid", "Bergen", "Athens", "Luxor"), (90, 20, 85, 10, 95, 25), strict=True)
    ]  # fmt: skip
    for name, content in (
        ("test", rows[:4]),
        ("train", rows[4:]),
        ("exam", questions[:4]),
        ("exam_train", questions[4:]),
        ("labels", labels),
    ):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in content), encoding="utf-8")
    atlas = "".join(f"The capital of {country} is {capital}.\n" for country, capital in CAPITALS.items())
    (folder / "atlas.txt").write_text(atlas, encoding="utf-8")
    path = folder / "suite.yaml"
    path.write_text(SUITE.replace("HOST", host), encoding="utf-8")
    (folder / "likeliest.yaml").write_text(LIKELIEST.replace("HOST", host), encoding="utf-8")
    return path


def answer(body: dict[str, Any]) -> str:
    """A judge likes whatever names the right capital; the other model knows three of them, and letters."""
    prompt = body["messages"][-1]["content"]
    if body["model"].startswith("judge"):
        return _verdict(body.get("format"), any(f"{capital}." in prompt for capital in CAPITALS.values()))
    if re.search(r"^A[.．:、) ]", prompt, re.MULTILINE):
        return "A"
    asked = [country for country in CAPITALS if country in prompt][-1:]
    return CAPITALS[asked[0]] if asked and asked[0] in ("France", "Italy", "Egypt") else "Lima"


def _verdict(schema: Any, likes: bool) -> str:
    properties = schema["properties"] if isinstance(schema, dict) else {}
    if "verdict" in properties:
        return json.dumps({"reason": "both", "verdict": "tie"})
    return json.dumps({name: {"reason": "short", "score": 90 if likes else 15} for name in properties})
