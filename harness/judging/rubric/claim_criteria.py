"""How the claims of an answer are asked for, and then whether passages support them; the words are shipped data."""

from dataclasses import dataclass
from importlib.resources import files

import yaml

from harness.judging.rubric.criteria import Criteria, Dimension, fenced
from harness.records.inputs import JSON, Language, Message, Prompt
from harness.text.json_schemas import object_schema
from harness.text.templates import Template

PART = "supported"  # the one dimension: the share of the claims


@dataclass(frozen=True, kw_only=True)
class ClaimCriteria(Criteria):
    """Criteria with the words in which an answer is broken down, and its claims are held against passages."""

    system: str
    split: Template
    support: Template

    def splitting(self, question: str, answer: str) -> Prompt:
        """Asks for the claims of an answer. It shows no passages, so that what they say cannot colour the claims."""
        return self._prompt(self.split, {"question": question, "answer": answer})

    def supporting(self, passages: str, claims: str) -> Prompt:
        """Asks for a verdict on each of the numbered claims."""
        return self._prompt(self.support, {"passages": passages, "claims": claims})

    def _prompt(self, template: Template, material: dict[str, str]) -> Prompt:
        return Message("system", self.system), Message("user", template.render_values(fenced(material)))


CLAIMS_SCHEMA: dict[str, JSON] = object_schema({"claims": {"type": "array", "items": {"type": "string"}}})
_VERDICT = object_schema(
    {
        "claim": {"type": "integer", "minimum": 1, "maximum": 10_000},
        "reason": {"type": "string"},
        PART: {"type": "boolean"},
    }
)
VERDICTS_SCHEMA: dict[str, JSON] = object_schema({"verdicts": {"type": "array", "items": _VERDICT}})


def load_claim_criteria(name: str, language: Language) -> ClaimCriteria:
    """The criteria of a shipped file in one language."""
    text = (files("harness") / "rubrics" / "claims" / f"{name}.yaml").read_text(encoding="utf-8")
    content: JSON = yaml.safe_load(text)
    prompts, part = content["prompts"][language], content[PART][language]
    return ClaimCriteria(
        name=name,
        language=language,
        low=0.0,
        high=1.0,
        whole=False,
        dimensions=(Dimension(PART, part["title"], part["text"], {}),),
        text=text,
        system=prompts["system"].strip(),
        split=Template(prompts["split"], f"{name}.yaml: split"),
        support=Template(prompts["support"], f"{name}.yaml: support"),
    )
