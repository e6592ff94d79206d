"""The one door to models: every call is keyed by content, served from the cache or run in a planned batch, counted."""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from typing import TYPE_CHECKING, TypeVar

from harness.components.model import Model, Use
from harness.errors import NotFiniteError
from harness.records.inputs import Generation, Prompt
from harness.records.outputs import Completion
from harness.runtime.answer_saver import AnswerSaver
from harness.runtime.call_keys import call_keys, key_options
from harness.runtime.model_access import Keys, ModelAccess
from harness.runtime.stored_completions import recalled, storable
from harness.text.canonical import digest
from harness.text.reasoning import with_usual_tags

if TYPE_CHECKING:
    from harness.components.model import Vector

TRY_AHEAD = 3  # calls of a backend that has answered nothing so far
EMBED_BATCH = 256  # texts a batch, sorted by length
GIVE_UP_AFTER = 3  # batches in a row of which nothing was answered: then the backend has to show that it lives

T = TypeVar("T")
Contents = Sequence[Mapping[str, object]]  # what is in the key of each call besides its prompt
Texts = Sequence[Sequence[str]]  # what is scored behind each prompt
Run = Callable[[Sequence[int]], Iterable[tuple[int, Completion]]]  # indices of a batch → places in it, completions


class Context(ModelAccess):
    """Asks models on behalf of variants. One local model is loaded at a time; a failed call is a Completion."""

    def generate(
        self, model: str, prompts: Sequence[Prompt], generation: Generation, repeats: Sequence[int] | None = None
    ) -> list[Completion]:
        """One completion a prompt, in their order. `repeats` numbers equal prompts that are sampled several times."""
        generation = replace(generation, seed=self.seed if generation.temperature > 0 else 0)
        numbers = list(repeats) if repeats is not None else [0] * len(prompts)
        options = key_options(generation)
        engine = self.model(model)
        enforcement = {"held by": engine.schema_identity()} if generation.strict else {}
        sampling = engine.sampling_identity() if generation.temperature > 0 else {}
        contents = [{"options": options, "repeat": number, **enforcement, **sampling} for number in numbers]

        def run(batch: Sequence[int]) -> Iterable[tuple[int, Completion]]:
            return engine.generate_each([prompts[i] for i in batch], generation, [numbers[i] for i in batch])

        completions = self._answer(
            model,
            lambda digest: call_keys(digest, "generate", prompts, contents),
            lambda unique: engine.plan([prompts[i] for i in unique], generation),
            run,
        )
        self._note_remark(model, engine.scoring_remark())
        if tags := engine.own_reasoning_tags:
            completions = [replace(own, text=with_usual_tags(own.text, tags)) for own in completions]
        return self._with_prompts(model, prompts, completions)

    def score_options(
        self, model: str, prompts: Sequence[Prompt], options: Sequence[tuple[str, ...]]
    ) -> list[Completion]:
        """Log-probabilities of each prompt's options; `text` is the likeliest one."""
        engine = self.model(model)

        def run(batch: Sequence[int]) -> Iterable[tuple[int, Completion]]:
            return enumerate(engine.score_options([prompts[i] for i in batch], [options[i] for i in batch]))

        contents = [{"options": list(texts)} for texts in options]
        return self._with_prompts(model, prompts, self._scored(model, "score_options", prompts, contents, options, run))

    def first_token(
        self, model: str, prompts: Sequence[Prompt], options: Sequence[tuple[str, ...]]
    ) -> list[Completion]:
        """How likely each prompt's options are as the first token of the reply; `text` is the likeliest one."""
        engine = self.model(model)

        def run(batch: Sequence[int]) -> Iterable[tuple[int, Completion]]:
            return engine.first_token_each([prompts[i] for i in batch], [options[i] for i in batch])

        contents = [{"options": list(texts)} for texts in options]
        return self._with_prompts(model, prompts, self._scored(model, "first_token", prompts, contents, options, run))

    def likelihood(self, model: str, prompts: Sequence[Prompt], continuations: Sequence[str]) -> list[Completion]:
        """How likely each continuation is after its prompt, as Model.likelihood returns it."""
        engine = self.model(model)

        def run(batch: Sequence[int]) -> Iterable[tuple[int, Completion]]:
            return enumerate(engine.likelihood([prompts[i] for i in batch], [continuations[i] for i in batch]))

        contents = [{"continuation": text} for text in continuations]
        return self._scored(model, "likelihood", prompts, contents, [[text] for text in continuations], run)

    def _scored(
        self, model: str, call: str, prompts: Sequence[Prompt], contents: Contents, texts: Texts, run: Run
    ) -> list[Completion]:
        """Calls that score texts behind prompts."""
        engine = self.model(model)
        contents = [{**content, **engine.scoring_identity()} for content in contents]
        completions = self._answer(
            model,
            lambda digest: call_keys(digest, call, prompts, contents),
            lambda unique: engine.plan_scoring([prompts[i] for i in unique], [texts[i] for i in unique]),
            run,
        )
        self._note_remark(model, engine.scoring_remark())
        return completions

    def embed(self, model: str, texts: Sequence[str], use: Use) -> "Vector":
        """Vectors of the texts, shape (texts, dimensions), in their order; each text is embedded once, ever.

        Raises NotFiniteError for NaN or infinity.
        """
        keys = [digest({"model": self.model_digest(model), "use": use, "text": text}) for text in texts]
        return self._vectors(model, keys, texts, len, lambda batch: self.model(model).embed(batch, use))

    def token_matches(self, engine: Model, pairs: Sequence[tuple[str, str]]) -> "Vector":
        """How the tokens of each (answer, reference) match by a metric's own model: rows as Model.token_matches gives.

        Pairs of one reference are read together.
        """
        model = engine.describe()
        engine = self._own_models.setdefault(model, engine)
        keys = [digest({"model": self.model_digest(model), "tokens of": list(pair)}) for pair in pairs]
        places = {text: place for place, text in enumerate(sorted({text for _, text in pairs}, key=len))}
        return self._vectors(model, keys, pairs, lambda pair: places[pair[1]], engine.token_matches)

    def relevance(self, model: str, pairs: Sequence[tuple[str, str]]) -> list[float]:
        """A ranking model's score of each (query, passage) pair; higher is better."""
        import numpy as np

        keys = [digest({"model": self.model_digest(model), "pair": list(pair)}) for pair in pairs]

        def run(batch: Sequence[tuple[str, str]]) -> "Vector":
            return np.array(self.model(model).relevance(batch), dtype=np.float32).reshape(-1, 1)

        scores = self._vectors(model, keys, pairs, lambda pair: len(pair[0]) + len(pair[1]), run)
        return [float(score) for score in scores.reshape(-1)]

    def _vectors(
        self,
        model: str,
        keys: Sequence[str],
        items: Sequence[T],
        length: Callable[[T], int],
        run: Callable[[Sequence[T]], "Vector"],
    ) -> "Vector":
        """Cached vectors, and computed ones in batches of similar length, each stored before the next begins."""
        import numpy as np

        first = {key: index for index, key in reversed(list(enumerate(keys)))}
        vectors = self.vectors.get(list(first))
        longest_first = sorted(first.values(), key=lambda i: (-length(items[i]), keys[i]))
        planned = [longest_first[start : start + EMBED_BATCH] for start in range(0, len(first), EMBED_BATCH)]
        missing = [[i for i in batch if keys[i] not in vectors] for batch in planned]
        if len(vectors) < len(first):
            self._begin_vectors(model, len(first) - len(vectors))
        due = list(filter(None, missing))
        for batch, computed in self._each(model, due, lambda batch: run([items[i] for i in batch])):
            for i, vector in zip(batch, computed, strict=True):
                if not np.isfinite(vector).all():
                    raise NotFiniteError(f"model {model} returned NaN or infinity for: {str(items[i])[:80]}")
            fresh = {keys[i]: vector for i, vector in zip(batch, computed, strict=True)}
            self.vectors.put(fresh)
            vectors.update(fresh)
            self.counts.embedded += len(batch)
            self.display.advance(len(batch))
        return self.vectors.stacked([vectors[key] for key in keys])

    def _begin_vectors(self, model: str, missing: int) -> None:
        self._free_memory_for(model)
        self.display.expect(missing)

    def _answer(
        self, model: str, keys_under: Keys, plan: Callable[[Sequence[int]], list[list[int]]], run: Run
    ) -> list[Completion]:
        """Cached completions, and computed ones. Batches are planned over all calls: a resumed run forms the same."""
        keys = keys_under(self.model_digest(model))
        if keys:
            self._keep_identity(model)
        first = {key: index for index, key in reversed(list(enumerate(keys)))}  # equal calls are made once
        done = recalled(self.cache.get(list(first)), self.model(model))
        self.display.expect(len(keys))
        self._count_cached(done, len(keys) - (len(first) - len(done)))
        if len(done) < len(first):
            if not done:
                self._note_change(model, keys_under)
            unique = sorted(first.values())
            self._free_memory_for(model)  # planning batches may load the model
            batches = [[unique[i] for i in batch] for batch in plan(unique)]
            done.update(self._compute(model, batches, keys, done, run))
        return [self.redaction.redact_completion(done[key]) for key in keys]

    def _compute(
        self,
        model: str,
        batches: Sequence[Sequence[int]],
        keys: Sequence[str],
        cached: Mapping[str, Completion],
        run: Run,
    ) -> dict[str, Completion]:
        """Run what is missing of the batches, each committed to the cache before the next begins.

        Failures are not cached, so a resumed run meets them in a row. They may be the calls' own: a backend is given up
        only when it no longer answers what it answered before or, having answered nothing, calls from further on.
        """
        missing = list(filter(None, ([i for i in batch if keys[i] not in cached] for batch in batches)))
        answered = [i for batch in batches for i in batch if keys[i] in cached]
        done: dict[str, Completion] = {}
        failures, is_down = 0, False
        self.cache.open()
        for number, planned in enumerate(missing, 1):
            batch = [i for i in planned if keys[i] not in done]
            if is_down or not batch:
                done.update(self._abandon(batch, keys, failures))
                continue
            fresh = self._run_batch(model, batch, keys, run)
            done.update(fresh)
            successes = [i for i in batch if fresh[keys[i]].finish != "error"]
            answered += successes
            failures = 0 if successes else failures + 1
            if failures >= GIVE_UP_AFTER and answered:
                is_down = not self._answers(run, answered[-1])
            elif failures >= GIVE_UP_AFTER:
                ahead = self._try_ahead(model, missing[number:], keys, run)
                done.update(ahead)
                answered += [i for i in chain(*missing) if keys[i] in ahead and ahead[keys[i]].finish != "error"]
                is_down = not answered
            failures = 0 if failures >= GIVE_UP_AFTER and not is_down else failures
        return done

    def _run_batch(self, model: str, batch: Sequence[int], keys: Sequence[str], run: Run) -> dict[str, Completion]:
        """Make the calls of one batch; each that succeeds is stored as soon as it comes."""
        began = time.perf_counter()
        fresh: dict[str, Completion] = {}
        saver = AnswerSaver(self.cache, self.model_digest(model))
        try:
            for place, completion in run(batch):
                share = (time.perf_counter() - began) / len(batch)
                completion = self.redaction.redact_completion(storable(completion, share))
                key = keys[batch[place]]
                fresh[key] = completion
                if completion.finish != "error":
                    saver.add(key, completion)
                self._count(completion)
        finally:
            saver.save()
            seconds = time.perf_counter() - began
            self.counts.seconds += seconds
            self._pay(model, fresh.values(), seconds)
        if len(fresh) != len(batch):
            raise RuntimeError(f"{model} returned {len(fresh)} completions for {len(batch)} prompts")
        return fresh

    def _answers(self, run: Run, index: int) -> bool:
        """Whether a call that was answered before is answered again; its cost is counted."""
        began = time.perf_counter()
        ((_, completion),) = run([index])
        self.counts.calls += 1
        self.counts.tokens_in += completion.tokens_in
        self.counts.tokens_out += completion.tokens_out
        self.counts.seconds += time.perf_counter() - began
        return completion.finish != "error"

    def _try_ahead(
        self, model: str, later: Sequence[Sequence[int]], keys: Sequence[str], run: Run
    ) -> dict[str, Completion]:
        """The last calls of some later batches, one by one until one is answered."""
        tried: dict[str, Completion] = {}
        for batch in later[:: -max(1, len(later) // TRY_AHEAD)][:TRY_AHEAD]:
            tried |= self._run_batch(model, batch[-1:], keys, run)
            if any(completion.finish != "error" for completion in tried.values()):
                break
        return tried

    def _abandon(self, batch: Sequence[int], keys: Sequence[str], failures: int) -> dict[str, Completion]:
        """Calls of a backend that was given up: unknown, and counted as failed."""
        abandoned = Completion(text="", finish="error", error=f"not asked: {failures} batches in a row had failed")
        for _ in batch:
            self._count(abandoned)
        return {keys[i]: abandoned for i in batch}

    def _count_cached(self, completions: Mapping[str, Completion], served: int) -> None:
        self.counts.cached += served
        self.counts.cached_seconds += sum(completion.seconds for completion in completions.values())
        if served:
            self.display.recall(served)

    def _count(self, completion: Completion) -> None:
        self.counts.calls += 1
        self.counts.failed += completion.finish == "error"
        self.display.lose(int(completion.finish == "error"))
        self.counts.tokens_in += completion.tokens_in
        self.counts.tokens_out += completion.tokens_out
        self.display.advance(1, completion.tokens_out)
