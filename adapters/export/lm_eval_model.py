"""A model of a suite as lm-eval's own command asks it; imported only where lm_eval is installed."""

import json
from abc import abstractmethod
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from lm_eval.api.model import LM

from harness.components.calls import Calls
from harness.components.generation_kwargs import generation_of
from harness.components.model import Model
from harness.errors import HarnessError, ModelError
from harness.records.inputs import Message, Prompt
from harness.records.outputs import Completion
from harness.text.raw_prompts import as_raw


class HarnessModel(LM):  # type: ignore[misc]
    """One model behind our door: its calls are planned in batches, cached by content and counted.

    A subclass opens the suite. Contexts are continued as lm-eval writes them; where a server renders the prompts, the
    turns of a chat history reach it as they are, and a plain context is one turn of the user.
    """

    def __init__(self, suite: str = "", model: str = "", **options: Any) -> None:
        """`options` are those that lm-eval hands to every model (batch_size, device): a suite says what they are."""
        super().__init__()
        if not suite or not model:
            raise HarnessError("--model harness needs --model_args suite=SUITE.yaml,model=NAME")
        self.name = model
        self.calls = self.open_suite(suite, model)

    @abstractmethod
    def open_suite(self, suite: str, model: str) -> Calls:
        """The door to the models of a suite file, one of which will be asked. Raises HarnessError."""

    @property
    def model(self) -> Model:
        return self.calls.model(self.name)

    def loglikelihood(self, requests: Sequence[Any]) -> list[tuple[float, bool]]:
        self._refuse_unscored()
        contexts, continuations = zip(*(request.args for request in requests), strict=True)
        replies = self._checked(self.calls.likelihood(self.name, [as_raw(text) for text in contexts], continuations))
        if any(reply.greedy is None for reply in replies) and _asks_one_text(requests):
            raise ModelError(f"model {self.name}: its server does not tell whether a text is the likeliest")
        return [(_single(reply), bool(reply.greedy and reply.greedy[0])) for reply in replies]

    def loglikelihood_rolling(self, requests: Sequence[Any]) -> list[float]:
        self._refuse_unscored()
        texts = [request.args[0] for request in requests]
        return [_single(reply) for reply in self._checked(self.calls.likelihood(self.name, [()] * len(texts), texts))]

    def generate_until(self, requests: Sequence[Any]) -> list[str]:
        """The replies; requests with equal options are asked together. Equal ones that are sampled differ."""
        groups: dict[str, list[int]] = {}
        for place, request in enumerate(requests):
            groups.setdefault(json.dumps(request.args[1], sort_keys=True, default=str), []).append(place)
        texts = [""] * len(requests)
        for places in groups.values():
            prompts = [self._prompt(requests[place].args[0]) for place in places]
            repeats = [prompts[:index].count(prompt) for index, prompt in enumerate(prompts)]
            generation = generation_of(requests[places[0]].args[1])
            replies = self._checked(self.calls.generate(self.name, prompts, generation, repeats))
            for place, reply in zip(places, replies, strict=True):
                texts[place] = reply.text
        return texts

    def apply_chat_template(self, chat_history: Sequence[Mapping[str, str]], add_generation_prompt: bool = True) -> str:
        """The history as the model reads it; as JSON where a server renders it."""
        turns = [(turn["role"], turn["content"]) for turn in chat_history]
        if not self.model.local:
            return json.dumps(turns, ensure_ascii=False)
        shown = turns if add_generation_prompt else turns[:-1]
        text = self.model.render(tuple(Message(role, content) for role, content in shown))  # type: ignore[arg-type]
        return f"{text}{'' if add_generation_prompt else turns[-1][1]}"

    @property
    def tokenizer_name(self) -> str:
        """What names the model's template in lm-eval's own caches."""
        return f"harness-{self.calls.model_digest(self.name)[:16]}"

    def chat_template(self, chat_template: bool | str = False) -> str:
        """The template that a model in this process renders by; empty where a server does."""
        root = self.model.root()
        return str(getattr(root.tokenizer, "chat_template", "") or "") if hasattr(root, "tokenizer") else ""

    def _prompt(self, context: str) -> Prompt:
        """A context of lm-eval's as one of our prompts."""
        if self.model.local:
            return as_raw(context)
        try:
            turns = json.loads(context)
            return tuple(Message(role, content) for role, content in turns)
        except (ValueError, TypeError):
            return (Message("user", context),)

    def _refuse_unscored(self) -> None:
        model = self.model
        problem = None if model.tells_likelihood else "it is of a kind that tells no log-probability of a given text"
        if problem := problem or model.scoring_mistake():
            raise ModelError(f"model {self.name}: {problem}; name generate_until tasks for it")

    def _checked(self, replies: Sequence[Completion]) -> Sequence[Completion]:
        """The replies; lm-eval has no value for one that failed."""
        failed = next((reply for reply in replies if reply.finish == "error"), None)
        if failed is not None:
            raise ModelError(f"model {self.name}: a call failed: {failed.error}")
        return replies


def _single(reply: Completion) -> float:
    return (reply.logprobs or (float("nan"),))[0]


def _asks_one_text(requests: Sequence[Any]) -> bool:
    """Whether a document's only request is the likelihood of a text, so that it counts whether it is the likeliest."""
    counts = Counter((request.task_name, request.doc_id) for request in requests)
    return 1 in counts.values()
