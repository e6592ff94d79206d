"""Answers of a model held against each other and against plain forwards, without padding, batch and cache.

Each function returns how two of them differ, or None where they agree.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from harness.models.huggingface import HuggingFace
from harness.models.local.likelihood import common_prefix
from harness.records.inputs import Generation, Message, Prompt
from harness.records.outputs import Completion

if TYPE_CHECKING:
    import torch

TOLERANCE = 5e-4  # of a sum of log-probabilities; in float32 the order of a sum shows in the sixth digit
QUESTIONS = ("hi", "Question 3: 肺炎 and a good deal longer than the others?", "cough?", "fever or cough")
PROMPTS: tuple[Prompt, ...] = tuple((Message("user", text),) for text in QUESTIONS)
OPTIONS = (("A", "B"), ("A b c", "B"))  # where one token decides, and where several do
ANSWERS = ("fever A", "B", "支气管炎 A, and more", "cough B")
GREEDY = Generation(max_tokens=6)


def generate(engine: HuggingFace, prompts: Sequence[Prompt], generation: Generation = GREEDY) -> list[Completion]:
    """Greedy answers of the prompts as one batch."""
    return engine.generate(prompts, generation, [0] * len(prompts))


def first_tokens(engine: HuggingFace, prompts: Sequence[Prompt]) -> list[Completion]:
    """How likely one-letter options are as the first token of a reply, of the prompts as one batch."""
    return [completion for _, completion in sorted(engine.first_token_each(prompts, [OPTIONS[0]] * len(prompts)))]


def batch_difference(engine: HuggingFace) -> str | None:
    """How a row's answer or log-probability depends on padding or on the rows beside it."""
    alone = [generate(engine, [prompt])[0] for prompt in PROMPTS]
    stop = alone[0].text[1:3] or "\n"  # the rows of the batch end at different steps
    stopped = generate(engine, PROMPTS, replace(GREEDY, stop=(stop,)))
    cut = [Completion(text=row.text.partition(stop)[0]) for row in alone]
    pairs = [
        *_named("generated in a batch", alone, generate(engine, PROMPTS)),
        *_named("generated in a batch of another order", alone, generate(engine, PROMPTS[::-1])[::-1]),
        *_named("generated beside rows that stop earlier", cut, [_text_of(row) for row in stopped]),
    ]
    for options in OPTIONS:
        single = [engine.score_options([prompt], [options])[0] for prompt in PROMPTS]
        pairs += _named(
            "its options scored in a batch", single, engine.score_options(PROMPTS, [options] * len(PROMPTS))
        )
    single = [first_tokens(engine, [prompt])[0] for prompt in PROMPTS]
    pairs += _named("its first token read in a batch", single, first_tokens(engine, PROMPTS))
    single = [engine.likelihood([prompt], [text])[0] for prompt, text in zip(PROMPTS, ANSWERS, strict=True)]
    pairs += _named("its answer scored in a batch", single, engine.likelihood(PROMPTS, ANSWERS))
    return first_difference(pairs)


def answers_of(engine: HuggingFace) -> list[Completion]:
    """What a model says to all prompts, and how likely it finds options and answers."""
    options = engine.score_options(PROMPTS, [OPTIONS[1]] * len(PROMPTS))
    return [
        *generate(engine, PROMPTS), *options, *first_tokens(engine, PROMPTS), *engine.likelihood(PROMPTS, ANSWERS),
    ]  # fmt: skip


def generation_difference(engine: HuggingFace) -> str | None:
    """How generated tokens differ from those of forwards over the whole row, without a cache; of two rows."""
    pairs = []
    answers = generate(engine, PROMPTS)
    for question, prompt, answer in list(zip(QUESTIONS, PROMPTS, answers, strict=True))[:2]:
        ids, logprobs = _greedy(engine, prompt)
        mean = sum(logprobs) / len(logprobs)
        text = engine.tokenizer.decode(ids, skip_special_tokens=True)
        plain = Completion(text=text, finish=answer.finish, tokens_out=len(ids), logprob=mean)
        pairs.append((f"{question!r} generated without a cache", plain, answer))
    return first_difference(pairs)


def scoring_difference(engine: HuggingFace) -> str | None:
    """How the log-probabilities of options and of given answers differ from those of plain forwards."""
    pairs = []
    for options in OPTIONS:
        for question, prompt in zip(QUESTIONS, PROMPTS, strict=True):
            rows = [engine.encode(prompt, option) for option in options]
            first = common_prefix(rows)
            plain = _scored([_log_likelihood(engine, row, first) for row in rows])
            pairs.append((f"{question!r} with options {options}", plain, engine.score_options([prompt], [options])[0]))
    for question, prompt in zip(QUESTIONS, PROMPTS, strict=True):
        plain = _scored(_first_token(engine, prompt))
        pairs.append((f"the first token after {question!r}", plain, first_tokens(engine, [prompt])[0]))
    for prompt, answer in zip(PROMPTS, ANSWERS, strict=True):
        ids, first, _ = engine.encode_answer(prompt, answer)
        plain = _scored([_log_likelihood(engine, ids, first)])
        pairs.append((f"the answer {answer!r}", plain, engine.likelihood([prompt], [answer])[0]))
    return first_difference((label, plain, _scored(scored.logprobs or ())) for label, plain, scored in pairs)


def first_difference(
    pairs: "Iterator[tuple[str, Completion, Completion]] | Sequence[tuple[str, Completion, Completion]]",
) -> str | None:
    """The first pair of completions that differ, in words."""
    for label, expected, actual in pairs:
        if actual.error is not None:
            return f"{label}: {actual.error}"
        if (expected.text, expected.finish, expected.tokens_out) != (actual.text, actual.finish, actual.tokens_out):
            return f"{label}: {actual.text!r} instead of {expected.text!r}"
        for a, b in zip(_numbers(expected), _numbers(actual), strict=True):
            if not abs(a - b) <= TOLERANCE:  # NaN too
                return f"{label}: log-probability {b:.4f} instead of {a:.4f}"
    return None


def logits_of(network: Any, ids: Sequence[int]) -> "torch.Tensor":
    """Logits in float32 that predict the token behind each of the row's, shape (tokens, vocabulary)."""
    import torch

    rows = torch.tensor([list(ids)], device=network.device)
    with torch.inference_mode():
        logits: torch.Tensor = network(input_ids=rows, use_cache=False).logits[0, -len(ids) :].float()
    return logits


def _named(
    what: str, alone: Sequence[Completion], batch: Sequence[Completion]
) -> Iterator[tuple[str, Completion, Completion]]:
    for question, expected, actual in zip(QUESTIONS, alone, batch, strict=True):
        yield f"{question!r} {what}", expected, actual


def _text_of(completion: Completion) -> Completion:
    return Completion(text=completion.text, error=completion.error)


def _numbers(completion: Completion) -> tuple[float, ...]:
    return (*(completion.logprobs or ()), *(() if completion.logprob is None else (completion.logprob,)))


def _scored(logprobs: Sequence[float]) -> Completion:
    return Completion(text="", logprobs=tuple(logprobs))


def _log_likelihood(engine: HuggingFace, ids: Sequence[int], first: int) -> float:
    logprobs = logits_of(engine._model(), ids).log_softmax(-1)
    return float(sum(logprobs[place - 1, ids[place]].item() for place in range(first, len(ids))))


def _first_token(engine: HuggingFace, prompt: Prompt) -> list[float]:
    """The log-probabilities of the letters as the next token, over both, by what each token alone is decoded to."""
    import torch

    shares = logits_of(engine._model(), engine.encode(prompt))[-1].softmax(-1)
    texts = [engine.tokenizer.decode([token]).strip().upper() for token in range(len(shares))]
    masses = torch.stack(
        [shares[[token for token, text in enumerate(texts) if text == letter]].sum() for letter in OPTIONS[0]]
    )
    return [float(value) for value in (masses / masses.sum()).log()]


def _greedy(engine: HuggingFace, prompt: Prompt) -> tuple[list[int], list[float]]:
    """The likeliest tokens, one forward over everything so far for each, and their log-probabilities."""
    ids, ends = engine.encode(prompt), set(engine.end_tokens())
    generated: list[int] = []
    logprobs: list[float] = []
    for _ in range(GREEDY.max_tokens):
        last = logits_of(engine._model(), [*ids, *generated])[-1].log_softmax(-1)
        logprobs.append(float(last.max()))
        if int(last.argmax()) in ends:
            break
        generated.append(int(last.argmax()))
    return generated, logprobs[: max(len(generated), 1)]
