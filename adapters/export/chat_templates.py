"""Which chat template of LLaMA-Factory, where templates have names, writes what the base's tokenizer writes."""

from dataclasses import dataclass, field

from harness.models.huggingface import HuggingFace
from harness.records.inputs import JSON, Message, Prompt

THOUGHT = "<think>\n\n</think>\n\n"  # an empty thought, as Qwen3 begins an answer without thinking
UNCHECKED = "template: default is a guess. Look for the model in LLaMA-Factory's list of templates and name its own"


@dataclass(frozen=True)
class TurnFormat:
    """What LLaMA-Factory writes around each turn; {} is its content."""

    system: str
    user: str
    assistant: str
    joined: bool = False  # the system turn stands inside the first user turn

    def render(self, prompt: Prompt, system: str = "", thought: str = "") -> str:
        """The prompt up to where the answer begins, without a begin-of-text token."""
        if prompt[0].role == "system":
            system, prompt = prompt[0].content, prompt[1:]
        opening = self.system.replace("{}", system) if system else ""
        text = "" if self.joined else opening
        for place, turn in enumerate(prompt):
            if turn.role == "assistant":
                text += self.assistant.replace("{}", turn.content)
            else:
                inside = opening if self.joined and place == 0 else ""
                text += self.user.replace("{}", inside + turn.content) + thought
        return text


@dataclass(frozen=True)
class TemplateChoice:
    """A template's name, its further settings, and notes for the reader."""

    name: str
    settings: dict[str, JSON] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


# The formats of LLaMA-Factory's data/template.py, main branch of 2026.
CHATML = TurnFormat(
    "<|im_start|>system\n{}<|im_end|>\n", "<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n", "{}<|im_end|>\n"
)
LLAMA3 = TurnFormat(
    "<|start_header_id|>system<|end_header_id|>\n\n{}<|eot_id|>",
    "<|start_header_id|>user<|end_header_id|>\n\n{}<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
    "{}<|eot_id|>",
)
GEMMA = TurnFormat(
    "{}\n\n", "<start_of_turn>user\n{}<end_of_turn>\n<start_of_turn>model\n", "{}<end_of_turn>\n", joined=True
)
FORMATS = {"<|im_start|>": ("chatml", CHATML), "<|start_header_id|>": ("llama3", LLAMA3),
         "<start_of_turn>": ("gemma", GEMMA)}  # fmt: skip
TEMPLATES = {"qwen2": "qwen", "qwen2_moe": "qwen", "qwen3": "qwen3", "qwen3_moe": "qwen3", "gemma2": "gemma2",
            "gemma3": "gemma3", "gemma3_text": "gemma3"}  # fmt: skip
PROBES: dict[str, Prompt] = {
    "a question alone": (Message("user", "Kxq7?"),),
    "a system turn": (Message("system", "Kxq5."), Message("user", "Kxq7?")),
    "earlier turns": (Message("user", "Kxq1?"), Message("assistant", "Kxq2."), Message("user", "Kxq7?")),
}


def template_for(base: HuggingFace) -> TemplateChoice:
    """The template of the model's lineage, compared with what the base's tokenizer writes."""
    if base.format == "plain":
        return TemplateChoice("default", notes=(
            "format: plain has no template in LLaMA-Factory, which always writes turns: the model learns other prompts "
            "than the suite asks", UNCHECKED,
        ))  # fmt: skip
    if not base.is_here():
        return TemplateChoice(
            "default", notes=("the base is not on this machine, so its template cannot be read", UNCHECKED)
        )
    source = str(base.tokenizer.get_chat_template()) if base.tokenizer.chat_template else ""
    match = next((entry for mark, entry in FORMATS.items() if mark in source), None)
    if match is None:
        return TemplateChoice(
            "default", notes=("the base's template is none of those that this export can write", UNCHECKED)
        )
    name, turns = match
    lineage = TEMPLATES.get(base.config.get_text_config().model_type, name)
    is_lineage_format = lineage.startswith("gemma") == turns.joined and turns is not LLAMA3
    return _compare(base, lineage if is_lineage_format else name, turns)


def _compare(base: HuggingFace, name: str, turns: TurnFormat) -> TemplateChoice:
    """The template with the base's own default system turn, and where the two still differ."""
    question = _render(base, PROBES["a question alone"])
    before, _, after = turns.system.partition("{}")
    opens = not turns.joined and question.startswith(before)
    system = question.removeprefix(before).partition(after)[0] if opens else ""
    settings: dict[str, JSON] = {} if turns.joined else {"default_system": system}
    thought = THOUGHT if question.endswith(THOUGHT) else ""
    if name == "qwen3":
        name = "qwen3" if thought else "qwen3_nothink"
        settings |= {"enable_thinking": False} if thought else {}
    written = thought if name == "qwen3" else ""
    different = [
        label for label, prompt in PROBES.items() if turns.render(prompt, system, written) != _render(base, prompt)
    ]
    notes = [f"template {name} writes another text than the base's own template does for: {', '.join(different)}"]
    return TemplateChoice(name, settings, (*(notes if different else ()), *_beyond_the_end(turns)))


def _beyond_the_end(turns: TurnFormat) -> tuple[str, ...]:
    """LLaMA-Factory learns all that its template writes of an answer, the suite up to the token that ends it."""
    note = "LLaMA-Factory also learns the line break behind the end of an answer, so its loss is another mean"
    return (note,) if turns.assistant.endswith("\n") else ()


def _render(base: HuggingFace, prompt: Prompt) -> str:
    """What the suite sends, without the begin-of-text token, which LLaMA-Factory adds too."""
    return base.render(prompt).removeprefix(base.tokenizer.bos_token or "")
