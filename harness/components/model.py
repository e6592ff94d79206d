"""What a model owes: text for prompts, and where it can, scores of options, vectors, rankings."""

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from harness.components.component import Component
from harness.components.display import Display
from harness.components.preparation import Preparation
from harness.components.prompt_shape import PromptShape
from harness.components.sent_state import sent_state
from harness.records.inputs import JSON, Generation, Prompt
from harness.records.outputs import Completion
from harness.text.reasoning import TagPair

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vector = NDArray[np.float32]  # one text's vector, or those of several, shape (texts, dimensions)

Use = Literal["query", "passage"]
Rows = Sequence[tuple[str, str]]  # (place, text) of each row


class Model(Component):
    """Turns prompts into text; may score options. Lists in, lists out, order kept.

    A call that fails comes back as a Completion with finish "error"; only what makes every call impossible is raised,
    as ModelError.
    """

    local: ClassVar[bool] = False  # weights in this process: at most one such model is loaded at a time
    served: ClassVar[bool] = False  # a server answers, before which calls may wait for each other
    trainable: ClassVar[bool] = False  # other models can be made of it: tuned, quantised, with an adapter
    is_tuned: ClassVar[bool] = False  # stands for a training, by the run or elsewhere; of its base that one tells
    generates: ClassVar[bool] = True
    tells_logprob: ClassVar[bool] = False  # of the text that it generates
    scores_options: ClassVar[bool] = False
    tells_likelihood: ClassVar[bool] = False  # of a text that is given
    tells_first_token: ClassVar[bool] = False  # how likely texts are as the first token of its reply
    bounds_answers: ClassVar[bool] = False  # stop strings and token limit count behind its reasoning, not in it
    embeds: ClassVar[bool] = False
    embeds_all_texts: ClassVar[bool] = True  # a zero vector is a fault, and no text of which it knows nothing
    ranks: ClassVar[bool] = False
    shows_turns: ClassVar[bool] = False  # a server of it may tell, without a reply, which turns of a prompt it reads

    def __getstate__(self) -> dict[Any, Any]:
        return sent_state(self, super().__getstate__())

    @classmethod
    def missing_methods(cls) -> list[str]:
        abilities = {
            "generate": cls.generates, "score_options": cls.scores_options, "likelihood": cls.tells_likelihood,
            "embed": cls.embeds, "relevance": cls.ranks, "first_token_each": cls.tells_first_token,
        }  # fmt: skip
        owed = [name for name, able in abilities.items() if able and getattr(cls, name) is getattr(Model, name)]
        return [*super().missing_methods(), *owed]

    @abstractmethod
    def identity(self) -> dict[str, JSON]:
        """Everything that determines the output besides prompt and generation options, by content."""

    def secrets(self) -> Mapping[str, str]:
        """What it sends and nobody may write down, by the names that stand for it: the keys of servers."""
        return {}

    def report_to(self, display: Display) -> None:
        """Where it says what it waits for."""

    def check(self) -> None:
        """Raise ModelError if the model cannot be used; cheap, loads no weights."""

    def scoring_mistake(self) -> str | None:
        """Why texts that are given cannot be scored as things are, though its kind can; None where they can be."""
        return None

    def generation_mistake(self, generation: Generation) -> str | None:
        """Why a reply would not follow options that a task states; None where it would. May ask its server."""
        return None

    def check_server(self) -> None:
        """Raise ModelError for what a server says against the model; one that does not answer says nothing."""

    def check_turns(self, prompts: Sequence[Prompt]) -> None:
        """Raise ModelError for a turn that the model would never read, as far as that is told without a reply."""

    def check_path(self) -> None:
        """Raise ModelError for a path with no valid form, or with nothing there; opens no file and asks no server."""

    def at_hand(self) -> bool:
        """Whether `identity` is known without a download."""
        return True

    def is_here(self) -> bool:
        """Whether its tokenizer and configuration are read without a download."""
        return self.at_hand()

    @property
    def tells_version(self) -> bool:
        """Whether its identity changes with the engine that answers: not where a server says nothing of itself."""
        return True

    @property
    def reads_plain_text(self) -> bool:
        """Whether it is asked in running text, with no chat template around it."""
        return False

    @property
    def own_reasoning_tags(self) -> tuple[TagPair, ...]:
        """What its replies put around reasoning, beside the usual tags."""
        return ()

    @property
    def is_set_to_reason(self) -> bool:
        """Whether it is asked to reason before each answer, whatever the prompt says."""
        return False

    def render(self, prompt: Prompt) -> str | None:
        """The text that the model continues; None where that is made elsewhere. Raises ModelError."""
        return None

    def schema_problem(self) -> str | None:
        """Why its replies cannot be held to a JSON schema, e.g. "needs the package …"; None where they can."""
        return "is of a kind whose replies cannot be held to a JSON schema"

    def schema_identity(self) -> dict[str, JSON]:
        """What determines a reply that is held to a schema besides `identity`."""
        return {}

    def sampling_identity(self) -> dict[str, JSON]:
        """What determines a sampled reply besides `identity`: how random numbers become tokens, where that is known."""
        return {}

    def opens_reasoning(self, prompt: Prompt) -> bool:
        """Whether the prompt as it is sent opens a block of reasoning, so that a reply begins inside it."""
        return False

    def plan(self, prompts: Sequence[Prompt], generation: Generation) -> list[list[int]]:
        """Indices of `prompts` in the batches in which they are to be run; depends on nothing but the arguments."""
        return [[i] for i in range(len(prompts))]

    def plan_scoring(self, prompts: Sequence[Prompt], texts: Sequence[Sequence[str]]) -> list[list[int]]:
        """As `plan`, where texts are scored behind the prompts: `texts[i]` are those of prompt i."""
        return self.plan(prompts, Generation(max_tokens=max((len(text) for own in texts for text in own), default=1)))

    def scoring_identity(self) -> dict[str, JSON]:
        """What determines the scores of texts that are given besides `identity`: how they are computed, if it shows."""
        return {}

    def scoring_remark(self) -> str | None:
        """What was noticed while it wrote or scored texts and a user should know; None for nothing."""
        return None

    def generate(self, prompts: Sequence[Prompt], generation: Generation, repeats: Sequence[int]) -> list[Completion]:
        """One completion a prompt; equal prompts differ by their repeat index when sampling."""
        raise NotImplementedError

    def generate_each(
        self, prompts: Sequence[Prompt], generation: Generation, repeats: Sequence[int]
    ) -> Iterator[tuple[int, Completion]]:
        """The completions as they come, each once and with the place of its prompt; what came is kept at once."""
        yield from enumerate(self.generate(prompts, generation, repeats))

    def first_token_each(
        self, prompts: Sequence[Prompt], options: Sequence[tuple[str, ...]]
    ) -> Iterator[tuple[int, Completion]]:
        """How likely each option is as the first token of the reply, as they come.

        `logprobs` are natural and renormalised over the options, `elsewhere` is the probability of none of them, `text`
        the likeliest. A prompt of which that cannot be told for sure comes back with an error.
        """
        raise NotImplementedError

    def first_token_mistake(self) -> str | None:
        """Why its first tokens cannot be read although its kind can tell them; None if they can. May ask its server."""
        return "it is set to reason before it answers" if self.is_set_to_reason else None

    def score_options(self, prompts: Sequence[Prompt], options: Sequence[tuple[str, ...]]) -> list[Completion]:
        """Log-probabilities (natural) of each prompt's options as its continuation; `text` is the best option."""
        raise NotImplementedError

    def likelihood(self, prompts: Sequence[Prompt], continuations: Sequence[str]) -> list[Completion]:
        """How likely each continuation is after its prompt: `logprobs` is (the natural log-probability of all of it,).

        `tokens_out` is the number of its tokens, to divide by, and `greedy` (whether greedy decoding would write it,)
        where that is told. What ends a turn is no part of it. Behind a raw text (`text.raw_prompts`) white space at its
        end counts too. Behind the empty prompt a text is scored by itself, in windows where it is long.
        """
        raise NotImplementedError

    def embed(self, texts: Sequence[str], use: Use) -> "Vector":
        """One vector a text, shape (texts, dimensions); some models write queries and passages differently."""
        raise NotImplementedError

    def token_matches(self, pairs: Sequence[tuple[str, str]]) -> "NDArray[np.float32]":
        """How the tokens of each (answer, reference) match by their vectors, shape (pairs, 6).

        Precision and recall in [0, 1] (both -1 where the model returned no number), tokens of the answer and of the
        reference, and in how many windows each was read: 0 for a text without a token.
        """
        raise NotImplementedError

    def relevance(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        """How well each (query, passage) pair belongs together; higher is better, any range."""
        raise NotImplementedError

    def context_length(self) -> int | None:
        """The most tokens of a prompt and its answer together; None when it is out of reach. Loads no weights."""
        return None

    def count_tokens(self, text: str) -> int | None:
        """Tokens of a text, without chat template; None when the tokenizer is out of reach."""
        return None

    def describe(self) -> str:
        """One line for people: device, dtype, size."""
        return type(self).__name__

    def weights_bytes(self) -> int | None:
        """Bytes of its weights as they lie in memory; None where that is not known without a download."""
        return None

    def memory(self, tokens: int) -> tuple[int, int] | None:
        """Bytes needed to answer a prompt of so many tokens, its answer included, and bytes that there are.

        None where that is not known without a download. Loads no weights.
        """
        return None

    def rests_on(self) -> tuple[str, ...]:
        """The subjects of the self-test that its answers rest on; none where no network of transformers answers."""
        return ()

    def carrier(self) -> "Model":
        """The model whose weights lie in memory when this one answers; several with one carrier are loaded once."""
        return self

    def loading_key(self) -> str | None:
        """What its server loads for it: models with equal keys are asked one after the other. None for no server."""
        return None

    def close(self) -> None:
        """Release weights and connections."""

    # -- as the base of another model, or made of one: most models are neither -------------------------------------

    @property
    def base_name(self) -> str | None:
        """The suite's name for the model that a run makes this one of; None for a model that exists already."""
        return None

    def root(self) -> "Model":
        """The model at the end of the chain of bases."""
        return self

    def as_base(self) -> "Model":
        """This model as plain weights, which others can be made of. Raises ModelError where it has none."""
        return self

    def check_as_base(self) -> None:
        """Raise ModelError if no other model can be made of this one."""

    def rests_on_as_base(self) -> tuple[str, ...]:
        """The subjects of the self-test that the answers of a model made of it rest on."""
        return self.rests_on()

    def is_base(self) -> bool:
        """Whether `as_base` has nothing left to compute."""
        return True

    def expand(self, seed: int) -> "Mapping[str, Model]":
        """The models that this entry stands for, by the suffix of their names; `seed` is the suite's."""
        return {"": self}

    def training_questions(self) -> Mapping[str, Rows]:
        """What the rows that it learns from ask, by source; no test item may equal one of them."""
        return {}

    def training_texts(self) -> Mapping[str, Rows]:
        """The plain texts that it learns from, by source."""
        return {}

    def training_prompts(self) -> Mapping[str, Sequence[PromptShape]]:
        """By task, of what kinds the prompts are that it learns to answer; empty where the run teaches it none."""
        return {}

    def preparation(self) -> Preparation | None:
        """What `make` would do; None when there is nothing to do. Loads no weights."""
        return None

    def make(self, name: str, display: Display) -> dict[str, JSON] | None:
        """Train, merge or look at what is needed to answer, once; returns the record of a training for run.json.

        `name` is the suite's name for the model.
        """
        return None
