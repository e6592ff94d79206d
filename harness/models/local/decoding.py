"""Replies to a batch of prompts, token by token: finished ones come out at once and leave the batch."""

import time
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.models.local.token_choice import TokenChoice, Warp, logprobs_of
from harness.models.local.written_row import WrittenRow

if TYPE_CHECKING:
    import torch

CACHES = ("cache", "past_key_values")  # the same argument, by its name from transformers 5.24 on and before
CROWDED = 0.875  # of the rows that are run: with no more of them open, the batch is made smaller


@dataclass(frozen=True, kw_only=True)
class Decoding:
    """A decoding method for transformers' `generate`, which prepares its inputs (`custom_generate`).

    Other than transformers' own it runs finished rows no further, and a row's tokens depend on no other row.
    """

    rows: Sequence[WrittenRow]
    choice: TokenChoice
    ends: Collection[int]
    pad: int
    suffix: int | None  # how many tokens at the end of each prompt the network's cache does not hold; None: all
    is_shrinking: bool  # whether rows can be taken out of the network's cache

    def __call__(
        self, network: Any, input_ids: Any, logits_processor: Any, generation_config: Any, **inputs: Any
    ) -> Iterator[WrittenRow]:
        """The rows as they are finished, and at last those that the most tokens end."""
        inputs.pop("stopping_criteria", None)
        most = generation_config.max_length - input_ids.shape[1]
        run = _forward(network, generation_config, inputs)
        steps = self._steps(network, input_ids, logits_processor, inputs, run, most)
        return steps if self.is_shrinking else iter(list(steps))  # a wrapped network is itself only within `generate`

    def _steps(
        self, network: Any, ids: Any, warp: Warp, inputs: dict[str, Any], run: Callable[..., Any], most: int
    ) -> Iterator[WrittenRow]:
        rows = list(self.rows)
        for step in range(most):
            began = time.perf_counter()
            prepared = network.prepare_inputs_for_generation(
                ids, next_sequence_length=1 if step else self.suffix, is_first_iteration=step == 0, **inputs
            )
            output = (run if step else network)(**prepared, return_dict=True)
            inputs = network._update_model_kwargs_for_generation(output, inputs)
            logits = output.logits[:, -1].float()
            del output, prepared
            ids = _joined(ids, self._grow(rows, ids, logits, warp, began))
            yield from (row for row in rows if not row.is_open and len(row.tokens) == step + 1)
            if not any(row.is_open for row in rows):
                return
            rows, ids, inputs = self._shrink(rows, ids, inputs)
        yield from (row for row in rows if row.is_open)

    def _grow(self, rows: Sequence[WrittenRow], ids: Any, logits: Any, warp: Warp, began: float) -> list[int]:
        """Put the next token behind each open row, and tell what was put behind all."""
        tokens = self.choice.choose(ids, logits, rows, warp)
        logprobs = logprobs_of(logits, tokens)
        open_rows = [row for row in rows if row.is_open]
        share = (time.perf_counter() - began) / len(open_rows)
        for row, token, logprob in zip(rows, tokens, logprobs, strict=True):
            if row.is_open:
                row.add(token, logprob, token in self.ends)
                row.seconds += share
        return [token if row.is_open else self.pad for row, token in zip(rows, tokens, strict=True)]

    def _shrink(
        self, rows: list[WrittenRow], ids: Any, inputs: dict[str, Any]
    ) -> tuple[list[WrittenRow], Any, dict[str, Any]]:
        """The batch without its finished rows, where enough of them are finished to repay the copy."""
        import torch

        places = [place for place, row in enumerate(rows) if row.is_open]
        if not self.is_shrinking or len(places) > CROWDED * len(rows):
            return rows, ids, inputs
        remaining = torch.tensor(places, device=ids.device)
        for name in CACHES:
            if inputs.get(name) is not None:
                inputs[name].batch_select_indices(remaining)
        tensors = {name: value[remaining] for name, value in inputs.items() if _is_by_row(value, len(rows))}
        return [rows[place] for place in places], ids[remaining], {**inputs, **tensors}


def _joined(ids: "torch.Tensor", tokens: Sequence[int]) -> "torch.Tensor":
    import torch

    return torch.cat([ids, torch.tensor(tokens, device=ids.device, dtype=ids.dtype)[:, None]], dim=-1)


def _is_by_row(value: Any, count: int) -> bool:
    import torch

    return isinstance(value, torch.Tensor) and value.dim() > 0 and value.shape[0] == count


def _forward(network: Any, generation_config: Any, inputs: dict[str, Any]) -> Callable[..., Any]:
    """The network's forward for single tokens, compiled where transformers would compile it: a static cache, CUDA."""
    if network._valid_auto_compile_criteria(inputs, generation_config):
        compiled: Callable[..., Any] = network.get_compiled_call(generation_config.compile_config)
        return compiled
    forward: Callable[..., Any] = network.__call__
    return forward
