"""Which chat template of LLaMA-Factory, where it is a name, asks as the base's tokenizer does."""

from dataclasses import dataclass, field

from harness.models.huggingface import HuggingFace
from harness.models.local.chat_template import as_chat
from harness.records.inputs import JSON, Message, Prompt

THOUGHT = "<think>\n\n</think>\n\n"  # an empty thought, as Qwen3 begins an answer without thinking
UNCHECKED = "template: default is a guess. Look for the model in LLaMA-Factory's list of templates and name its own"


@dataclass(frozen=True)
class Form:
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
class Choice:
    """A template's name, what else sets it, and what is to be known of it."""

    name: str
    settings: dict[str, JSON] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


# The forms of LLaMA-Factory's data/template.py, main branch of 2026.
CHATML = Form(
    "<|im_start|>system\n{}<|im_end|>\n",
    "<|im_start|>user\n{}<|im_end|>\n<|im_start|>assistant\n",
    "{}<|im_end|>\n",
)
LLAMA3 = Form(
    "<|start_header_id|>system<|end_header_id|>\n\n{}<|eot_id|>",
    "<|start_header_id|>user<|end_header_id|>\n\n{}<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
    "{}<|eot_id|>",
)
GEMMA = Form(
    "{}\n\n",
    "<start_of_turn>user\n{}<end_of_turn>\n<start_of_turn>model\n",
    "{}<end_of_turn>\n",
    joined=True,
)
FORMS = {"<|im_start|>": ("chatml", CHATML), "<|start_header_id|>": ("llama3", LLAMA3),
         "<start_of_turn>": ("gemma", GEMMA)}  # fmt: skip
FAMILIES = {"qwen2": "qwen", "qwen2_moe": "qwen", "qwen3": "qwen3", "qwen3_moe": "qwen3", "gemma2": "gemma2",
            "gemma3": "gemma3", "gemma3_text": "gemma3"}  # fmt: skip
PROBES: dict[str, Prompt] = {
    "a question alone": (Message("user", "Kxq7?"),),
    "a system turn": (Message("system", "Kxq5."), Message("user", "Kxq7?")),
    "earlier turns": (Message("user", "Kxq1?"), Message("assistant", "Kxq2."), Message("user", "Kxq7?")),
}


def template_for(base: HuggingFace) -> Choice:
    """The template by the model's family, compared with what the base's tokenizer writes."""
    if base.format == "plain":
        return Choice("default", notes=(
            "format: plain has no template in LLaMA-Factory, which always writes turns: the model learns other prompts "
            "than the suite asks", UNCHECKED,
        ))  # fmt: skip
    if not base.is_here():
        return Choice("default", notes=("the base is not on this machine, so its template is not known", UNCHECKED))
    own = str(base.tokenizer.get_chat_template()) if base.tokenizer.chat_template else ""
    found = next((form for mark, form in FORMS.items() if mark in own), None)
    if found is None:
        return Choice("default", notes=("the base's template is not among those known here", UNCHECKED))
    name, form = found
    family = FAMILIES.get(base.config.get_text_config().model_type, name)
    same_form = family.startswith("gemma") == form.joined and form is not LLAMA3
    return _compared(base, family if same_form else name, form)


def _compared(base: HuggingFace, name: str, form: Form) -> Choice:
    """The template with the base's own default system turn, and where the two differ still."""
    alone = _asked(base, PROBES["a question alone"])
    before, _, after = form.system.partition("{}")
    system = alone.removeprefix(before).partition(after)[0] if not form.joined and alone.startswith(before) else ""
    settings: dict[str, JSON] = {} if form.joined else {"default_system": system}
    thought = THOUGHT if alone.endswith(THOUGHT) else ""
    if name == "qwen3":
        name = "qwen3" if thought else "qwen3_nothink"
        settings |= {"enable_thinking": False} if thought else {}
    written = thought if name == "qwen3" else ""
    other = [what for what, prompt in PROBES.items() if form.render(prompt, system, written) != _asked(base, prompt)]
    notes = (f"template {name} writes another text than the base's own template does for: {', '.join(other)}",)
    return Choice(name, settings, notes if other else ())


def _asked(base: HuggingFace, prompt: Prompt) -> str:
    """What the suite sends, without the begin-of-text token, which LLaMA-Factory adds too."""
    return as_chat(base.tokenizer, prompt, base.enable_thinking).removeprefix(base.tokenizer.bos_token or "")
