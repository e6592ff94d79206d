"""The answers of lm-evaluation-harness's tasks: likelihoods of given texts or a generated text, asked as it asks."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from harness.answers.asking.lm_eval_prompts import LmEvalAsking, item_of, system_text
from harness.components.answer import Answer
from harness.components.calls import Calls
from harness.components.model import Model
from harness.records.inputs import Generation, Prompt, Sample
from harness.records.lm_eval_items import KEY, LmEvalItem
from harness.records.outputs import Completion, Reading
from harness.text.raw_prompts import raw_text
from harness.text.reasoning import split_reasoning

_WHOLE = "an lm-eval task is asked as lm-eval asks it; leave it out"
_REFUSED = {
    "shots": "the examples of an lm-eval task are lm-eval's own; leave it out, and set num_fewshot in {lm_eval: {…}}",
    **dict.fromkeys(("chain_of_thought", "samples", "circular", "constrained"), _WHOLE),
}
_ALONE = "lm-eval asks for the likelihood of each text by itself, with nothing before it; leave this variant out"


class LmEval(Answer):
    """What an lm-eval task asks for: the likelihood of each choice or text, or a generated text."""

    needs_question: ClassVar[bool] = False  # many tasks ask for the likelihood of whole sentences, behind nothing

    def options(self, sample: Sample) -> tuple[str, ...]:
        """The texts whose likelihood is asked; none of a sample whose answer is generated."""
        return tuple(request.continuation for request in item_of(sample).requests if request.kind != "generate_until")

    def unfit_model(self, sample: Sample, model: Model) -> str | None:
        if not model.generates:
            return None
        if self.options(sample) and not model.tells_likelihood:
            return f"tells no log-probability of a given text, for which this task asks; {self.remedy_for_scoring()}"
        item = item_of(sample)
        if item.prefix and not model.local:
            return "is behind a server, which goes on with no answer that is begun (gen_prefix); ask another model"
        is_bare = any(request.kind == "loglikelihood_rolling" or request.is_unconditional for request in item.requests)
        if not model.local and (is_bare or (self.options(sample) and not item.choices)):
            return (
                "is behind a server, which scores no text by itself and does not tell whether a text is the likeliest, "
                f"as this task needs it; {self.remedy_for_scoring()}"
            )
        return None

    def remedy_for_scoring(self) -> str:
        return "ask it generate_until tasks of lm-eval only, or ask another model"

    def refused_parameters(self, sample: Sample) -> Mapping[str, str]:
        is_rolling = any(request.kind == "loglikelihood_rolling" for request in item_of(sample).requests)
        return {**_REFUSED, **(dict.fromkeys(("system", "knowledge"), _ALONE) if is_rolling else {})}

    def system_turn(self, sample: Sample, stated: str | None) -> str | None:
        """The stated text and the task's description, as lm-eval joins them."""
        return system_text(item_of(sample), stated)

    def complete(
        self, calls: Calls, model: str, samples: Sequence[Sample], prompts: Sequence[Prompt], generation: Generation
    ) -> list[Completion]:
        """One completion a sample, made of the replies to all of its requests, in their order."""
        asking = LmEvalAsking(calls, model)
        items = list(map(item_of, samples))
        sent = [
            [(request, asking.prompt_of(item, request, sample, turns)) for request in item.requests]
            for item, sample, turns in zip(items, samples, prompts, strict=True)
        ]
        requests = [pair for pairs in sent for pair in pairs]
        scored = [(prompt, request) for request, prompt in requests if request.kind != "generate_until"]
        written = [prompt for request, prompt in requests if request.kind == "generate_until"]
        continuations = [asking.continuation_of(request) for _, request in scored]
        scores = iter(calls.likelihood(model, [prompt for prompt, _ in scored], continuations) if scored else ())
        texts = iter(calls.generate(model, written, generation) if written else ())
        return [
            _together(
                item,
                [next(texts if request.kind == "generate_until" else scores) for request, _ in pairs],
                raw_text(pairs[0][1]) or None,
            )
            for item, pairs in zip(items, sent, strict=True)
        ]

    def read(self, sample: Sample, reply: str) -> Reading:
        """The reply as lm-eval's filters get it; what stands in blocks of reasoning is no part of it."""
        outside, has_tags, _ = split_reasoning(reply)
        return Reading(answer=outside.strip() if has_tags else reply)

    def check(self, sample: Sample) -> str | None:
        return None if KEY in sample.meta else "is none of an lm-eval task; write the task as {lm_eval: {tasks: […]}}"


def _together(item: LmEvalItem, replies: Sequence[Completion], rendered: str | None) -> Completion:
    """The replies to all requests of a sample as one completion; it fails where one of them does."""
    failed = next((reply for reply in replies if reply.finish == "error"), None)
    scored = [reply for reply in replies if reply.logprobs is not None]
    written = next((reply for reply in replies if reply.logprobs is None), None)
    base = failed or written or scored[0]
    logprobs = tuple(value for reply in scored for value in reply.logprobs or ())
    greedy = tuple(value for reply in scored for value in reply.greedy or ())
    return Completion(
        text="" if failed else written.text if written else _text_of(item, logprobs, greedy),
        finish=base.finish,
        tokens_in=sum(reply.tokens_in for reply in replies),
        tokens_out=written.tokens_out if written else 0,
        seconds=sum(reply.seconds for reply in replies),
        logprobs=logprobs or None,
        error=failed.error if failed else None,
        logprob=written.logprob if written else None,
        rendered=base.rendered or rendered,
        reasoning=base.reasoning,
        serving=base.serving,
        greedy=greedy if len(greedy) == len(logprobs) and logprobs else None,
    )


def _text_of(item: LmEvalItem, logprobs: Sequence[float], greedy: Sequence[bool]) -> str:
    """The likeliest choice; where there is none to make, how likely the text is."""
    if item.choices:
        return item.choices[max(range(len(item.choices)), key=logprobs.__getitem__)].strip()
    return f"log-probability {logprobs[0]:.4f}{', the likeliest text' if greedy[:1] == (True,) else ''}"
