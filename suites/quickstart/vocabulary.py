"""The words of the quickstart's data: a house's list of operations, and how its notes write them.

Keys stand in the list, values in the notes.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Group:
    """Sites on which the same two procedures are done."""

    sites: dict[str, str]  # a note drops characters of the standard name: the list alone says which
    procedures: dict[str, tuple[str, ...]]  # every wording shares a character with its standard name only


# the rule: the house's signs share no character with any name in the list, so that only train rows tell what they mean
APPROACHES = {"开放": "K", "镜下": "J", "经皮": "P"}

GROUPS = (
    Group(
        {
            "胰尾部": "胰尾",
            "胰头区": "胰头",
            "胰钩突": "胰钩",
            "肝尾叶": "肝尾",
            "肝左外叶": "肝左外",
            "肝右后段": "肝右后",
            "肾上腺": "肾腺",
            "肾下极": "肾极",
            "脾门区": "脾门",
            "甲旁腺体": "甲旁",
            "甲状峡": "甲峡",
            "肺舌段": "肺舌",
            "肺背段": "肺背",
            "胸腺叶": "胸腺",
            "前列腺": "前列",
            "精囊腺": "精囊",
        },
        {"切除术": ("切掉", "切除"), "活检术": ("活检", "取活检")},
    ),
    Group(
        {
            "胆总管": "胆总",
            "胆囊管": "囊管",
            "肝总管": "肝总",
            "胰导管": "胰导",
            "输尿管": "输尿",
            "肾盂腔": "肾盂",
            "肾中盏": "肾盏",
            "膀胱颈": "膀颈",
            "颌下腺管": "颌管",
            "腮腺管": "腮管",
        },
        {"取石术": ("取石头", "取石"), "引流术": ("引流", "放引流")},
    ),
    Group(
        {
            "肩袖腱": "肩袖",
            "髋盂唇": "髋唇",
            "膝内侧板": "膝内",
            "踝外韧带": "踝外",
            "腕管带": "腕管",
            "肘伸腱": "肘伸",
            "跟腱膜": "跟腱",
            "腰椎孔": "腰孔",
            "颈椎孔": "颈孔",
            "髌内带": "髌内",
        },
        {"松解术": ("松解", "松一松"), "修补术": ("修补", "补上")},
    ),
)
