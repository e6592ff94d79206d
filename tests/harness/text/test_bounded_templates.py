"""A template ends, soon and small, whatever it computes; what is rendered is the same in every run."""

import resource
import time

import pytest

from harness.errors import HarnessError
from harness.records.inputs import Sample
from harness.text.templates import Template

SAMPLE = Sample(
    id="1", task="norm", input="甲乙", targets=("对",), options=("x", "y"),
    meta={"rows": [{"a": 1, "b": "c"}, {"a": 2, "b": "d"}], "long": "文" * 200_000},
)  # fmt: skip

TOO_MUCH = [
    # numbers
    "{{ 9**(9**9) }}", "{{ 99999999999**99999999999 }}", "{{ 2**4000 * 2**4000 }}", "{{ (-9)**(9**9) }}",
    "{% set ns = namespace(x=2) %}{% for i in range(100) %}{% set ns.x = ns.x * ns.x %}{% endfor %}",
    # texts and lists many times over
    "{{ 'x' * 10**9 }}", "{{ 10**9 * 'x' }}", "{{ [1] * 10**9 }}", "{{ ['x' * 9999] * 9999 }}", "{{ ('x' * 9999) * 9999 }}",
    "{% set ns = namespace(x='a') %}{% for i in range(100) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
    "{% set ns = namespace(x='a') %}{% for i in range(100) %}{% set ns.x = ns.x + ns.x %}{% endfor %}",
    "{% set ns = namespace(x=[1]) %}{% for i in range(100) %}{% set ns.x = [ns.x, ns.x] %}{% endfor %}{{ ns.x }}",
    "{% set b = 'x' * 999999 %}{{ ([b] * 99999) | join | length }}",
    "{% set b = 'x' * 99999 %}{% set y %}{% for i in range(99999) %}{{ b }}{% endfor %}{% endset %}",
    # widths
    "{{ 'x' | center(10**9) }}", "{{ 'a' | center(width=10**9) }}", "{{ 'x'.ljust(10**9) }}", "{{ 'x'.zfill(999999999) }}",
    "{{ 'x' | indent(10**9) }}", "{{ [1] | batch(10**9, 0) | list }}", "{{ [1] | slice(10**9) | list }}",
    "{{ 1.5 | round(10**9) }}", "{{ {} | tojson(indent=10**9) }}", "{{ (5).to_bytes(10**9, 'big') }}",
    "{{ '%999999999d' % 1 }}", "{{ '%999999999d' | format(1) }}", "{{ '%*d' % (10**9, 1) }}", "{{ '%.999999999f' | format(1) }}",
    "{{ '{:>999999999}'.format(1) }}", "{{ '{:>{}}'.format(1, 10**9) }}", "{{ '{:09999999999d}'.format(1) }}",
    # a text at many places
    "{{ ('a' * 99999).replace('a', 'b' * 99999) }}", "{{ ('a' * 99999) | replace('a', 'b' * 99999) }}",
    "{{ ('b' * 99999).join('a' * 99999) }}", "{{ ('a' * 99999) | list | join('b' * 99999) }}",
    "{{ ('a ' * 99999) | wordwrap(1, wrapstring='b' * 9999) }}", "{{ 'a'.translate({97: 'x'}) }}",
    # loops and calls
    "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}",
    "{% for i in range(200) %}{% for j in range(200) %}{% for k in range(200) %}{% endfor %}{% endfor %}{% endfor %}",
    "{% for i in range(99999) %}{{ long }}{% endfor %}",
    "{% macro a(n) %}{% if n %}{{ a(n-1) }}{{ a(n-1) }}{% endif %}{% endmacro %}{{ a(40) }}",
    "{% for i in range(9) recursive %}{% if loop.depth < 12 %}{{ loop(range(9)) }}{% endif %}{% endfor %}",
    "{% set r = range(99999) | list %}{% for i in range(9999) %}{% if -1 in r %}{% endif %}{% endfor %}",
    "{% set r = range(99999) | list %}{% for i in range(9999) %}{{ r[:] | length }}{% endfor %}",
    "{% set r = range(99999) | list %}{{ r | select('in', r) | list | length }}",
    "{{ ([[1]] * 100000) | sum(start=[]) }}",
]  # fmt: skip


@pytest.mark.parametrize("text", TOO_MUCH, ids=[text[:50] for text in TOO_MUCH])
def test_what_computes_too_much_is_refused_soon_and_small(text: str) -> None:
    began, before = time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    template = Template(text, "norm.j2")
    with pytest.raises(HarnessError) as caught:
        template.render(SAMPLE)
    assert str(caught.value).startswith("norm.j2: sample 1: it computes too much; a prompt takes at most 200,000 steps")
    assert "\n" not in str(caught.value)
    assert time.process_time() - began < 10
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # kilobytes


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{{ lipsum() }}", ":1: lipsum makes another text each time; a prompt must be the same in every run"),
        ("甲\n{% for w in lipsum(n=99).split() %}{{ w }}{% endfor %}", ":2: lipsum makes another text each time"),
        ("{{ rows | random }}", ":1: random draws another item each time; a prompt must be the same in every run"),
        ("{% filter random %}abc{% endfilter %}", ":1: random draws another item each time"),
        ("{% set one = [1, 2, 3] | random %}", ":1: random draws another item each time"),
        ("{{ " + "9" * 5000 + " }}", ": Exceeds the limit"),
        ("{{ " + "(" * 3000 + "1" + ")" * 3000 + " }}", ": it is nested too deeply"),
    ],
    ids=lambda value: value[:40],
)
def test_what_a_check_refuses_without_data(text: str, reason: str) -> None:
    with pytest.raises(HarnessError) as caught:
        Template(text, "norm.j2").check()
    assert str(caught.value).startswith(f"norm.j2{reason}")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{{ rows | map('random') | list }}", "No filter named 'random'"),
        ("{{ input.upper }}", "a text cannot hold a function; call it with ()"),
        ("{{ [input.upper] | join }}", "a text cannot hold a function; call it with ()"),
        ("{{ 'a' ~ range }}", "a text cannot hold a function; call it with ()"),
        ("{{ {'a': range} }}", "a text cannot hold a function; call it with ()"),
        ("{{ rows | map(attribute='a') }}", "a text cannot hold a generator; use | list or | join"),
        ("{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}", "it is nested too deeply"),
        ("{{ 9.0**999999 }}", "Numerical result out of range"),
    ],
)
def test_what_would_differ_from_run_to_run_is_refused(text: str, reason: str) -> None:
    with pytest.raises(HarnessError, match=r"norm\.j2: sample 1: ") as caught:
        Template(text, "norm.j2").render(SAMPLE)
    assert reason in str(caught.value)


@pytest.mark.parametrize(
    ("text", "prompt"),
    [
        ("{% for letter, option in options %}{{ letter }}. {{ option }}\n{% endfor %}", "A. x\nB. y\n"),
        ("{% for r in rows %}{{ loop.index }}/{{ loop.length }}{% if not loop.last %},{% endif %}{% endfor %}", "1/2,2/2"),
        ("{% for i in range(3) if i != 1 %}{{ i }}{% else %}-{% endfor %}", "02"),
        ("{% for x in [[1, [[2, []]]]] recursive %}{{ x[0] }}{{ loop(x[1]) }}{% endfor %}", "12"),
        ("{{ rows | map(attribute='b') | join(',') }}{{ rows | sum(attribute='a') }}", "c,d3"),
        ("{{ rows | selectattr('a', 'eq', 1) | list | length }}{{ rows | tojson }}", '1[{"a": 1, "b": "c"}, {"a": 2, "b": "d"}]'),
        ("{{ input ~ 1 ~ input[:1] }}{{ 'x' * 3 }}{{ 3 * 4 }}{{ 2 ** 10 }}{{ 7 % 4 }}", "甲乙1甲xxx1210243"),
        ("{{ '%s-%03d' | format(input, 3) }}{{ '%s' % input }}{{ '{:>5}|{}'.format(3, 20240101) }}", "甲乙-003甲乙    3|20240101"),
        ("{{ '2024年涨5% 的{}'.format(1) }}", "2024年涨5% 的1"),
        ("{{ input.replace('甲', '丙') }}{{ ', '.join(['a', 'b']) }}{{ 'a,b'.split(',') | last }}", "丙乙a, bb"),
        ("{% macro m(x) %}[{{ x }}]{% endmacro %}{{ m(input) }}{% call m2() %}y{% endcall %}", None),
        ("{% macro m() %}<{{ caller() }}>{% endmacro %}{% call m() %}y{% endcall %}", "<y>"),
        ("{% set ns = namespace(t=0) %}{% for r in rows %}{% set ns.t = ns.t + r.a %}{% endfor %}{{ ns.t }}", "3"),
        ("{{ missing | default('x') }}{% if missing is defined %}a{% else %}b{% endif %}", "xb"),
        ("{% if '乙' in input and input != 'x' and 1 < 2 <= 2 %}y{% endif %}", "y"),
        ("{{ long | length }}{{ long | truncate(5, True, '') }}{{ long[:2] }}", "200000文文文文文文文"),
        ("{{ {'a': 1} | dictsort }}{% for k, v in {'a': 1}.items() %}{{ k }}{{ v }}{% endfor %}", "[('a', 1)]a1"),
    ],
)  # fmt: skip
def test_what_prompts_are_made_of_works_as_in_jinja(text: str, prompt: str | None) -> None:
    if prompt is None:
        with pytest.raises(HarnessError, match="'m2' is undefined"):
            Template(text, "norm.j2").render(SAMPLE)
    else:
        assert Template(text, "norm.j2").render(SAMPLE) == prompt


def test_long_prompts_are_no_computation() -> None:
    """A context of 200,000 characters, shown ten times beside a thousand short rows."""
    rows = [{"text": "甲" * 50, "number": i} for i in range(1000)]
    text = "{% for i in range(10) %}{{ long | trim }}{% endfor %}{% for r in found %}{{ r.number }}. {{ r.text }}\n{% endfor %}"
    assert len(Template(text, "norm.j2").render(SAMPLE, found=rows)) > 2_000_000


@pytest.mark.parametrize("text", ["{{ '\\ud800' }}", "{{ input ~ '\\udfff' }}", "{{ '\\ud83d' * 2 }}", "\ud800"])
def test_half_a_character_is_refused_before_a_file_or_a_server_gets_it(text: str) -> None:
    with pytest.raises(HarnessError, match="it makes half of a"):
        Template(text, "norm.j2").render(SAMPLE)


@pytest.mark.parametrize(
    "text",
    [
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{{ " + "-" * 5000 + "1 }}",
        "{{ input" + "|upper" * 3000 + " }}",
        "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
    ],
)
def test_endless_nesting_is_named(text: str) -> None:
    with pytest.raises(HarnessError, match="it is nested too deeply"):
        Template(text, "norm.j2").render(SAMPLE)
