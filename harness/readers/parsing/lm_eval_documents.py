"""The documents of one lm-eval task as samples: what lm-eval asks of each, taken from lm-eval's own functions."""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from harness.errors import DataError
from harness.readers.parsing.lm_eval_tasks import documents_of
from harness.records.inputs import JSON, Sample
from harness.records.lm_eval_items import KEY, LmEvalItem, LmEvalRequest

if TYPE_CHECKING:
    from lm_eval.api.instance import Instance
    from lm_eval.api.task import Task as LmEvalTask

FEWSHOT_SEED = 1234  # lm-eval's own default


@dataclass(frozen=True)
class LmEvalTurns:
    """What lm-eval would hand to a chat template."""

    turns: Sequence[tuple[str, str]]

    @property
    def description(self) -> str:
        return self.turns[0][1] if self.turns[0][0] == "system" else ""

    @property
    def prefix(self) -> str:
        """With which the answer begins."""
        return self.turns[-1][1] if self.turns[-1][0] == "assistant" else ""

    @property
    def question(self) -> str:
        return next(text for role, text in reversed(self.turns) if role == "user")

    @property
    def examples(self) -> tuple[tuple[str, str], ...]:
        """The worked examples: question and answer of each."""
        texts = [text for role, text in self.turns if role != "system"]
        pairs = texts[: -2 if self.prefix else -1]
        return tuple(zip(pairs[::2], pairs[1::2], strict=True))


class LmEvalDocuments:
    """The documents of a task in lm-eval's order, asked with so many of lm-eval's worked examples."""

    def __init__(self, task: "LmEvalTask", examples: int | None, seed: int = FEWSHOT_SEED) -> None:
        """`examples`: as many as the task itself says where it is None, or where the task says that it has none."""
        self.task = task
        stated = task.get_config("num_fewshot")
        self.examples = int(stated or 0) if examples is None or stated == 0 else examples
        self.seed = seed

    def samples(self, name: str, limit: int | None) -> list[Sample]:
        """The first documents, or all. Raises DataError for a task that asks in a way of its own."""
        self.task.set_fewshot_seed(self.seed)
        documents = documents_of(self.task)
        count = len(documents) if limit is None else min(limit, len(documents))
        return [self._sample(name, str(place), documents[place], place, self.examples) for place in range(count)]

    def example_rows(self, name: str) -> list[Sample]:
        """The documents of which examples are taken, asked without examples; none where they are the test itself."""
        config = self.task.config
        split = getattr(self.task, "fewshot_cfg", None) and self.task.fewshot_cfg.split
        split = split or config.training_split or config.validation_split
        if split is None or split == (config.test_split or config.validation_split):
            return []
        rows = enumerate(self.task.fewshot_docs() or ())
        return [self._sample(name, f"{split}-{place}", document, place, 0) for place, document in rows]

    def _sample(self, name: str, own_id: str, document: Any, place: int, examples: int) -> Sample:
        choices = self.choices(document)
        plain, chat = (self._requests(document, is_chat, examples) for is_chat in (False, True))
        conversation = _conversation(chat, plain)
        item = self._item(document, place, plain, chat, conversation)
        return Sample(
            id=own_id,
            task=name,
            input=str(item.requests[0].continuation if _is_rolling(plain) else conversation.question),
            targets=tuple(self._targets(document, choices)),
            history=conversation.examples,
            meta={**_columns(document), KEY: json.loads(json.dumps(asdict(item)))},
        )

    def _requests(self, document: Any, is_chat: bool, examples: int) -> "list[Instance]":
        """lm-eval's requests for a document; behind a chat template its contexts are the turns as JSON."""
        task, prefix = self.task, self.task.doc_to_prefix(document)
        draws = [draw for draw in (task.fewshot_rnd, getattr(getattr(task, "sampler", None), "rnd", None)) if draw]
        states = [draw.getstate() for draw in draws]
        chat = {"apply_chat_template": True, "fewshot_as_multiturn": True, "chat_template": _as_json} if is_chat else {}
        context = task.fewshot_context(document, num_fewshot=examples, gen_prefix=prefix, **chat)
        if not is_chat:  # the same examples are drawn again
            for draw, state in zip(draws, states, strict=True):
                draw.setstate(state)
        metadata = (task.task_name, 0, 1)
        requests = task.construct_requests(
            doc=document, ctx=context, metadata=metadata, apply_chat_template=is_chat,
            chat_template=_as_json if is_chat else None,
        )  # fmt: skip
        return sorted(requests, key=lambda request: request.idx) if isinstance(requests, list) else [requests]

    def _item(
        self, document: Any, place: int, plain: "Sequence[Instance]", chat: "Sequence[Instance]", own: LmEvalTurns
    ) -> LmEvalItem:
        config, ending, examples = self.task.config, "", ""
        if not _is_rolling(plain):
            examples, ending = _parts(str(plain[0].args[0]), own)
        joints = {"question_joint": config.target_delimiter, "example_joint": config.fewshot_delimiter}
        if (fewshot := getattr(self.task, "fewshot_cfg", None)) is not None:
            joints = {"question_joint": fewshot.target_delimiter, "example_joint": fewshot.fewshot_delimiter}
        joined = "".join(f"{q}{joints['question_joint']}{a}{joints['example_joint']}" for q, a in own.examples)
        return LmEvalItem(
            document=place,
            choices=tuple(self.choices(document)),
            requests=tuple(_request(text, turns, own) for text, turns in zip(plain, chat, strict=True)),
            description=own.description,
            description_joint=config.fewshot_delimiter,
            **joints,
            examples=None if joined == examples else examples,
            ending=ending,
            prefix=own.prefix,
        )

    def choices(self, document: Any) -> list[str]:
        """The choices of a document; none where nothing is to be chosen by likelihood."""
        if self.task.OUTPUT_TYPE != "multiple_choice":
            return []
        return [str(choice) for choice in self.task.doc_to_choice(document)]

    def _targets(self, document: Any, choices: Sequence[str]) -> Iterable[str]:
        """The right answers as texts."""
        is_by_context = bool(getattr(self.task, "multiple_input", 0))
        target = self.task.doc_to_text(document) if is_by_context else self.task.doc_to_target(document)
        named = choices
        if not named and self.task.get_config("doc_to_choice") is not None:
            named = self.task.doc_to_choice(document)
        for right in target if isinstance(target, list) else [target]:
            is_place = isinstance(right, int) and not isinstance(right, bool) and 0 <= right < len(named)
            yield str(named[right]).strip() if is_place else str(right).strip()


def _as_json(turns: Sequence[Mapping[str, str]], add_generation_prompt: bool = True) -> str:
    """A chat template that keeps what it is given."""
    return json.dumps([[turn["role"], turn["content"]] for turn in turns])


def _is_rolling(requests: "Sequence[Instance]") -> bool:
    return bool(requests[0].request_type == "loglikelihood_rolling")


def _conversation(chat: "Sequence[Instance]", plain: "Sequence[Instance]") -> LmEvalTurns:
    """The turns of a document's first request; a task that knows no turns has its whole context as one."""
    return LmEvalTurns([("user", "")]) if _is_rolling(plain) else _turns_of(chat[0], str(plain[0].args[0]))


def _turns_of(request: "Instance", otherwise: str) -> LmEvalTurns:
    try:
        turns = json.loads(request.args[0])
        return LmEvalTurns([(str(role), str(text)) for role, text in turns])
    except (ValueError, TypeError):
        return LmEvalTurns([("user", otherwise)])


def _request(plain: "Instance", chat: "Instance", own: LmEvalTurns) -> LmEvalRequest:
    kind = plain.request_type
    if kind == "loglikelihood_rolling":
        return LmEvalRequest(kind=kind, continuation=str(plain.args[0]), chat_continuation=str(plain.args[0]))
    is_unconditional = chat.args[0] == ""
    question = "" if is_unconditional else _turns_of(chat, str(plain.args[0])).question
    continuations = ("", "") if kind == "generate_until" else (str(plain.args[1]), str(chat.args[1]))
    return LmEvalRequest(
        kind=kind,
        continuation=continuations[0],
        chat_continuation=continuations[1],
        question=None if is_unconditional or question == own.question else question,
        is_unconditional=is_unconditional,
    )


def _parts(context: str, own: LmEvalTurns) -> tuple[str, str]:
    """What of a context in running text stands between description and question, and what behind the question.

    Raises DataError for a context that is not made of these.
    """
    rest = context.removeprefix(own.description)
    place = rest.rfind(own.question, 0, len(rest) - len(own.prefix))
    if place < 0:
        raise DataError("its prompts in running text do not hold the question that it asks in turns")
    return rest[:place], rest[place + len(own.question) :]


def _columns(document: Any) -> dict[str, JSON]:
    """The columns of a document that JSON can hold, for the prompts and filters of variants that search."""
    columns = document if isinstance(document, Mapping) else {}
    return {str(name): value for name, value in columns.items() if name != KEY and _is_portable(value)}


def _is_portable(value: object) -> bool:
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, Mapping):
        return all(isinstance(key, str) and _is_portable(own) for key, own in value.items())
    return all(map(_is_portable, value)) if isinstance(value, list) else value is None or isinstance(value, str | int)
