"""What a chat template is given: the same question on every day, and nothing of the template's own text is changed."""

from typing import Any

import pytest

from harness.errors import ModelError, PromptError
from harness.models.local.chat_template import ChatTurns, as_chat
from harness.records.inputs import Message

PROMPT = (Message("system", "S"), Message("user", "Q"))
# The head of Llama 3.2's template; it stands for the models that tell today's date.
LLAMA = (
    "{%- if not date_string is defined %}\n"
    "    {%- if strftime_now is defined %}\n"
    '        {%- set date_string = strftime_now("%d %b %Y") %}\n'
    "    {%- else %}\n"
    '        {%- set date_string = "26 Jul 2024" %}\n'
    "    {%- endif %}\n"
    "{%- endif %}\n"
    '{{- "Today Date: " + date_string + "\\n\\n" }}'
    "{%- for message in messages %}{{- message.content }}{%- endfor %}"
)
# gpt-oss tells it inside a macro, through a namespace.
MACRO = (
    "{%- macro head() -%}\n"
    '    {{- "Current date: " + strftime_now("%Y-%m-%d") + "\\n" }}\n'
    "{%- endmacro -%}\n"
    "{%- set ns = namespace(text=head()) -%}\n"
    "{{- ns.text }}{{ messages[1].content }}"
)


def tokenizer(template: str | dict[str, str]) -> Any:
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    made = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.WordLevel({"x": 0}, unk_token="x")))
    made.chat_template = template
    return made


@pytest.mark.parametrize(
    ("template", "expected"),
    [  # 2025-01-01 is a Wednesday, the first day of the year
        (LLAMA, "Today Date: 01 Jan 2025\n\nSQ"),
        (MACRO, "Current date: 2025-01-01\nQ"),
        ("{{ strftime_now('%A, %B %-d, %Y') }}", "Wednesday, January 1, 2025"),
        ("{{ strftime_now('%d/%m/%y %H:%M:%S') }}", "01/01/25 00:00:00"),
        ("{{ strftime_now('%Y年%m月%d日') }}", "2025年01月01日"),
        ("{{ strftime_now('%-d %b') }} {{ strftime_now('%j') }}", "1 Jan 001"),
        ({"tool_use": "tools", "default": "{{ strftime_now('%F') }}"}, "2025-01-01"),
    ],
)
def test_a_template_that_tells_the_date_tells_the_same_on_any_day(
    template: str | dict[str, str], expected: str
) -> None:
    assert as_chat(tokenizer(template), PROMPT) == expected


@pytest.mark.parametrize(
    "template",
    ["{}|Q", "\n  {}|Q", "  {{% if true %}}\n{}\n{{% endif %}}\n", "\n\n{{%- if true %}} {} {{% endif -%}}\n Q", "{{# c #}}\n{}\n\n"],
)  # fmt: skip
def test_around_the_date_the_template_is_what_it_was(template: str) -> None:
    """White space above all, which jinja drops or keeps by what stands before it."""
    dated = as_chat(tokenizer(template.format("{{ strftime_now('%Y') }}")), PROMPT)
    messages = [{"role": message.role, "content": message.content} for message in PROMPT]
    alone = tokenizer(template.format("{{ '2025' }}")).apply_chat_template(messages, tokenize=False)
    assert dated == alone
    assert "2025" in dated


def test_a_date_in_a_template_that_refuses_a_system_turn() -> None:
    """The second attempt tells the date too."""
    refusing = (
        "{% if messages[0]['role'] == 'system' %}{{ raise_exception('no system') }}{% endif %}"
        "{{ strftime_now('%Y') }}{{ messages[0]['content'] }}"
    )
    assert ChatTurns(tokenizer(refusing), "m").render(PROMPT) == "2025S\n\nQ"


S, Q1, A1, Q2 = (
    Message("system", "Be brief."), Message("user", "Fever?"), Message("assistant", "A"), Message("user", "Cough?")
)  # fmt: skip
TURN = "[{{ m.role }}]{{ m.content }}"
ALL = "{% for m in messages %}" + TURN + "{% endfor %}"
NO_SYSTEM = "{% for m in messages if m.role != 'system' %}" + TURN + "{% endfor %}"
REFUSES_SYSTEM = "{% if messages[0].role == 'system' %}{{ raise_exception('no system') }}{% endif %}" + ALL
LAST_ONLY = "{% set m = messages[-1] %}" + TURN
USERS_ONLY = "{% for m in messages if m.role == 'user' %}" + TURN + "{% endfor %}"
ONE_TURN = "{% if messages | length > 1 %}{{ raise_exception('a single turn only') }}{% endif %}" + ALL
TRIMS = "{% for m in messages %}[{{ m.role }}]{{ m.content | trim }}{% endfor %}"
ALTERNATES = (
    "{% for m in messages %}{% if not loop.first and m.role == loop.previtem.role %}{{ raise_exception('alternate') }}"
    "{% endif %}" + TURN + "{% endfor %}"
)
FORGETS_REASONING = "{% for m in messages %}[{{ m.role }}]{{ m.content.split('</think>')[-1] }}{% endfor %}"


@pytest.mark.parametrize(
    ("template", "prompt", "expected", "told"),
    [
        (ALL, (S, Q1, A1, Q2), "[system]Be brief.[user]Fever?[assistant]A[user]Cough?", None),
        (NO_SYSTEM, (S, Q1), "[user]Be brief.\n\nFever?", "system turn"),
        (NO_SYSTEM, (S, Q1, A1, Q2), "[user]Be brief.\n\nFever?[assistant]A[user]Cough?", "system turn"),
        (REFUSES_SYSTEM, (S, Q1, A1, Q2), "[user]Be brief.\n\nFever?[assistant]A[user]Cough?", "system turn"),
        (REFUSES_SYSTEM, (Q1,), "[user]Fever?", None),
        (LAST_ONLY, (S, Q1), "[user]Be brief.\n\nFever?", "system turn"),
        (LAST_ONLY, (S, Q1, A1, Q2), "[user]Be brief.\n\nFever?\nA\n\nCough?", "earlier answers and the questions"),
        (USERS_ONLY, (Q1, A1, Q2), "[user]Fever?[user]A\n\nCough?", "earlier answers"),  # "A" stands nowhere else
        (ONE_TURN, (S, Q1, A1, Q2), "[user]Be brief.\n\nFever?\nA\n\nCough?", "earlier answers and the questions"),
        (ALTERNATES, (Q1, Q2), "[user]Fever?\n\nCough?", "questions"),
        (TRIMS, (Message("user", " Fever? \n"),), "[user]Fever?", None),
        (FORGETS_REASONING, (Q1, Message("assistant", "<think>B?</think>A"), Q2), "[user]Fever?[assistant]A[user]Cough?",
         None),
    ],
)  # fmt: skip
def test_every_turn_stands_in_the_rendering(
    template: str, prompt: tuple[Message, ...], expected: str, told: str | None, caplog: pytest.LogCaptureFixture
) -> None:
    turns = ChatTurns(tokenizer(template), "tiny")
    turns.check()
    with caplog.at_level("WARNING", "harness"):
        assert turns.render(prompt) == expected
        assert turns.render(prompt) == expected
    notes = [record.getMessage() for record in caplog.records]
    assert len(notes) == (told is not None)  # once
    assert all(f"drops or refuses the {told}" in note for note in notes)


@pytest.mark.parametrize(
    ("template", "reason"),
    [
        ("{{ raise_exception('never') }}", "its chat template fails (never)"),
        ("{% for %}", "its chat template fails (Expected an expression"),
        ("{{ 1 / 0 }}", "its chat template fails (division by zero)"),
        ("hello", "its chat template leaves out the question"),
        ("{% for m in messages %}{{ m.content | upper }}{% endfor %}", "its chat template leaves out the question"),
        ({"tool_use": "tools"}, "its chat template fails"),
        ("{{ 9**(9**9) }}" + ALL, "its chat template computes a power (**)"),
        (ALL + "{% if 2 ** messages | length > 4 %}x{% endif %}", "its chat template computes a power (**)"),
        (ALL + "{% set n = 9 %}{{ 'x' * n**n }}", "its chat template computes a power (**)"),
    ],
)
def test_a_template_that_shows_no_question_is_refused(template: str | dict[str, str], reason: str) -> None:
    with pytest.raises(ModelError) as caught:
        ChatTurns(tokenizer(template), "tiny").check()
    assert str(caught.value).startswith(f"model tiny: {reason}")
    assert "\n" not in str(caught.value)
    assert not isinstance(caught.value, PromptError)


@pytest.mark.parametrize(
    "more", ["**bold** ** ", "{# 9**9 #}", "{{ '2**3' }}", "{% set n = namespace(a=1, **{'b': 2}) %}"]
)
def test_two_stars_that_compute_no_power(more: str) -> None:
    ChatTurns(tokenizer(ALL + more), "tiny").check()


@pytest.mark.parametrize(
    ("template", "prompt"),
    [
        ("{% for m in messages %}{{ m.content[:20] }}{% endfor %}", (Message("user", "a question longer than that"),)),
        ("{% for m in messages %}{{ m.content | replace('<', '&lt;') }}{% endfor %}", (Message("user", "pH <7"),)),
        (
            ALL + "{% if 'pH' in messages[-1].content %}{{ raise_exception('no pH') }}{% endif %}",
            (Message("user", "pH"),),
        ),
    ],
)
def test_a_prompt_that_is_not_shown_whole_fails_alone(template: str, prompt: tuple[Message, ...]) -> None:
    turns = ChatTurns(tokenizer(template), "tiny")
    turns.check()
    assert "Fever?" in turns.render((Q1,))
    with pytest.raises(PromptError, match=r"^model tiny: its chat template .*$"):
        turns.render(prompt)
