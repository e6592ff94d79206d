"""From conversations to token ids and labels, by the code of inference: training sees the same prompts."""

from collections.abc import Sequence
from dataclasses import dataclass

from harness.errors import DataError
from harness.models.huggingface import HuggingFace
from harness.records.inputs import Message, Prompt

IGNORED = -100  # a label that is not learnt, as torch's cross-entropy and transformers have it
PROBE = "Kxq7"  # an answer that no template contains


@dataclass(frozen=True, slots=True)
class Example:
    """A prompt exactly as it will be asked, and the answer to learn."""

    prompt: Prompt
    answer: str
    history: int = 0  # exchanges of the row's own dialogue before its question; worked examples stand before them

    def turns(self) -> "tuple[Example, ...]":
        """Each exchange of the dialogue as a row of its own, its last one too; an empty answer is nothing to learn."""
        answers = [place for place, turn in enumerate(self.prompt) if turn.role == "assistant"]
        own = answers[max(0, len(answers) - self.history) :]
        earlier = (Example(self.prompt[:place], self.prompt[place].content) for place in own)
        return (*(turn for turn in earlier if turn.answer.strip()), Example(self.prompt, self.answer))


@dataclass(frozen=True, slots=True)
class TokenRow:
    """Token ids and, for each, the label: the token itself where it is learnt, else IGNORED."""

    ids: tuple[int, ...]
    labels: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Encoded:
    """The rows that fit, and how many were shortened or left out."""

    rows: tuple[TokenRow, ...]
    cut: int = 0  # rows that lost their oldest turns
    dropped: int = 0  # rows longer than the cutoff even so
    split: int = 0  # rows whose tokenizer would have merged the prompt's end with the answer's beginning

    def joined(self, further: "Encoded") -> "Encoded":
        """These rows and further ones."""
        rows = self.rows + further.rows
        return Encoded(rows, self.cut + further.cut, self.dropped + further.dropped, self.split + further.split)


def encode_examples(
    base: HuggingFace, examples: Sequence[Example], cutoff: int, loss: str, turns: str = "last"
) -> Encoded:
    """Rows of at most `cutoff` tokens; an answer is never cut.

    A row that is too long loses the oldest exchanges of its history, never its system turn or question. With all
    `turns` learnt, a turn whose tokens a later one begins with is learnt in that one's row; others are rows of their
    own, e.g. in plain format, where what follows an answer of the history is not the end that the model has to write.
    Raises DataError when no row fits.
    """
    end = end_of_turn(base)
    rows: list[TokenRow] = []
    cut, dropped, split, longest = 0, 0, 0, 0
    for example in examples:
        exchanges = example.turns() if turns == "all" else (example,)
        encoded = [_fit(base, turn, end, cutoff, loss) for turn in exchanges]
        fit = [turn for turn in encoded if len(turn.row.ids) <= cutoff and turn.row.labels[-1] != IGNORED]
        longest = max(longest, *(turn.length for turn in encoded))
        rows += _join([turn.row for turn in fit])
        dropped += not fit
        cut += bool(fit) and (len(fit) < len(encoded) or any(turn.is_cut for turn in fit))
        split += any(turn.is_split for turn in fit)
    if not rows:
        raise DataError(_no_row_fits(len(examples), longest, cutoff))
    return Encoded(tuple(rows), cut, dropped, split)


@dataclass(frozen=True, slots=True, kw_only=True)
class EncodedTurn:
    """One answer and what it is asked by, shortened as far as that goes."""

    row: TokenRow
    length: int  # tokens before anything was cut
    is_cut: bool  # lost its oldest turns
    is_split: bool  # prompt and answer had to be tokenised separately


def _fit(base: HuggingFace, example: Example, end: int, cutoff: int, loss: str) -> EncodedTurn:
    prompt = example.prompt
    row, is_split = _row(base, prompt, example.answer, end, loss)
    length = len(row.ids)
    while len(row.ids) > cutoff and (shorter := _without_oldest(prompt)) is not None:
        prompt = shorter
        row, is_split = _row(base, prompt, example.answer, end, loss)
    return EncodedTurn(row=row, length=length, is_cut=prompt is not example.prompt, is_split=is_split)


def _join(turns: Sequence[TokenRow]) -> list[TokenRow]:
    """The turns of a dialogue, each that the next begins with learnt in the next one's row."""
    rows: list[TokenRow] = []
    for turn in turns:
        before = rows[-1] if rows else None
        if before is not None and turn.ids[: len(before.ids)] == before.ids:
            rows[-1] = TokenRow(turn.ids, before.labels + turn.labels[len(before.ids) :])
        else:
            rows.append(turn)
    return rows


def encode_texts(base: HuggingFace, texts: Sequence[str], cutoff: int) -> Encoded:
    """Documents as rows of at most `cutoff` tokens, every token learnt; a longer document makes several rows."""
    end, rows = _stop(base), []
    for text in texts:
        if not text.strip():
            continue
        ids = [*base.tokens(text), end]
        for start in range(0, len(ids), cutoff):
            part = ids[start : start + cutoff]
            if len(part) > 1:  # nothing predicts a single token
                rows.append(TokenRow(tuple(part), (IGNORED, *part[1:])))
    if not rows:
        raise DataError("the texts to train on have no word; give at least one text that has")
    return Encoded(tuple(rows), dropped=sum(not text.strip() for text in texts))


def end_of_turn(base: HuggingFace) -> int:
    """The token that ends an answer: what the template writes there, if generation stops at it.

    In plain format, and where it does not stop there, the end-of-text token: generation stops at it whatever stop
    strings a task has, so the model learns to stop without them.
    """
    if base.format == "chat" and base.tokenizer.chat_template:
        turns = (Message("user", "?"), Message("assistant", PROBE), Message("user", "?"))
        after = base.render(turns).rpartition(PROBE)[2]
        for token in base.tokenizer(after, add_special_tokens=False)["input_ids"]:
            if token in base.end_tokens():
                return int(token)
    return _stop(base)


def _stop(base: HuggingFace) -> int:
    eos, ends = base.tokenizer.eos_token_id, base.end_tokens()
    if eos in ends or not ends:
        if eos is None:
            raise DataError(f"model {base.path} has no end token: a model trained on it would never stop")
        return int(eos)
    return ends[0]


def _row(base: HuggingFace, prompt: Prompt, answer: str, end: int, loss: str) -> tuple[TokenRow, bool]:
    """The row, and whether prompt and answer had to be tokenised separately."""
    tokens, prompt_length, split = base.encode_answer(prompt, answer)
    ids = (*tokens, end)
    first = 1 if loss == "all" else max(1, prompt_length)  # nothing predicts the first token
    return TokenRow(ids, (IGNORED,) * first + ids[first:]), split


def _without_oldest(prompt: Prompt) -> Prompt | None:
    """The prompt without its oldest exchange; None when it has none."""
    start = 1 if prompt and prompt[0].role == "system" else 0
    answers = [i for i, message in enumerate(prompt) if message.role == "assistant"]
    return prompt[:start] + prompt[answers[0] + 1 :] if answers else None


def _no_row_fits(count: int, longest: int, cutoff: int) -> str:
    if not count:
        return "no row to train on; name tasks that have train rows"
    return (
        f"all {count} rows are longer than the cutoff of {cutoff} tokens (the longest has {longest}); "
        f"raise cutoff to {longest} or shorten the prompt"
    )


def shared_prefix(rows: Sequence[TokenRow]) -> int:
    """Length of the prefix that all rows have in common and none of them learns; a row keeps two tokens of its own.

    The token behind the prefix is not learnt either: what predicts it is computed once for all rows.
    """
    first = rows[0].ids
    length = min(min(_first_label(row), len(row.ids)) for row in rows) - 1
    for row in rows[1:]:
        length = next((i for i in range(min(length, len(row.ids))) if row.ids[i] != first[i]), length)
    return max(0, length)


def _first_label(row: TokenRow) -> int:
    return next(place for place, label in enumerate(row.labels) if label != IGNORED)
