"""A prediction as lm-eval's own code takes it: the replies to an item's requests, through a filter, to a value."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from harness.components.metric import Mark
from harness.readers.parsing.lm_eval_tasks import documents_of
from harness.records.inputs import Sample
from harness.records.lm_eval_items import KEY
from harness.records.outputs import Prediction

if TYPE_CHECKING:
    from lm_eval.api.task import Task as LmEvalTask

_CERTAIN, _IMPOSSIBLE = 0.0, -1e9  # natural log-probabilities of what a floor answers, and of what it does not


def responses(sample: Sample, prediction: Prediction) -> list[Any] | str:
    """The reply to each of an item's requests: a text, or a log-probability with whether the text is the likeliest.

    Where no model told probabilities (a floor), the answer is certain. A reason instead where they cannot be had.
    """
    item = sample.meta[KEY]
    requests = item["requests"]
    scored = [place for place, request in enumerate(requests) if request["kind"] != "generate_until"]
    logprobs = prediction.logprobs
    if scored and logprobs is None and any(request["kind"] == "loglikelihood_rolling" for request in requests):
        return "no model told how likely the text is"
    if logprobs is None:
        logprobs = tuple(_CERTAIN if _is_answer(sample, prediction, place) else _IMPOSSIBLE for place in scored)
        greedy: Sequence[bool] | None = [value == _CERTAIN for value in logprobs]
    else:
        greedy = prediction.greedy
    values = iter(zip(logprobs, greedy or [False] * len(logprobs), strict=True))
    replies = [next(values) if place in scored else _text(prediction) for place in range(len(requests))]
    return [
        reply[0] if requests[place]["kind"] == "loglikelihood_rolling" else reply for place, reply in enumerate(replies)
    ]


def item_value(task: "LmEvalTask", sample: Sample, replies: Sequence[Any], filter_name: str, metric: str) -> Any:
    """What lm-eval makes of the replies behind one of the task's filters; a Mark where it gives no value."""
    from lm_eval.api.instance import Instance

    document = documents_of(task)[sample.meta[KEY]["document"]]
    requests = [
        Instance(request_type=sample.meta[KEY]["requests"][place]["kind"], doc=document, arguments=(), idx=place,
                 resps=[reply])
        for place, reply in enumerate(replies)
    ]  # fmt: skip
    ensemble = next(own for own in task._filters if own.name == filter_name)
    ensemble.apply(requests)
    results = task.process_results(document, [request.filtered_resps[filter_name] for request in requests])
    return results[metric] if metric in results else Mark(None, f"lm-eval gives this item no {metric}")


def _is_answer(sample: Sample, prediction: Prediction, place: int) -> bool:
    choices = sample.meta[KEY]["choices"]
    text = choices[place] if place < len(choices) else sample.targets[0] if sample.targets else ""
    return bool(text.strip() == _text(prediction).strip())


def _text(prediction: Prediction) -> str:
    answer = prediction.reading.answer
    return answer if isinstance(answer, str) else ""
