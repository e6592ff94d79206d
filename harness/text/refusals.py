"""Replies that decline to answer, in Chinese and English: what is not listed here is no refusal.

Only the beginning of a short reply is looked at. A refusal names what it will not do: "I'm sorry to hear that", "I
can't breathe" and 您不能服用该药 decline nothing. A long reply that opens with an apology has gone on to answer.
"""

import re

SHORT = 400  # characters; a longer reply says more than that it declines

_CANNOT = r"(?:无法|不能|不便|没有办法|没办法|没法|无权|无力|拒绝|不会|不可以|难以)"
_ANSWERING = (
    r"(?:回答|解答|答复|作答|回应|提供|协助|帮助|帮[你您]|满足|处理|完成|给出|生成|讨论|执行|继续|判断|诊断|评估|透露|撰写|编写"
    r"|参与|理解|访问|获取|查看|识别|确定|支持)"
)
_SORRY = r"(?:非常|很|十分|真的|实在)?(?:抱歉|对不起|不好意思|遗憾)"
_MACHINE = r"(?:AI|人工智能|(?:大型?|大)?(?:语言)?模型|智能助[手理]|助[手理]|机器人)"
_CHINESE = re.compile(
    rf"{_SORRY}[^。！？!?\n]{{0,40}}?{_CANNOT}[^。！？!?\n]{{0,10}}?{_ANSWERING}"
    rf"|(?:作为|身为|我(?:只)?是)(?:一[个名位款种])?[^，,。\n]{{0,6}}?{_MACHINE}[^。！？!?\n]{{0,50}}?(?:{_CANNOT}|没有|不具备)"
    rf"|(?:我们?|本人|本助手|本模型)[^。！？!?，,\n]{{0,6}}?{_CANNOT}[^。！？!?，,\n]{{0,8}}?{_ANSWERING}"
    rf"|(?:这个|该|此|您的|你的)(?:问题|请求|要求|内容)[^。！？!?\n]{{0,10}}?{_CANNOT}[^。！？!?\n]{{0,4}}?{_ANSWERING}"
    rf"|{_CANNOT}(?:回答|解答|答复|作答|提供|协助|满足)",
    re.IGNORECASE,
)

_UNABLE = (
    r"(?:can(?:not| not|'t)|could(?: not|n't)|will not|won't"
    r"|(?:am|are|'m|'re) (?:not able|unable|not allowed|not permitted) to"
    r"|do(?: not|n't) (?:feel comfortable|have the ability to))"
)
_DOING = (
    r"(?:assist|help(?!\s+\w+ing\b)|provid|answer|respond|compl|fulfil|offer|give (?:you|medical|legal|financial|any)"
    r"|giving|generat|creat|writ|discuss|engag|support|process|continue|do that|do this|share|diagnos|determine"
    r"|recommend|access|view|tell you)"
)
_APOLOGY = (
    r"(?:(?:(?:i'm|i am)\s+)?(?:very |so |really |truly )?(?:sorry|afraid)|(?:my |our )?apologies|i apologi[sz]e"
    r"|unfortunately|regrettably)[.!*]*(?:[^.!?\n]{0,40}?[\s,;:—–-])"
)
_ENGLISH = re.compile(
    rf"(?:{_APOLOGY})?(?:i|we)(?:\s+|(?=')){_UNABLE}\s+(?:\w+\s+){{0,3}}?{_DOING}"
    rf"|(?:{_APOLOGY})?(?:i|we)\s+(?:(?:must|have to)\s+)?(?:respectfully\s+)?(?:decline|refuse)"
    r"\s(?:to|this|that|your)\b"
    r"|as an? (?:\w+ ){0,3}?(?:ai|artificial intelligence|language model|assistant)\b[^.!?\n]{0,80}?"
    r"(?:can(?:not|'t)|unable|not able|do(?: not|n't) have)",
    re.IGNORECASE,
)


def is_refusal(reply: str) -> bool:
    """Whether a reply says at its beginning, and at no great length, that it will not or cannot answer."""
    text = reply.replace("’", "'").strip(" \t\n*_#>\"'“”「」")
    if not text or len(text) > SHORT:
        return False
    return bool(_CHINESE.match(text) or _ENGLISH.match(text))
