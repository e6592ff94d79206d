"""transformers' Trainer with our loss, our order of rows, checkpoints that survive a kill, and errors with a remedy.

On several devices each process runs this; they have the same steps, losses and counts, and the first one writes.
"""

import json
import math
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from adapters.methods.base.network import TRAINED, load_trained, save_trained, translate_disk_errors
from adapters.training.collation import Collator, Item, Order
from adapters.training.device_batches import device_loader
from adapters.training.loss import summed_loss
from adapters.training.patience import evaluations_without_gain, stop_after
from adapters.training.saving import saving_by_time
from adapters.training.schedules import transformers_schedule
from adapters.training.settings import Recipe
from adapters.training.step_plan import StepPlan
from harness.errors import ModelError

COMPLETE = "complete.json"  # written last: a checkpoint without it was cut off
CHECKPOINTS = "checkpoint-*"


class DivergedError(ModelError):
    """The loss is no number any more."""


class Progress(Protocol):
    """What a training reports to after each step."""

    def __call__(self, step: int, total: int, loss: float, tokens: int) -> None:
        """The step of `total`, its loss, and the tokens processed so far."""


@dataclass
class Counts:
    """What has been processed so far, over all sessions of a training."""

    examples: int = 0
    tokens: int = 0
    labelled: int = 0
    seconds: float = 0.0

    @classmethod
    def at(cls, checkpoint: Path | None) -> "Counts":
        """As they were at a checkpoint."""
        if checkpoint is None:
            return cls()
        return cls(**json.loads((checkpoint / COMPLETE).read_text(encoding="utf-8")))


class Training:
    """What differs from transformers' Trainer; a mixin, because that class must not be imported before it is needed."""

    # Of transformers' Trainer:
    args: Any
    model: Any
    state: Any
    control: Any
    callback_handler: Any
    accelerator: Any
    data_collator: Any
    train_dataset: Any
    eval_dataset: Any
    _prepare_inputs: Any

    def begin(self, progress: Progress | None, clock: Callable[[], float], order: Order, counts: Counts) -> None:
        """Set what our part needs; transformers' constructor has run."""
        self.progress, self.clock, self.order, self.counts = progress, clock, order, counts
        self.started, self.earlier_seconds = clock(), counts.seconds
        self.evaluation_mode: Callable[[], AbstractContextManager[Any]] = (
            nullcontext  # in which it evaluates and answers
        )
        self.processed: Any = 0  # rows, tokens, learnt tokens since the last log, on the device: reading would wait
        self.model_accepts_loss_kwargs = (
            True  # our loss is a sum over the step's learnt tokens, divided by their number
        )
        self.loss_is_scaled_for_ga = True

    def is_finished(self, checkpoint: Path | None, patience: int | None, stop: int | None) -> bool:
        """Whether the training had come to its end, or to where it stops, when it was cut off.

        At its end its best weights are put back.
        """
        if checkpoint is None:
            return False
        state = type(self.state).load_from_json(str(checkpoint / "trainer_state.json"))
        if patience is not None and evaluations_without_gain(state.log_history) >= patience:
            self.state = state
            self._load_best_model()
            return True
        if stop is not None and state.global_step >= stop:
            self.state = state
            self._load_from_checkpoint(str(checkpoint))
            return True
        return False

    @property
    def elapsed(self) -> float:
        """Seconds of training so far, over all sessions."""
        return float(self.earlier_seconds + self.clock() - self.started)

    def _get_train_sampler(self, train_dataset: Any = None) -> Order:
        return self.order

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        import torch

        labels, counts = inputs.pop("labels"), inputs.pop("counts")
        loss, learnt = summed_loss(model, inputs, labels)
        self.processed = self.processed + torch.cat([counts[0], counts.new_tensor([learnt])])
        loss = loss / (learnt if num_items_in_batch is None else num_items_in_batch)
        if self.args.world_size > 1:  # the learnt tokens are those of all devices, and gradients will be averaged
            loss = loss * self.args.world_size
        return (loss, None) if return_outputs else loss

    def evaluate(self, eval_dataset: Any = None, ignore_keys: Any = None, metric_key_prefix: str = "eval") -> Any:
        metrics = {f"{metric_key_prefix}_loss": self.mean_loss(eval_dataset)}
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics

    def mean_loss(self, items: Sequence[Item] | None = None) -> float:
        """The mean loss of the learnt tokens of items, by default of the validation rows."""
        import torch

        self.model.eval()
        total, learnt = 0.0, 0
        with torch.no_grad(), self.evaluation_mode():
            for inputs in self.get_eval_dataloader(items):
                inputs = self._prepare_inputs(inputs)
                labels, _ = inputs.pop("labels"), inputs.pop("counts")
                loss, count = summed_loss(self.model, inputs, labels)
                total, learnt = total + float(loss), learnt + count
        if self.args.world_size > 1:
            sums = torch.tensor([[total, learnt]], dtype=torch.float64, device=self.args.device)
            total, learnt = self.accelerator.gather(sums).sum(0).tolist()
        return float(total / learnt)

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """After a step: stop at a loss that is not a number, count, and report the progress."""
        step, loss = self.state.global_step, logs.get("loss")
        super().log(logs, start_time)  # type: ignore[misc]
        if loss is None:
            return
        diverged = not math.isfinite(logs.get("grad_norm", 0.0)) and not self.args.fp16  # float16 skips such steps
        if diverged or not math.isfinite(loss):
            raise DivergedError(_diverged(step, logs["learning_rate"], self.args))
        if not isinstance(self.processed, int):
            rows, tokens, labelled = self._gather_processed().tolist()
            self.counts.examples += rows
            self.counts.tokens += tokens
            self.counts.labelled += labelled
            self.processed = 0
        self.counts.seconds = self.elapsed
        if self.progress is not None:
            self.progress(step, self.state.max_steps, loss, self.counts.tokens)

    # -- several devices ----------------------------------------------------------------------------------------------

    def get_train_dataloader(self) -> Any:
        if self.args.world_size == 1:
            return super().get_train_dataloader()  # type: ignore[misc]
        return device_loader(self.train_dataset, self.order, self.order.step, self.data_collator, self.args)

    def get_eval_dataloader(self, eval_dataset: Any = None) -> Any:
        if self.args.world_size == 1:
            return super().get_eval_dataloader(eval_dataset)  # type: ignore[misc]
        items = self.eval_dataset if eval_dataset is None else eval_dataset
        return device_loader(items, range(len(items)), len(items), self.data_collator, self.args)

    def _gather_processed(self) -> Any:
        if self.args.world_size == 1:
            return self.processed
        return self.accelerator.gather(self.processed[None]).sum(0)

    def is_sharded(self) -> bool:
        """Whether no process has the whole network (FSDP, DeepSpeed): then transformers keeps the checkpoints."""
        return self.accelerator.distributed_type in ("FSDP", "DEEPSPEED")

    # -- checkpoints --------------------------------------------------------------------------------------------------

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        """Save what is trained, whatever the method; the frozen base is never copied."""
        if self.is_sharded():
            super()._save(output_dir, state_dict)  # type: ignore[misc]
            return
        if not self.args.should_save:
            return
        folder = Path(output_dir or self.args.output_dir)
        with translate_disk_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            save_trained(self.model, folder / TRAINED)

    def _save_checkpoint(self, model: Any, trial: Any) -> None:
        folder = Path(self.args.output_dir) / f"checkpoint-{self.state.global_step}"
        with translate_disk_errors(folder):
            super()._save_checkpoint(model, trial)  # type: ignore[misc]
            self.accelerator.wait_for_everyone()  # each process has written its random state
            if self.args.should_save:
                (folder / COMPLETE).write_text(json.dumps(asdict(self.counts)), encoding="utf-8")

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: Any = None) -> None:
        if self.is_sharded():
            super()._load_from_checkpoint(resume_from_checkpoint, model)  # type: ignore[misc]
            return
        load_trained(self.model, Path(resume_from_checkpoint) / TRAINED)

    def _load_best_model(self) -> None:
        if self.is_sharded():
            super()._load_best_model()  # type: ignore[misc]
            return
        load_trained(self.model, Path(self.state.best_model_checkpoint) / TRAINED)


def last_checkpoint(folder: Path) -> Path | None:
    """The newest complete checkpoint; those that were cut off are removed."""
    complete = []
    for checkpoint in folder.glob(CHECKPOINTS):
        if (checkpoint / COMPLETE).is_file():
            complete.append(checkpoint)
        else:
            shutil.rmtree(checkpoint)
    return max(complete, key=lambda checkpoint: int(checkpoint.name.rpartition("-")[2]), default=None)


def make_trainer(
    network: Any, recipe: Recipe, plan: StepPlan, items: Sequence[Item], validation: Sequence[Item],
    collator: Collator, arguments: dict[str, Any],
) -> Any:  # fmt: skip
    """The trainer, silent: no reports to services, no bars, nothing printed."""
    from transformers import EarlyStoppingCallback, PrinterCallback, TrainerCallback, TrainingArguments

    settings = TrainingArguments(
        per_device_train_batch_size=plan.batch_size, gradient_accumulation_steps=plan.accumulation,
        per_device_eval_batch_size=plan.batch_size, max_steps=plan.steps,
        **transformers_schedule(recipe.schedule, recipe.schedule_options),
        warmup_steps=round(recipe.warmup * plan.steps), weight_decay=recipe.weight_decay,
        max_grad_norm=recipe.max_grad_norm, logging_steps=1, logging_nan_inf_filter=False,
        save_strategy="no" if plan.saves_by_time and not validation else "steps",
        save_steps=plan.save_every, save_total_limit=2, report_to="none", disable_tqdm=True,
        eval_strategy="steps" if validation else "no", eval_steps=plan.evaluate_every,
        load_best_model_at_end=bool(validation), metric_for_best_model="loss" if validation else None,
        greater_is_better=False, remove_unused_columns=False,
        dataloader_pin_memory=not arguments.get("use_cpu", False), **arguments,
    )  # fmt: skip
    settings._n_gpu = min(settings.n_gpu, 1)  # one device: transformers would spread batches over all of them
    trainer = _trainer_class()(
        model=network, args=settings, data_collator=collator, train_dataset=items, eval_dataset=validation or None
    )
    trainer.remove_callback(PrinterCallback)
    if plan.saves_by_time:
        trainer.add_callback(saving_by_time(TrainerCallback, time.monotonic))
    if validation and recipe.patience is not None:
        trainer.add_callback(stop_after(EarlyStoppingCallback, recipe.patience))
    return trainer


@cache
def _trainer_class() -> type:
    from transformers import Trainer

    return type("AdapterTrainer", (Training, Trainer), {})


def _diverged(step: int, rate: float, arguments: Any) -> str:
    remedy = " or precision: float32" if arguments.fp16 or arguments.bf16 else ""
    return (
        f"the loss is not a number at step {step}: the training diverged; "
        f"set learning_rate below {arguments.learning_rate:g} (it was {rate:g} at that step){remedy}"
    )
