"""What a chat template is given: the same question on every day, and nothing of the template's own text is changed."""

from typing import Any

import pytest

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
