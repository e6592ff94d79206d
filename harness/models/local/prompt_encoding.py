"""From messages to the token ids that a local model continues, with or without an answer behind them."""

from harness.models.local.chat_template import as_plain, split_delimiter
from harness.models.local.loading import LocalModel
from harness.models.local.raw_encoding import RawEncoding, ScoredRow
from harness.records.inputs import Prompt
from harness.text.raw_prompts import raw_text
from harness.text.reasoning import close_block, opened_block


class EncodingModel(LocalModel):
    """A local model that reads prompts: by its chat template, or as plain text."""

    @property
    def reads_plain_text(self) -> bool:
        return self.format == "plain"

    def render(self, prompt: Prompt) -> str:
        """The text that the model continues. Raises ModelError where the chat template cannot show a turn."""
        if (text := raw_text(prompt)) is not None:
            return text
        return as_plain(prompt, self.delimiter) if self.format == "plain" else self.chat_turns.render(prompt)

    def opens_reasoning(self, prompt: Prompt) -> bool:
        return bool(opened_block(self.render(prompt), self.reasoning_tags))

    def encode(self, prompt: Prompt, continuation: str = "") -> list[int]:
        """Token ids of the prompt as it is sent, with a continuation when options are scored.

        A continuation is an answer: a block of reasoning that the template opens is closed before it.
        """
        text = self.render(prompt)
        if raw_text(prompt) is not None:
            return self._raw.ids(text + continuation)
        if continuation:
            text += self._before_answer(text) + continuation
        return self._ids(text)

    def scored_rows(self, prompt: Prompt, answer: str) -> list[ScoredRow]:
        """The rows of token ids by which an answer behind a prompt is scored, each with where the scored tokens begin.

        They are several where a text without a prompt is longer than the window. Raises PromptError.
        """
        if not prompt:
            return self._raw.windows(answer, self.context_length())
        if (context := raw_text(prompt)) is not None:
            return [self._raw.pair(context + self._closing(context), answer)]
        return [self.encode_answer(prompt, answer)[:2]]

    @property
    def _raw(self) -> RawEncoding:
        return RawEncoding(self.tokenizer, self.appended_tokens)

    def _ids(self, text: str) -> list[int]:
        """Token ids of a text as it is sent: a chat template writes what the tokenizer puts before a plain one."""
        special = self.format == "plain" or not self.tokenizer.chat_template
        return self.tokens(text) if special else self._plain_tokens(text)

    def encode_answer(self, prompt: Prompt, answer: str) -> tuple[list[int], int, bool]:
        """Token ids of the prompt and an answer, the length of the prompt as it is sent, and whether they were split.

        They are tokenised together, as options are scored. Where the tokenizer would merge the prompt's last token with
        the answer's first, both are tokenised separately: the model continues the prompt's own tokens.
        """
        sent = self.encode(prompt)
        tokens = self.encode(prompt, answer) if answer else sent
        split = tokens[: len(sent)] != sent
        if split:
            tokens = sent + self._plain_tokens(self._before_answer(self.render(prompt)) + answer)
        return tokens, len(sent), split

    def _before_answer(self, rendered: str) -> str:
        """What the model writes between the prompt and its answer."""
        return self._closing(rendered) + (split_delimiter(self.delimiter)[1] if self.format == "plain" else "")

    def _closing(self, rendered: str) -> str:
        """What closes a block of reasoning that a text opens at its end."""
        return close_block(opened_block(rendered, self.reasoning_tags), self.reasoning_tags)

    def tokens(self, text: str) -> list[int]:
        """Token ids of a text with what the tokenizer puts before it, without an end that it would put behind it."""
        ids: list[int] = self.tokenizer(text, add_special_tokens=True)["input_ids"]
        return ids[: len(ids) - self.appended_tokens]

    def _plain_tokens(self, text: str) -> list[int]:
        ids: list[int] = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        return ids

    def count_tokens(self, text: str) -> int | None:
        return len(self._plain_tokens(text))
