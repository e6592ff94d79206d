"""null and NaN in a column are empty, as in csv, or a named error: no prompt shows the words None, nan or inf."""

import pytest

from baselines.knowledge.jsonl import Jsonl
from harness.errors import DataError
from harness.records.inputs import Sample
from harness.text.templates import Template

HEAD = '"input": "q", "target": "a"'
PROMPT = Template("{{ input }}|{{ ward }}", "norm.j2")


@pytest.mark.parametrize(
    ("ward", "template", "prompt"),
    [
        ("null", "{{ ward }}", ""),
        ("NaN", "{{ ward }}", ""),
        ("NaN", "科室：{{ ward ~ '。' }}", "科室：。"),  # joined before it is printed
        ("null", "{{ '%s' | format(ward) }}{{ ward | upper }}", ""),
        ("null", "{% if ward %}科室{% else %}无{% endif %}", "无"),  # what a blank cell of a csv would give
        ('["外科", null, NaN]', "{{ ward | join('、') }}", "外科、、"),
        ('{"name": null, "beds": [NaN, 3]}', "{{ ward.name }}{{ ward.beds | join(',') }}", ",3"),
        ('"None"', "{{ ward }}", "None"),  # a text is what its author wrote
        ("0", "{{ ward }}", "0"),
        ("false", "{{ ward }}", "False"),
    ],
)
@pytest.mark.parametrize("reader", ["jsonl", "json"])
def test_a_missing_value_is_empty_in_a_prompt(write, read, reader, ward, template, prompt):
    row = f'{{{HEAD}, "ward": {ward}}}'
    path = write(f"x.{reader}", row if reader == "jsonl" else f"[{row}]")
    assert Template(template, "norm.j2").render(read(reader, path=path).test[0]) == prompt


@pytest.mark.parametrize(
    ("reader", "content"),
    [
        ("csv", "input,target,ward\nq,a,\n"),
        ("tsv", "input\ttarget\tward\nq\ta\t\n"),
        ("jsonl", f'{{{HEAD}, "ward": NaN}}'),
        ("json", f'[{{{HEAD}, "ward": null}}]'),
    ],
)
def test_every_format_gives_the_same_prompt(write, read, reader, content):
    assert PROMPT.render(read(reader, path=write(f"x.{reader}", content)).test[0]) == "q|"


@pytest.mark.parametrize(
    ("reader", "row"),
    [
        ("alpaca", '{"instruction": "q", "input": NaN, "output": "a", "system": null, "history": NaN, "ward": null}'),
        ("sharegpt", '{"conversations": [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}], '
                     '"system": NaN, "ward": NaN}'),
        ("squad", '{"paragraphs": [{"context": "c", "qas": [{"question": "q", "answers": [{"text": "a"}], '
                  '"ward": null}]}]}'),
    ],
)  # fmt: skip
def test_the_fixed_layouts_too(write, read, reader, row):
    sample = read(reader, path=write("x.json", f"[{row}]")).test[0]
    assert (PROMPT.render(sample), sample.targets, sample.history) == ("q|", ("a",), ())


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ('"input": NaN, "target": "a"', "'input' is empty"),
        ('"input": "q", "target": NaN', "'target' is empty: no target"),
        ('"input": "q", "target": [null, NaN]', "'target' is empty: no target"),
        (f'{HEAD}, "score": Infinity', "not JSON: Infinity is not a number; put it in quotes or leave it out"),
        (f'{HEAD}, "score": 1e400', "not JSON: 1e400 is larger than a number can be; put it in quotes or leave it out"),
        (
            f'{HEAD}, "score": [{{"of": -1e999}}]',
            "not JSON: -1e999 is larger than a number can be; put it in quotes or leave it out",
        ),
        (
            f'{HEAD}, "score": {"9" * 5000}',
            "not JSON: a number of 5,000 digits is too long; put it in quotes or leave it out",
        ),
        ('"input": "\\u200b\\ufeff", "target": "a"', "'input' is empty"),
        ('"input": "q", "target": ["\\u200e", "\\u0000"]', "'target' is empty: no target"),
        (
            '"input": ["a", null], "target": "a"',
            "'input' holds a list, [\"a\", null], where text is expected; join its items into one text",
        ),
        ('"input": true, "target": "a"', "'input' holds true or false, true, where text is expected; put it in quotes"),
        *(
            (row, f'the key "{key}" stands twice in one object; which value is meant is not known: keep one of them')
            for row, key in (
                (f'"input": "r", {HEAD}', "input"),
                (f'{HEAD}, "target": "b"', "target"),
                (f'{HEAD}, "ward": {{"bed": 1, "bed": 2}}', "bed"),
                (f'{HEAD}, "w\\u0061rd": 1, "ward": 1', "ward"),
            )
        ),
    ],
)
def test_what_cannot_be_empty_is_a_named_error(write, read, row, reason):
    path = write("x.jsonl", f"{{{row}}}")
    with pytest.raises(DataError) as error:
        read("jsonl", path=path)
    assert str(error.value) == f"{path}:1: {reason}"


def test_passages_and_a_users_own_reader_too(write):
    passage = Jsonl(path=write("k.jsonl", '{"text": "t", "ward": NaN, "beds": [null]}')).read().passages[0]
    assert dict(passage.meta) == {"ward": "", "beds": [""]}
    own = Sample(id="1", task="t", input="q", targets=("a",), meta={"ward": float("nan")})
    assert PROMPT.render(own) == "q|"
