"""A training as LLaMA-Factory writes it: its data and settings, and comments on what it cannot express.

The argument names are those of LLaMA-Factory 0.9.5, which has trained such files (docs/training.md).
"""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from adapters.export.chat_templates import TemplateChoice, template_for
from adapters.methods.base.network import targets
from adapters.methods.freeze import Freeze
from adapters.methods.full import Full
from adapters.methods.lora import Lora
from adapters.methods.qlora import Qlora
from adapters.models.tuned import Tuned
from adapters.training.collation import pack
from adapters.training.encoding import Example
from adapters.training.execution import OPTIMISERS
from adapters.training.schedules import transformers_schedule
from adapters.training.session import encode
from adapters.training.settings import Recipe
from adapters.training.step_plan import StepPlan
from adapters.training.training_data import TrainingData
from harness.components.method import Method
from harness.errors import ModelError
from harness.models.huggingface import HuggingFace
from harness.records.inputs import JSON

TRAIN, VALIDATION, OUTPUT = "train", "validation", "trained"  # data sets, and the folder beside them
SPEAKERS = {"user": "human", "assistant": "gpt"}  # roles as ShareGPT names them
OUTSIDE_LAYERS = ("embed_tokens", "norm", "lm_head")  # what freeze_extra_modules can name
Rows = Sequence[Example | str]
Settings = dict[str, JSON]


def data_files(data: TrainingData) -> dict[str, JSON]:
    """File names and contents: the rows as the suite asks them, and dataset_info.json that describes them."""
    splits = {TRAIN: data.examples, VALIDATION: data.validation}
    filled = {name: rows for name, rows in splits.items() if rows}
    files: dict[str, JSON] = {f"{name}.json": [_row(row) for row in rows] for name, rows in filled.items()}
    return {"dataset_info.json": {name: _entry(name, rows) for name, rows in filled.items()}, **files}


def _entry(name: str, rows: Rows) -> JSON:
    if isinstance(rows[0], str):
        return {"file_name": f"{name}.json", "columns": {"prompt": "text"}}
    columns = {"messages": "conversations", "system": "system"}
    return {"file_name": f"{name}.json", "formatting": "sharegpt", "columns": columns}


def _row(row: Example | str) -> JSON:
    if isinstance(row, str):
        return {"text": row}
    system = row.prompt[0].content if row.prompt[0].role == "system" else ""
    turns = [{"from": SPEAKERS[turn.role], "value": turn.content} for turn in row.prompt if turn.role != "system"]
    return {"conversations": [*turns, {"from": "gpt", "value": row.answer}], "system": system}


def train_yaml(model: Tuned, base: HuggingFace, name: str) -> str:
    """The text of train.yaml. Raises ModelError for what LLaMA-Factory does not have."""
    data, recipe, method_of = model.data, model.chosen.recipe, model.chosen.method
    if model.texts and any(isinstance(row, Example) for row in data.examples):
        raise ModelError(
            "LLaMA-Factory learns texts (pt) or answers (sft), not both in one training; give each its own"
        )
    template = template_for(base) if not model.texts else TemplateChoice("default")
    items, length_notes = _items(base, data, recipe)
    plan = StepPlan.of(recipe, items, bool(data.validation))
    method, method_notes = _method(method_of, model.method_name, base)
    weights, base_notes = _weights(base)
    seed = model.inputs.seed if recipe.seed is None else recipe.seed
    sections: dict[str, Settings] = {
        "model": weights,
        "method": {"stage": "pt" if model.texts else "sft", "do_train": True, **method},
        "dataset": _dataset(data, recipe, template),
        "output": {"output_dir": OUTPUT, "logging_steps": 1, "save_strategy": "steps", "save_steps": plan.save_every,
                   "report_to": "none"},
        "train": {**_training(recipe, method_of, base, plan), "seed": seed},
        "eval": _evaluation(recipe, plan) if data.validation else {},
    }  # fmt: skip
    notes = [
        *base_notes, *method_notes, *template.notes, *length_notes, *_general_notes(recipe, method_of, base),
    ]  # fmt: skip
    filled = {title: settings for title, settings in sections.items() if settings}
    return _text(f"{name}: {model.describe()}", notes, filled)


def _text(title: str, notes: Sequence[str], sections: Mapping[str, Settings]) -> str:
    head = [f"# {' '.join(title.split())}", "# llamafactory-cli train train.yaml, in this folder", "#"]
    lines = [*head, "# What differs from the training of the suite:", *(f"# - {note}" for note in notes)]
    for section, settings in sections.items():
        lines += [
            "",
            f"### {section}",
            yaml.safe_dump(settings, allow_unicode=True, sort_keys=False, width=1000).rstrip(),
        ]
    return "\n".join(lines) + "\n"


def _weights(base: HuggingFace) -> tuple[Settings, list[str]]:
    """Where LLaMA-Factory finds the base."""
    trusted: Settings = {"trust_remote_code": True} if base.trust_remote_code else {}
    if base.path.startswith("modelscope:"):
        name = base.path.removeprefix("modelscope:")
        return {"model_name_or_path": name, **trusted}, ["set USE_MODELSCOPE_HUB=1: the base is on ModelScope"]
    if Path(base.path).is_dir():
        return {"model_name_or_path": str(Path(base.path).resolve()), **trusted}, []
    if base.path.startswith("pypi:") or base.path.endswith(".gguf"):
        if not base.is_here():
            raise ModelError(
                f"base {base.path} is a .gguf, which LLaMA-Factory cannot read; run the suite once, which converts it, "
                "then export again"
            )
        return {"model_name_or_path": str(base.weights_folder)}, [f"the base is {base.path}, converted to float32"]
    revision = {"model_revision": base.revision} if base.revision else {}
    return {"model_name_or_path": base.path, **revision, **trusted}, []


def _method(method: Method, name: str, base: HuggingFace) -> tuple[Settings, list[str]]:
    """The method's own settings. Raises ModelError where LLaMA-Factory lacks the method."""
    if type(method) is Full:
        return {"finetuning_type": "full"}, []
    if isinstance(method, Lora):
        return _lora(method, base), []
    if isinstance(method, Freeze):
        return _freeze(method)
    raise ModelError(f"LLaMA-Factory has no method {name}; it has full, freeze, lora and qlora")


def _lora(method: Lora, base: HuggingFace) -> Settings:
    alpha = 2 * method.r if method.alpha is None else method.alpha
    settings: Settings = {
        "finetuning_type": "lora", "lora_rank": method.r, "lora_alpha": int(alpha) if alpha == int(alpha) else alpha,
        "lora_dropout": method.dropout, "lora_target": _lora_target(method, base), "use_rslora": method.rslora,
        "use_dora": method.dora,
    }  # fmt: skip
    if isinstance(method, Qlora):
        settings |= {"quantization_bit": 4, "quantization_method": "bnb", "quantization_type": method.quant,
                     "double_quantization": method.double_quant}  # fmt: skip
    return settings


def _lora_target(method: Lora, base: HuggingFace) -> str:
    if method.targets == "all-linear":
        return "all"
    if method.targets == "attention":
        if not base.is_here():
            raise ModelError(
                "targets: attention needs the base on this machine; name the modules, e.g. [q_proj, v_proj]"
            )
        return ",".join(targets(base.skeleton(), "attention"))
    return ",".join(method.targets)


def _freeze(method: Freeze) -> tuple[Settings, list[str]]:
    inside = [module for module in method.modules if module not in OUTSIDE_LAYERS]
    if inside:
        raise ModelError(
            f"modules: {', '.join(inside)} cannot be trained by LLaMA-Factory's freeze, which names whole layers from "
            f"the end and {', '.join(OUTSIDE_LAYERS)}"
        )
    extra = [*method.modules, *(["norm"] if method.norm else []), *(["lm_head"] if method.head else [])]
    settings: Settings = {"finetuning_type": "freeze", "freeze_trainable_layers": method.last,
                          "freeze_trainable_modules": "all"}  # fmt: skip
    if extra:
        settings["freeze_extra_modules"] = ",".join(dict.fromkeys(extra))
    notes = ["freeze_extra_modules: norm trains the norms of all layers, the suite only the last one"]
    return settings, notes if "norm" in extra else []


def _dataset(data: TrainingData, recipe: Recipe, template: TemplateChoice) -> Settings:
    conversations = isinstance(data.examples[0], Example)
    answers = recipe.loss == "answer" and conversations
    return {
        "dataset": TRAIN,
        **({"eval_dataset": VALIDATION} if data.validation else {}),
        "dataset_dir": ".", "template": template.name, **template.settings, "cutoff_len": recipe.cutoff,
        **({"mask_history": True} if answers and recipe.turns == "last" else {}),
        **({"train_on_prompt": True} if not answers and conversations else {}),
        "packing": recipe.packing,
        **({"neat_packing": True} if recipe.packing and conversations else {}),
    }  # fmt: skip


def _training(recipe: Recipe, method: Method, base: HuggingFace, plan: StepPlan) -> Settings:
    precision = recipe.precision_on(base.dtype_name)
    schedule = transformers_schedule(recipe.schedule, recipe.schedule_options)
    return {
        "per_device_train_batch_size": recipe.batch_size, "gradient_accumulation_steps": recipe.accumulation,
        "learning_rate": recipe.learning_rate or method.learning_rate, "num_train_epochs": recipe.epochs,
        **({"max_steps": recipe.max_steps} if recipe.max_steps else {}),
        **schedule,
        "warmup_steps": round(recipe.warmup * plan.steps), "weight_decay": recipe.weight_decay,
        "max_grad_norm": recipe.max_grad_norm, "optim": OPTIMISERS[recipe.optimiser or method.optimiser or "adamw"],
        "bf16": precision == "bfloat16" and recipe.weights != "bfloat16", "fp16": precision == "float16",
        **({"pure_bf16": True} if recipe.weights == "bfloat16" else {}),
        "disable_gradient_checkpointing": recipe.gradient_checkpointing is not True,
    }  # fmt: skip


def _evaluation(recipe: Recipe, plan: StepPlan) -> Settings:
    return {
        "per_device_eval_batch_size": recipe.batch_size, "eval_strategy": "steps", "eval_steps": plan.evaluate_every,
        "load_best_model_at_end": True, "metric_for_best_model": "eval_loss", "greater_is_better": False,
        **({"early_stopping_steps": recipe.patience} if recipe.patience else {}),
    }  # fmt: skip


def _items(base: HuggingFace, data: TrainingData, recipe: Recipe) -> tuple[int, list[str]]:
    """The number of items in an epoch, and notes on rows that are too long."""
    note = "a row longer than cutoff_len is cut there; the suite's training leaves out its oldest turns, or the row"
    if not base.is_here():
        return len(data.examples), [note]
    encoded = encode(base, data.examples, recipe.cutoff, recipe)
    long = encoded.cut + encoded.dropped
    if isinstance(data.examples[0], str):
        notes = [
            "a text longer than cutoff_len is cut there unless packing is on; the suite's training uses the rest of it"
        ]
    else:
        notes = [f"{note}: {long} of {len(data.examples)} rows"] if long else []
    return len(pack(encoded.rows, recipe.cutoff) if recipe.packing else encoded.rows), notes


def _general_notes(recipe: Recipe, method: Method, base: HuggingFace) -> list[str]:
    notes = ["the rows come in another order, so the weights will not be the same to the last bit"]
    notes.append("batch size and accumulation are of one device: on N devices divide gradient_accumulation_steps by N")
    precision = recipe.precision_on(base.dtype_name)
    if precision == "float32":
        notes.append("precision float32: LLaMA-Factory computes in what the checkpoint stores if bf16 and fp16 are off")
    if isinstance(method, Qlora) and method.compute_dtype not in (None, precision):
        notes.append(f"compute_dtype: {method.compute_dtype}: LLaMA-Factory computes in the precision of the training")
    if recipe.accelerate_config:
        notes.append("accelerate_config: start it by `accelerate launch --config_file` as LLaMA-Factory's examples do")
    return notes


def as_json(value: JSON) -> str:
    """JSON as people read it."""
    return json.dumps(value, ensure_ascii=False, indent=1) + "\n"
