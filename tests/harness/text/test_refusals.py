"""What is a refusal and what only looks like one, in both languages."""

import pytest

from harness.text.refusals import is_refusal


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        ("抱歉，我无法回答这个问题。", True),
        ("很抱歉，作为人工智能，我不能提供医疗建议。", True),
        ("作为一个AI语言模型，我没有能力判断。", True),
        ("我是一个人工智能助手，不具备诊断资格", True),
        ("我无法提供诊断。", True),
        ("无法回答该问题", True),
        ("对不起，我不能满足您的请求", True),
        ("这个问题我无法回答", True),
        ("I'm sorry, but I can't assist with that.", True),
        ("I’m unable to help with this request.", True),
        ("I cannot provide medical advice.", True),
        ("As an AI language model, I do not have access to records.", True),
        ("Unfortunately, I can't answer that.", True),
        ("Sorry. I cannot help.", True),
        ("**I'm sorry**, I can't do that.", True),
        ("I am sorry, but as an AI model I cannot diagnose patients.", True),
        ("I won't be able to help.", True),
        ("I must decline to answer.", True),
        ("抱歉给您带来不便，建议多喝水。", False),
        ("对不起，您不能服用该药", False),
        ("不能进食3天", False),
        ("患者无法行走", False),
        ("不能排除肺炎", False),
        ("胃炎", False),
        ("", False),
        ("I'm sorry to hear that. Take rest.", False),
        ("I can't breathe when lying down", False),
        ("I can't help coughing", False),
        ("I'm afraid of heights and can't give a talk", False),
        ("I have to provide more detail: gastritis", False),
        ("I decline rapidly", False),
        ("Patient cannot provide history", False),
        ("C", False),
        ("I'm sorry, I can't be sure. " + "But the finding speaks for pneumonia. " * 12, False),  # goes on to answer
    ],
)
def test_a_refusal_names_what_it_will_not_do(reply: str, expected: bool) -> None:
    assert is_refusal(reply) is expected
