"""Folders of runs as the viewer meets them: whole, broken, half written, interrupted, hostile."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.records.decisions import Decision, DecisionRecord, Statement
from harness.records.figures import MetricInfo, Result
from harness.records.inputs import Sample
from harness.records.outputs import Prediction, Reading, Score
from harness.records.summary import Summary
from harness.runtime.run_folder import RunFolder

RIGHT = MetricInfo(component="ExactMatch", settings={}, low=0.0, high=1.0, better="higher")
LORA = Decision(
    kind="choose", certainty="sure", variant="lora", headline=Statement("decision.choose", {"variant": "lora"})
)


def made_run(path: Path, *, name: str = "clinic", decision: Decision | None = LORA, **record: Any) -> RunFolder:
    """A complete run of two variants on one item: lora is right, zero is wrong."""
    folder = RunFolder(path)
    path.mkdir(parents=True)
    folder.write_run(run_record(name=name, **record))
    folder.write_samples([Sample(task="norm", id="1", input="痛", targets=("疼痛",))])
    answers = {"zero": "痛", "lora": "疼痛"}
    folder.write_predictions(
        Prediction(
            task="norm", variant=variant, sample_id="1", messages=(), text=text, reading=Reading(answer=text),
            tokens_in=1, tokens_out=1, seconds=0.1,
        )
        for variant, text in answers.items()
    )  # fmt: skip
    folder.write_scores(
        Score(task="norm", sample_id="1", variant=variant, metric="accuracy", value=float(text == "疼痛"))
        for variant, text in answers.items()
    )
    folder.write_summary(run_summary(name, decision))
    return folder


def run_record(*, name: str = "clinic", **record: Any) -> dict[str, Any]:
    return {
        "status": "complete",
        "started": "2026-11-22T09:37:05+00:00",
        "finished": "2026-11-22T09:41:12+00:00",
        "command": "harness run suites/terms/suite.yaml",
        "suite": {"name": name, "path": "suite.yaml", "text": f"name: {name}\n", "prompts": {}},
        **record,
    }


def run_summary(name: str, decision: Decision | None = LORA, variants: Mapping[str, float] | None = None) -> Summary:
    means = variants or {"zero": 0.0, "lora": 1.0}
    return Summary(
        name=name,
        reference="zero",
        headline=("norm.accuracy",),
        metrics={"norm.accuracy": RIGHT},
        results=tuple(
            Result(task="norm", variant=variant, metric="accuracy", samples=1, known=1, mean=mean, low=0.0, high=1.0)
            for variant, mean in means.items()
        ),
        comparisons=(),
        usage=(),
        decisions=DecisionRecord(decision=decision),
    )


def half_written(path: Path, name: str) -> Path:
    """The first two thirds of a file of a run that is otherwise whole."""
    folder = made_run(path)
    content = (folder.path / name).read_bytes()
    (folder.path / name).write_bytes(content[: len(content) * 2 // 3])
    return path


def without(path: Path, *keys: str) -> Path:
    """A run whose summary lacks what older versions did not write."""
    folder = made_run(path)
    summary = json.loads((folder.path / "summary.json").read_text())
    for key in keys:
        del summary[key]
    (folder.path / "summary.json").write_text(json.dumps(summary))
    return path
