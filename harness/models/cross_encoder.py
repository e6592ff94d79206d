"""Ranking models in this process: a cross-encoder reads query and passage together."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from harness.errors import ModelError
from harness.models.local.encoders import Encoder
from harness.records.inputs import JSON


class CrossEncoder(Encoder):
    """A cross-encoder (reranker) by hub id, folder, or package:NAME/FOLDER; scores are logits."""

    ranks: ClassVar[bool] = True

    def identity(self) -> dict[str, JSON]:
        return {"component": "cross_encoder", **super().identity()}

    def check_folder(self, folder: Path) -> None:
        """Loading a model without a trained head would rank by random numbers."""
        try:
            config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise ModelError(f"model {self.path}: {folder} has no readable config.json: {error}") from error
        heads = [str(name) for name in config.get("architectures") or ()]
        if not any(name.endswith("ForSequenceClassification") for name in heads):
            raise ModelError(
                f"model {self.path}: is no cross-encoder but a {', '.join(heads) or 'model without architecture'}; "
                "a cross-encoder is a …ForSequenceClassification"
            )
        labels = config.get("num_labels") or len(config.get("id2label") or (0, 1))
        if labels != 1:
            raise ModelError(f"model {self.path}: gives {labels} scores a pair; a cross-encoder for ranking gives one")

    def relevance(self, pairs: Sequence[tuple[str, str]]) -> list[float]:
        if not pairs:
            return []
        import torch

        with self._translated("cannot rank"):  # logits: a sigmoid would make the best ones equal in float32
            scores = self.network().predict(
                list(pairs), batch_size=self.batch_size, show_progress_bar=False, activation_fn=torch.nn.Identity()
            )
        return [float(score) for score in scores]

    def load(self, folder: str, dtype: Any) -> Any:
        import sentence_transformers

        options = {"device": self._device, "max_length": self.max_length, "model_kwargs": {"dtype": dtype}}
        return sentence_transformers.CrossEncoder(folder, local_files_only=True, **options)
