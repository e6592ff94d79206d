"""A local model whose calls are made in batches that fit its memory."""

from collections.abc import Callable, Iterable, Iterator, Sequence

from pydantic import PrivateAttr

from harness.errors import PromptError
from harness.models.local.batches import Halving, rows_in_memory
from harness.models.local.device import free_memory
from harness.models.local.failures import TOO_BIG, failure, too_long
from harness.models.local.prompt_encoding import EncodingModel
from harness.records.inputs import Prompt
from harness.records.outputs import Completion

Place = tuple[int, Completion]  # the place of a prompt in its batch, and its completion


class BatchingModel(EncodingModel):
    """Knows how long a prompt may be and how many go at once; halves what memory does not hold."""

    _halving: Halving = PrivateAttr(default_factory=Halving)

    @property
    def _window(self) -> int:
        """The longest sequence in tokens."""
        return self.context_length() or 1 << 30

    def _batch_size(self, longest: int, most: int | None = None) -> int:
        """How many sequences of so many tokens are run at once, `most` if memory allows them."""
        if self.batch_size is not None:
            return self.batch_size
        most = most or (256 if self.device_name == "cuda" else 16)
        config = self._model().config.get_text_config()
        return rows_in_memory(config, self._room(), longest, dtype=self.dtype_name, most=most)

    def _room(self) -> float:
        """Bytes beside the weights. What is free now would make a resumed run form other batches."""
        import psutil
        import torch

        total = torch.cuda.mem_get_info()[1] if self.device_name == "cuda" else psutil.virtual_memory().total
        return float(total - self._model().get_memory_footprint())

    def _fit(self, prompt: Prompt, room: int) -> list[int] | Completion:
        """The prompt's token ids, or the failure of a prompt that cannot be asked."""
        try:
            ids = self.encode(prompt)
        except PromptError as error:
            return failure(str(error))
        return ids if 0 < len(ids) <= room else too_long(len(ids), room)

    def _run(
        self, failures: Sequence[Completion | None], call: Callable[[Sequence[int]], list[Completion]]
    ) -> list[Completion]:
        """The completions of the items that have no failure yet, and the failures, in order."""
        completions = dict(self._run_each(failures, lambda batch: enumerate(call(batch))))
        return [completions[i] for i in range(len(failures))]

    def _run_each(
        self, failures: Sequence[Completion | None], call: Callable[[Sequence[int]], Iterable[Place]]
    ) -> Iterator[Place]:
        """The same as they come."""
        yield from ((i, failed) for i, failed in enumerate(failures) if failed is not None)
        fit = [i for i, failed in enumerate(failures) if failed is None]
        yield from self._halving.each(fit, call, self._free_memory, TOO_BIG)

    def _free_memory(self) -> None:
        """Give back what can be computed again."""
        free_memory()
