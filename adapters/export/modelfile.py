"""The Modelfile that has Ollama ask a model as a suite does, and what it cannot say."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from adapters.export.turn_pieces import TurnPieces, differing_structures, plain_pieces, read_pieces
from harness.errors import ModelError
from harness.models.huggingface import HuggingFace
from harness.records.inputs import Generation, Message, Prompt

CONTEXT = 8192  # tokens, unless the model was trained with fewer: Ollama reserves memory for all of them


@dataclass(frozen=True, kw_only=True)
class TaskRequest:
    """How a suite asks a model on one task."""

    task: str
    variant: str
    generation: Generation
    system: str  # the template of its system turn; empty: none


@dataclass(frozen=True, kw_only=True)
class AskingFormat:
    """The text that a model continues: the pieces around its turns, and whether a begin-of-text token goes before."""

    pieces: TurnPieces
    has_begin_token: bool
    notes: tuple[str, ...] = ()


def asking_format(model: HuggingFace) -> AskingFormat:
    """Read off what the harness sends. Raises ModelError for a template that a Modelfile cannot express."""
    begin = [model.tokenizer.bos_token_id]
    # what a tokenizer puts before every text is left to the server; of another, a template's first words stay in it
    begins = begin == model.tokens("Kxq1z")[:1] == model.encode((Message("user", "Kxq1z"),))[:1]
    if model.format == "plain":
        return AskingFormat(pieces=plain_pieces(model.delimiter), has_begin_token=begins, notes=_space_note(model))
    begin_text = str(model.tokenizer.bos_token) if begins else ""

    def render(prompt: Prompt) -> str:
        return model.render(prompt).removeprefix(begin_text)

    pieces = read_pieces(render)
    differing = differing_structures(pieces, render) if pieces else ["a question alone"]
    if pieces is None or "a question alone" in differing:
        raise ModelError(
            "its chat template does not write the same around every question, which a Modelfile's TEMPLATE cannot do; "
            "set format: plain on the base and train it so, or export merged"
        )
    notes = (
        (f"The template writes another text than the suite sends for: {', '.join(differing)}.",) if differing else ()
    )
    return AskingFormat(pieces=pieces, has_begin_token=begins, notes=notes)


def _space_note(model: HuggingFace) -> tuple[str, ...]:
    text = (
        "The model is asked in running text (format: plain); its reply may begin with the white space of the delimiter"
    )
    return (f"{text} {json.dumps(model.delimiter)}.",)


def modelfile(title: str, model: HuggingFace, form: AskingFormat, requests: Sequence[TaskRequest]) -> str:
    """The text of a Modelfile over model.gguf beside it."""
    settings, notes = _parameters(model, requests)
    system, system_notes = _system(requests)
    lines = [
        f"# {title}",
        "# ollama create NAME -f Modelfile, in this folder",
        "#",
        "# What Ollama does not do as the suite does:",
        *(f"# - {note}" for note in (*form.notes, *system_notes, *notes)),
        "",
        "FROM ./model.gguf",
        f'TEMPLATE """{form.pieces.go_template()}"""',
        *([f"SYSTEM {system}"] if system else []),
        *(f"PARAMETER {name} {value}" for name, value in settings),
    ]
    return "\n".join(lines) + "\n"


def _system(requests: Sequence[TaskRequest]) -> tuple[str, list[str]]:
    """The one system text of all tasks, where it is the same and names no variable; otherwise a note."""
    texts = {request.system for request in requests}
    notes = [
        "The prompt of a task is the suite's: send the same text as the user's turn, worked examples as earlier turns, "
        "passages inside it."
    ]
    text = next(iter(texts)) if len(texts) == 1 else ""
    value = None if not text or "{{" in text or "{%" in text else quoted(text)
    if any(texts) and value is None:
        notes.append("The system text is not one that a Modelfile can hold: send the suite's own as the system turn.")
    return value or "", notes


def _parameters(model: HuggingFace, requests: Sequence[TaskRequest]) -> tuple[list[tuple[str, str]], list[str]]:
    """Settings in Ollama's names: those of the first task where tasks differ, and notes on that."""
    window = min(model.context_length() or CONTEXT, CONTEXT)
    settings = [("num_ctx", str(window))]
    notes = [f"A prompt of more than {window} tokens is cut; raise num_ctx, or send truncate: false."]
    generations = list(dict.fromkeys((request.task, request.generation) for request in requests))
    if generations:
        first = generations[0][1]
        settings += [(name, value(first)) for name, value in SAMPLING.items()]
        settings += [("num_predict", str(max(generation.max_tokens for _, generation in generations)))]
        for name, value in {**SAMPLING, "num_predict": _limit}.items():
            told = [f"{task} {value(generation)}" for task, generation in generations]
            if len({value(generation) for _, generation in generations}) > 1:
                notes.append(f"{name} differs between tasks ({', '.join(told)}): send it with each request.")
        if any(generation.schema for _, generation in generations):
            notes.append("A reply is held to a JSON schema only where a request brings it as format.")
    stops = dict.fromkeys(
        [
            *map(model.tokenizer.decode, model.end_tokens()),
            *(text for _, generation in generations for text in generation.stop),
        ]
    )
    written = {text: quoted(text) for text in stops if text}
    settings += [("stop", value) for value in written.values() if value]
    notes += [
        f"The stop string {text!r} cannot stand in a Modelfile: send it." for text in written if not written[text]
    ]
    return settings, notes


def quoted(text: str) -> str | None:
    """A text as a Modelfile keeps it, which knows no escapes; None for one that it cannot hold.

    Ollama's parser drops what does not print, U+3000 included, but for line breaks and tabs (parser/parser.go).
    """
    is_kept = all(letter.isprintable() or letter in "\n\t" for letter in text)
    return f'"""{text}"""' if is_kept and '"""' not in text else None


def _limit(generation: Generation) -> str:
    return str(generation.max_tokens)


# What Ollama sets if it is not told: temperature 0.8, top_p 0.9, top_k 40, a penalty of 1.1 in older versions.
SAMPLING: dict[str, Callable[[Generation], str]] = {
    "temperature": lambda generation: f"{generation.temperature:g}",
    "top_p": lambda generation: f"{generation.top_p:g}",
    "top_k": lambda generation: str(generation.top_k or 0),
    "min_p": lambda generation: "0",
    "repeat_penalty": lambda generation: f"{generation.repetition_penalty or 1:g}",
}
