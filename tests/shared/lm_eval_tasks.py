"""Tasks of lm-eval over made-up rows: one of each way in which lm-eval asks, scores and refuses to be asked."""

import json
import random
from pathlib import Path

import yaml

WORDS = ("fever", "cough", "rash", "pain", "virus", "heart", "lung", "bone")
MEAN = [{"metric": "acc", "aggregation": "mean", "higher_is_better": True}]
CHOICE = {
    "output_type": "multiple_choice",
    "doc_to_choice": ["A", "B"],
    "doc_to_target": "{{['A', 'B'].index(answer)}}",
}
ASKED = {"doc_to_text": "{{question}}\nA. {{A}}\nB. {{B}}\nAnswer:"}
TASKS = {
    # several examples behind a description; two metrics
    "chosen": {**CHOICE, **ASKED, "description": "Answer the questions.\n\n", "num_fewshot": 2, "tag": ["own_exams"],
               "metric_list": [*MEAN, {"metric": "acc_norm", "aggregation": "mean", "higher_is_better": True}]},
    # examples drawn at random; two filters
    "written": {"output_type": "generate_until", "doc_to_text": "Q: {{question}}\nA:", "doc_to_target": "{{answer}}",
                "num_fewshot": 3, "tag": ["own_exams"],
                "generation_kwargs": {"until": ["\n"], "max_gen_toks": 12, "do_sample": False},
                "metric_list": [{"metric": "exact_match", "aggregation": "mean", "higher_is_better": True},
                                {"metric": "chrf", "aggregation": "chrf", "higher_is_better": True}],
                "filter_list": [
                    {"name": "letter", "filter": [{"function": "regex", "regex_pattern": "([A-Za-z])"},
                                                  {"function": "take_first"}]},
                    {"name": "whole", "filter": [{"function": "take_first"}]}]},
    # choices of several words that begin with their own space, behind a context that ends with one
    "worded": {"output_type": "multiple_choice", "doc_to_text": "{{question}} It is ", "target_delimiter": "",
               "doc_to_choice": "{{[A, B + ' ' + A]}}", "doc_to_target": "{{['A', 'B'].index(answer)}}",
               "metric_list": [*MEAN, {"metric": "brier_score", "aggregation": "brier_score", "higher_is_better": False}]},
    # the choices stand in the context, and what is scored is the same behind each
    "blank": {"output_type": "multiple_choice", "doc_to_text": "{{['A', 'B'].index(answer)}}",
              "doc_to_choice": "{{['The ' + A + ' is', 'The ' + B + ' is']}}", "doc_to_target": "the cause.",
              "num_fewshot": 1, "metric_list": MEAN},
    # the likelihood of sentences behind nothing, and by mutual information
    "bare": {"output_type": "multiple_choice", "doc_to_text": "", "target_delimiter": "",
             "doc_to_choice": "{{[question + ' ' + A, question + ' ' + B]}}", "doc_to_target": 0,
             "metric_list": [*MEAN, {"metric": "acc_mutual_info", "aggregation": "mean", "higher_is_better": True}]},
    # the answer is begun
    "begun": {**CHOICE, **ASKED, "gen_prefix": "The answer is", "num_fewshot": 1, "metric_list": MEAN},
    "begun_text": {"output_type": "generate_until", "doc_to_text": "{{question}}", "doc_to_target": "{{answer}}",
                   "gen_prefix": "It is", "generation_kwargs": {"until": ["."], "max_gen_toks": 8},
                   "metric_list": [{"metric": "exact_match", "aggregation": "mean", "higher_is_better": True}]},
    # whether a text is the likeliest, and how likely it is
    "likeliest": {"output_type": "loglikelihood", "doc_to_text": "{{question}}", "doc_to_target": " {{answer}}",
                  "metric_list": [{"metric": "perplexity", "aggregation": "perplexity", "higher_is_better": False}, *MEAN]},
    # texts by themselves, longer than the window
    "long": {"output_type": "loglikelihood_rolling", "doc_to_text": "", "doc_to_target": "{{long}}",
             "metric_list": [{"metric": name} for name in ("word_perplexity", "byte_perplexity", "bits_per_byte")]},
}  # fmt: skip
UNFIT = {
    "middling": {**CHOICE, **ASKED, "metric_list": [*MEAN, {"metric": "acc_norm", "aggregation": "median", "higher_is_better": True}]},
    "voted": {**TASKS["written"], "repeats": 4},
    "lengthy": {**CHOICE, "doc_to_text": "{{long}} {{question}}\nAnswer:", "metric_list": MEAN},  # every other one
    "coded": {**TASKS["written"], "unsafe_code": True},
    "far": {**TASKS["chosen"], "dataset_path": "nobody/no-such-data", "dataset_kwargs": {}},
    "lost": {**TASKS["chosen"], "dataset_kwargs": {"data_files": {"validation": "no/such/file.jsonl"}}},
}  # fmt: skip
GROUP = {"group": "own_group", "task": [{"task": "chosen", "num_fewshot": 1}, "likeliest"]}
SIZES = {"small": 2, "middle": 4, "large": 6}  # the first so many rows; subjects of one exam, as those of C-Eval are
AVERAGED = [  # nested groups, averaged by size and each task once; a metric that only some have; several filters
    {"group": "exam_inner", "task": ["subject_small", "subject_large"],
     "aggregate_metric_list": [{"metric": "acc", "aggregation": "mean", "weight_by_size": True}]},
    {"group": "exam", "task": ["exam_inner", "subject_middle", "written"],
     "aggregate_metric_list": [{"metric": "acc", "weight_by_size": True}, {"metric": "acc_norm", "weight_by_size": False},
                               {"metric": "exact_match", "filter_list": "whole"}]},
]  # fmt: skip


def write_tasks(folder: Path, items: int = 6) -> Path:
    """The folder with the tasks' .yaml files and, beside it, their rows."""
    draw = random.Random(0)

    def row(number: int) -> dict[str, str]:
        first, second, *others = draw.sample(WORDS, 4)
        return {
            "question": f"Number {number}, {' and '.join(others)}: which one?", "A": first, "B": second,
            "answer": draw.choice("AB"), "long": " ".join(draw.choices(WORDS, k=20 + 200 * (number % 2))),
        }  # fmt: skip

    for name, numbers in (("validation", range(items)), ("dev", range(100, 105))):
        rows = [row(number) for number in numbers]
        (folder.parent / f"{name}.jsonl").write_text("".join(json.dumps(own) + "\n" for own in rows), encoding="utf-8")
    folder.mkdir()
    files = {name: str(folder.parent / f"{name}.jsonl") for name in ("validation", "dev")}
    common = {"dataset_path": "json", "dataset_kwargs": {"data_files": files}, "validation_split": "validation",
              "fewshot_split": "dev"}  # fmt: skip
    for name, task in {**TASKS, **UNFIT}.items():
        content = yaml.safe_dump({"task": name, **common, **task, **({"tag": []} if name in UNFIT else {})})
        (folder / f"{name}.yaml").write_text(content, encoding="utf-8")
    rows = (folder.parent / "validation.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    for name, size in SIZES.items():
        file = folder.parent / f"{name}.jsonl"
        file.write_text("".join(rows[:size]), encoding="utf-8")
        own = {"dataset_kwargs": {"data_files": {**files, "validation": str(file)}}, "tag": []}
        content = yaml.safe_dump({"task": f"subject_{name}", **common, **TASKS["chosen"], **own})
        (folder / f"subject_{name}.yaml").write_text(content, encoding="utf-8")
    for group in (GROUP, *AVERAGED):
        (folder / f"{group['group']}.yaml").write_text(yaml.safe_dump(group), encoding="utf-8")
    return folder
