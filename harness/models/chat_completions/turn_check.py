"""Before a cell is asked: whether every message of its prompts reaches the model, or a template drops some."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from harness.models.remote.rendering import first_of_each_structure, in_words, missing_turns, roles_of, turn_excerpt
from harness.records.inputs import Prompt, Role

LONGER = " one two three four five six seven eight nine ten eleven twelve"  # put behind a turn whose tokens are counted


class TurnCheck:
    """Looks at the first prompt of each structure of roles, once.

    `render` gives the text that the model continues, None where the server does not tell it; then `count` gives the
    tokens of a prompt as the server counts them, None where it does not.
    """

    def __init__(self, render: Callable[[Prompt], str | None], count: Callable[[Prompt], int | None]) -> None:
        self._render = render
        self._count = count
        self._passed: set[tuple[Role, ...] | frozenset[Role]] = set()

    def problem(self, prompts: Sequence[Prompt], *, may_ask: bool = True) -> str | None:
        """Which message does not reach the model, in words; None where all do, or where nothing tells.

        Where the server renders no prompt, replies of one token tell, if it `may_ask` for them.
        """
        for roles, prompt in first_of_each_structure(prompts).items():
            if len(prompt) < 2 or roles in self._passed:
                continue
            words = in_words(prompt)
            rendered = self._render(words)
            if rendered is None and not may_ask:
                continue
            problem = self._miscounted(prompt) if rendered is None else self._unrendered(prompt, words, rendered)
            if problem is not None:
                return problem
            self._passed.add(roles)
        return None

    def _unrendered(self, prompt: Prompt, words: Prompt, rendered: str) -> str | None:
        """A message that is left out: by words, which stand nowhere else, then by the texts themselves."""
        missing = [turn for turn, word in zip(prompt, words, strict=True) if word in missing_turns(words, rendered)]
        if not missing and (text := self._render(prompt)) is not None:
            missing = list(missing_turns(prompt, text))
        return f"the server's chat template leaves out {turn_excerpt(missing[0])}" if missing else None

    def _miscounted(self, prompt: Prompt) -> str | None:
        """A message that can grow without the prompt's tokens: the first of each role before the last turn.

        A server whose count does not even follow the last turn does not tell.
        """
        kinds, last = frozenset(roles_of(prompt)), len(prompt) - 1
        if kinds in self._passed or (tokens := self._count(prompt)) is None:
            return None
        if self._count(_lengthened(prompt, last)) in (None, tokens):
            return None
        places = {message.role: place for place, message in reversed(list(enumerate(prompt[:last])))}
        for place in sorted(places.values()):
            if self._count(_lengthened(prompt, place)) == tokens:
                turn = turn_excerpt(prompt[place])
                return f"a prompt has {tokens} tokens whatever stands in {turn}: the server leaves it out"
        self._passed.add(kinds)
        return None


def _lengthened(prompt: Prompt, place: int) -> Prompt:
    turn = replace(prompt[place], content=prompt[place].content + LONGER)
    return (*prompt[:place], turn, *prompt[place + 1 :])
