"""One attempt at a training in this process: with a batch size, from a checkpoint or from the beginning."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from adapters.memory.estimate import settle_checkpointing
from adapters.methods.base.network import size, translate_disk_errors
from adapters.training.arithmetic import is_rounded
from adapters.training.collation import Collator, Item, Order, check_packing, pack
from adapters.training.compiling import compile_layers, uncompiled
from adapters.training.encoding import IGNORED, Encoded, Example, encode_examples, encode_texts
from adapters.training.execution import Epoch, Execution, choose_execution, optimiser_name
from adapters.training.observation import Observer, stopping, watching
from adapters.training.record import TrainingRecord, hardware, packages
from adapters.training.rungs import RungMark
from adapters.training.settings import Recipe
from adapters.training.step_plan import StepPlan
from adapters.training.trained_network import trained_network
from adapters.training.trainer import Counts, Progress, make_trainer
from harness.components.fields import written
from harness.components.method import Method
from harness.errors import ModelError
from harness.models.huggingface import HuggingFace
from harness.models.local.device import available, set_attention_kernels
from harness.models.local.memory import gib
from harness.records.inputs import JSON
from harness.runtime.peak_memory import peak_memory, reset_peak

Examples = Sequence[Example | str]  # conversations, of which the answer is learnt, and plain texts


@dataclass(frozen=True)
class LearningRows:
    """The rows that a training learns, and those that it is only measured on."""

    examples: Examples
    validation: Examples = ()


@dataclass(frozen=True, kw_only=True)
class Job:
    """A training as the suite describes it, and its data as it will be processed."""

    base: HuggingFace
    method: Method
    recipe: Recipe
    seed: int
    inputs: str
    encoded: Encoded
    items: tuple[Item, ...]
    validation: tuple[Item, ...]
    samples: tuple[Example, ...] = ()  # to be answered before, during and after
    work: Path  # checkpoints
    may_checkpoint: bool = False  # activations may be computed twice if memory runs out in spite of the estimate


def read_job(
    base: HuggingFace, method: Method, recipe: Recipe, rows: LearningRows, seed: int, inputs: str, work: Path
) -> Job:
    """Encode the data. Raises DataError and, for what the method or the model cannot do, ModelError."""
    packed = recipe.packing or any(isinstance(row, str) for row in rows.examples)
    config = check_method(base, method, recipe, packed)
    cutoff = min(recipe.cutoff, getattr(config, "max_position_embeddings", None) or recipe.cutoff)

    def items(encoded: Encoded) -> tuple[Item, ...]:
        return tuple(pack(encoded.rows, cutoff) if packed else ((row,) for row in encoded.rows))

    encoded = encode(base, rows.examples, cutoff, recipe)
    longest = max(len(row.ids) for row in encoded.rows)
    labelled = None if packed else max(sum(label != IGNORED for label in row.labels) for row in encoded.rows)
    sized = recipe.model_copy(update={"packing": True}) if packed else recipe
    checkpointing = settle_checkpointing(base, method, sized, longest, labelled).gradient_checkpointing
    is_open = recipe.gradient_checkpointing == "auto" and checkpointing is False and not method.virtual_prefix
    recipe = recipe.model_copy(update={"gradient_checkpointing": checkpointing})
    return Job(
        may_checkpoint=is_open,
        base=base,
        method=method,
        recipe=recipe,
        seed=seed,
        inputs=inputs,
        encoded=encoded,
        items=items(encoded),
        validation=items(encode(base, rows.validation, cutoff, recipe)) if rows.validation else (),
        samples=tuple(row for row in rows.validation or rows.examples if isinstance(row, Example))[: recipe.samples],
        work=work,
    )


def encode(base: HuggingFace, rows: Examples, cutoff: int, recipe: Recipe) -> Encoded:
    """Texts and examples as rows of tokens, the texts first. Raises DataError when none of either fits."""
    texts = [row for row in rows if isinstance(row, str)]
    examples = [row for row in rows if isinstance(row, Example)]
    if not texts:
        return encode_examples(base, examples, cutoff, recipe.loss, recipe.turns)
    encoded = encode_texts(base, texts, cutoff)
    learnt = encode_examples(base, examples, cutoff, recipe.loss, recipe.turns) if examples else None
    return encoded.joined(learnt) if learnt else encoded


def check_method(base: HuggingFace, method: Method, recipe: Recipe, packed: bool) -> Any:
    """The model's configuration. Raises ModelError for what the method or the model cannot do; loads no weights."""
    skeleton = base.skeleton()
    method.check(skeleton)
    if recipe.weights == "bfloat16" and method.shares_base:
        name = type(method).__name__.lower()
        raise ModelError(f"weights: bfloat16 is for full and freeze; what {name} trains is small, and float32")
    if method.virtual_prefix and (packed or recipe.gradient_checkpointing is True):
        setting = "packing or pretraining" if packed else "gradient_checkpointing"
        raise ModelError(f"{type(method).__name__.lower()} puts tokens before the prompt: it cannot do {setting}")
    config = skeleton.config.get_text_config()
    if packed:
        check_packing(config)
    return config


def attempt(job: Job, plan: StepPlan, checkpoint: Path | None, progress: Progress | None) -> TrainingRecord:
    """Train to the end and write the weights into the work folder's `result`; on several devices the first one does.

    A plan that stops before leaves a checkpoint there, and the loss on the validation rows.
    Raises what torch raises when memory runs out, ModelError, StoreError.
    """
    import torch

    recipe, method = job.recipe, job.method
    precision = recipe.precision_on(job.base.dtype_name)
    torch.manual_seed(job.seed)
    device = job.base.device_name
    reset_peak(device)
    set_attention_kernels(device)
    network = trained_network(job.base, job.method, job.recipe, precision, plan.devices)
    rate = recipe.learning_rate or method.learning_rate
    lengths = [sum(len(row.ids) for row in item) for item in job.items]
    order, counts = Order(lengths, plan.rows, job.seed, recipe.group_by_length), Counts.at(checkpoint)
    execution, autocasts = _execution(job, plan, network, order, checkpoint), _autocasts(job, precision)
    trainer = make_trainer(network, recipe, plan, job.items, job.validation, execution.collator, {
        "output_dir": str(job.work), "learning_rate": rate, "optim": optimiser_name(recipe, method, device),
        "seed": job.seed, "bf16": autocasts, "fp16": precision == "float16", "use_cpu": device == "cpu",
    })  # fmt: skip
    if plan.devices > 1:
        torch.manual_seed(job.seed + trainer.args.process_index)  # or all devices would drop the same activations
    trainer.begin(progress, time.monotonic, order, counts)
    if execution.compiling.is_compiled:
        trainer.evaluation_mode = uncompiled
        compile_layers(network)
    observer = Observer(job.base, job.samples, job.work, trainer)
    _run(job, plan, checkpoint, trainer, observer)
    if plan.stop is None:
        _save(job, plan, trainer, precision)
    return replace(_record(job, plan, trainer, observer, precision, rate), execution=_execution_entry(job, execution))


def _execution(job: Job, plan: StepPlan, network: Any, order: Order, checkpoint: Path | None) -> Execution:
    """How the steps after the checkpoint are computed."""
    finished = int(checkpoint.name.rpartition("-")[2]) if checkpoint else 0
    epoch = Epoch.of(job.items, list(order), plan.batch_size)
    return choose_execution(job.base, job.recipe, plan, network, _collator(job, network), epoch, finished)


def _autocasts(job: Job, precision: str) -> bool:
    """Whether autocast rounds to bfloat16 what the network keeps in float32."""
    rounded = is_rounded(job.method, job.recipe, job.base.dtype_name, job.base.device_name)
    return precision == "bfloat16" and job.recipe.weights != "bfloat16" and not rounded


def _execution_entry(job: Job, execution: Execution) -> dict[str, JSON]:
    """How the steps were computed, as the record has it."""
    recipe, base = job.recipe, job.base
    rounded = is_rounded(job.method, recipe, base.dtype_name, base.device_name)
    return {
        **execution.record(),
        "gradient_checkpointing": recipe.gradient_checkpointing is True,
        "adapters": "rounded where they are multiplied" if rounded else None,
        "optimiser": optimiser_name(recipe, job.method, base.device_name),
    }


def _run(job: Job, plan: StepPlan, checkpoint: Path | None, trainer: Any, observer: Observer) -> None:
    """Train, looked at, to the end or to where the plan stops."""
    from transformers import TrainerCallback

    trainer.add_callback(watching(TrainerCallback, observer, plan.steps // 2))
    mark = None if plan.stop is None else RungMark(job.work, Fraction(plan.share), plan.steps, trainer)
    if mark is not None:
        trainer.add_callback(stopping(TrainerCallback, mark.step, mark.note))
    if not trainer.is_finished(checkpoint, job.recipe.patience, plan.stop):
        trainer.train(resume_from_checkpoint=str(checkpoint) if checkpoint else None)
    if mark is None:
        observer.look(_saved_step(trainer.state))
    else:
        mark.note()  # where it ended before


def _save(job: Job, plan: StepPlan, trainer: Any, precision: str) -> None:
    """Write what was trained; where it is sharded over the devices, all hand over their parts first."""
    network, result = trainer.model, job.work / "result"
    whole = trainer.accelerator.get_state_dict(trainer.model_wrapped) if trainer.is_sharded() else None
    if not trainer.args.should_save:
        return
    if whole is not None:
        network = trained_network(job.base, job.method, job.recipe, precision, plan.devices)
        network.load_state_dict(whole, strict=False)
    with translate_disk_errors(result):
        result.mkdir()
        job.method.save(network, result)


def _collator(job: Job, network: Any) -> Collator:
    config = network.config.get_text_config()
    kernel = getattr(config, "_attn_implementation", None)
    kinds = set(getattr(config, "layer_types", None) or ()) - {"full_attention"}
    windowed = bool(kinds) or getattr(config, "sliding_window", None) is not None
    prefix = job.method.virtual_prefix
    return Collator(
        job.base.tokenizer.pad_token_id,
        share=kernel == "sdpa" and not windowed and not prefix,
        mask=prefix,
        flat=kernel == "flash_attention_2" and not prefix,
    )


def _saved_step(state: Any) -> int:
    """The step whose weights are kept: the best on the validation rows, else the last."""
    best = state.best_model_checkpoint
    return int(best.rpartition("-")[2]) if best else int(state.global_step)


def _record(job: Job, plan: StepPlan, trainer: Any, observer: Observer, precision: str, rate: float) -> TrainingRecord:
    state, encoded, counts = trainer.state, job.encoded, trainer.counts
    sizes, device = size(trainer.model), job.base.device_name
    history, best = state.log_history, state.best_model_checkpoint
    return TrainingRecord(
        inputs=job.inputs, method=written(job.method), recipe=job.recipe.content(plan.devices), seed=job.seed,
        base=job.base.path, precision=precision, learning_rate=rate, batch_size=plan.batch_size,
        accumulation=plan.accumulation, steps=state.global_step, epochs=float(state.epoch), rows=len(encoded.rows),
        rows_cut=encoded.cut, rows_dropped=encoded.dropped, rows_split=encoded.split, examples=counts.examples,
        tokens=counts.tokens, labelled_tokens=counts.labelled, seconds=round(counts.seconds, 3),
        examples_per_second=round(counts.examples / counts.seconds, 3),
        tokens_per_second=round(counts.tokens / counts.seconds, 1), peak_memory=peak_memory(device),
        trainable_parameters=sizes.trained, total_parameters=sizes.total,
        loss=tuple((entry["step"], entry["loss"], entry["learning_rate"]) for entry in history if "loss" in entry),
        validation=tuple((entry["step"], entry["eval_loss"]) for entry in history if "eval_loss" in entry),
        best_step=_saved_step(state) if best else None, hardware=hardware(device), packages=packages(),
        devices=plan.devices, before=observer.sights.before, samples=observer.sample_answers(),
        observation_seconds=round(observer.sights.seconds, 3),
    )  # fmt: skip


def out_of_memory_message(job: Job) -> str:
    """One row at a time does not fit: the memory needed at least, and the remedy."""
    longest = max(sum(len(row.ids) for row in item) for item in job.items)
    peak, capacity = gib(peak_memory(job.base.device_name)), gib(available(job.base.device_name))
    further = "" if job.recipe.gradient_checkpointing is True else "gradient_checkpointing: true, "
    return (
        f"out of memory with one row of {longest} tokens at a time: more than {peak} of {capacity} are needed; "
        f"set {further}a lower cutoff, the method qlora, or a smaller model"
    )
