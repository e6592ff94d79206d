"""Letters that are parts of terms and names: vitamins, grades, species, blood groups, D-dimer. They name no option.

A pattern's group 1 holds the letters. Whether the options themselves speak of the term is for the caller to see first:
their own texts decide.
"""

import re

MORE = (
    r"(?:(?: ?[、/&] ?| ?(?:和|与|及|或) ?| (?:and|or) |, ?"
    r"(?=[A-Z](?: (?:and|or) |, ?(?:and|or) ))|, (?:and|or) )[A-Z](?![A-Za-z]))*"
)
_LETTERS = rf"([A-Z]{{1,2}}(?![A-Za-z])(?!\s?选?项){MORE})"

_NOUN = (
    r"(?:(?:复合)?维生素|维他命|维|抗|肝炎病毒|流感病毒|流感|血型(?:为|是|属于|:)?|辅酶|球蛋白|蛋白|因子|霉素|菌素|孢素"
    r"|分[级期型类](?:为|是|属于)?|等级(?:为|是)?|级别(?:为|是)?|类型(?:为|是)?|Child(?:-Pugh)?|BCLC|Stanford|Dukes?)"
)
_ENGLISH_NOUN = (
    r"(?<![A-Za-z])(?i:vitamins?|vit\.?|hepatitis|influenza|flu|types?|subtypes?|class(?:es)?|stages?|grades?|groups?|categor(?:y|ies)"
    r"|levels?|phases?|factor|protein|troponin|coenzyme|immunoglobulin|amphotericin|polymyxin|cyclosporine?|ciclosporin"
    r"|complement|hep|schedule|band|child(?:-pugh)?|dukes'?|bclc|stanford|strep)"
)
_SUFFIX = (
    r"(?:超|型|族|群|级|期|组|类(?!似)|波|线(?!索)|链|肽|区(?!别|分)|段|峰|酶|环(?!节)|细胞|淋巴|反应蛋白|抗原|抗体|蛋白|受体"
    r"|因子|病毒|形|臂|花|玫瑰|二聚体|症状|试验|纤维|溶血|模式|亚型)"
)
_ENGLISH_SUFFIX = (
    r"(?i:dimers?|reactive|peptides?|cells?|waves?|sections?|fib(?:er|re)s?|symptoms?|lymphocytes?|vitamins?|lines?|bands?"
    r"|complex|antigens?|antibod(?:y|ies)|strep\w*|virus|types?|mode|scan|chains?|pattern)(?![A-Za-z])"
)
# Species, as they stand behind the initial of their genus
_EPITHET = (
    r"coli|aureus|pneumoniae?|aeruginosa|difficile|diff|pylori|tuberculosis|albicans|influenzae?|faecalis|faecium|meningitidis"
    r"|cereus|botulinum|perfringens|tetani|anthracis|vulgaris|mirabilis|marcescens|falciparum|vivax|malariae|ovale|gondii"
    r"|lamblia|histolytica|trachomatis|psittaci|burgdorferi|pallidum|henselae|canis|melitensis|abortus|pestis|enterocolitica"
    r"|cholerae|vulnificus|jejuni|fetus|typhi|typhimurium|enterica|enteritidis|sonnei|flexneri|dysenteriae|monocytogenes"
    r"|gonorrhoeae|catarrhalis|pertussis|baumannii|cepacia|maltophilia|neoformans|fumigatus|flavus|epidermidis|saprophyticus"
    r"|agalactiae|pyogenes|viridans|bovis|leprae|avium|fragilis|cloacae|aerogenes|freundii|diphtheriae|jeikeium|immitis"
    r"|dermatitidis|capsulatum|glabrata|tropicalis|krusei|auris|parapsilosis|elegans|melanogaster|cerevisiae|sapiens"
    r"|lumbricoides|granulosus|solium|saginata|duodenale|americanus|stercoralis|mansoni|japonicum|haematobium|sinensis"
    r"|trichiura|vermicularis|hominis|parvum|jirovecii|burnetii|rickettsii|prowazekii|quintana|pneumophila|interrogans"
    r"|acnes|israelii|asteroides|lugdunensis|oxytoca|mutans|sanguinis|moniliformis|hydrophila|belladonna|sativa|annua"
)
# Other names by their Latin endings; what is English or medical prose ends so too and is left out.
_LATIN = (
    r"(?!thus|status|virus|focus|sinus|lupus|mellitus|thrombus|fetus|uterus|serum|sodium|calcium|potassium|lithium|maximum"
    r"|minimum|medium|magnesium|barium|sputum|plus)[a-z]{2,}(?:(?<!o)us|um|ii|ensis|iae|formis)"
)
_NAME = rf"(?:\. ?(?:(?i:{_EPITHET})|{_LATIN})| (?i:{_EPITHET}))(?![A-Za-z])"

# Words that begin a sentence or stand before a letter that is a choice: no first or last name
_NO_NAME = (
    r"(?:Answer|Option|Choice|Letter|Statement|Item|Correct|Final|Select|Choose|Pick|So|Therefore|Thus|Hence|The|This|That|It|Its"
    r"|In|If|As|At|He|She|They|We|Because|Since|And|Or|Not|But|Only|Both|Either|Neither|Explanation|Reason|All|Is|Are|No|For|With)\b"
)

TERMS = tuple(
    re.compile(pattern)
    for pattern in (
        rf"{_NOUN}\s*{_LETTERS}",
        rf"{_ENGLISH_NOUN}(?:[ -]|: ){_LETTERS}",
        rf"(?<![A-Za-z])([A-Z]{{1,2}}) ?[-‐‑–－]? ?(?={_SUFFIX})",
        r"(?<![A-Za-z])([A-Z])[-‐‑－](?=[㐀-鿿](?<!正)(?<!错)(?<!对)(?<!不)(?<!符))",
        rf"(?<![A-Za-z])([A-Z])(?=[ -]{_ENGLISH_SUFFIX})",
        rf"(?<![A-Za-z])([A-Z])(?={_NAME})",
        r"(?<![A-Za-z])([A-Z]/[A-Z])(?= ?(?:ratio|比))",
        r"\b(?:Dr|Mr|Mrs|Ms|Prof)\.? ([A-Z])(?![A-Za-z])",
        rf"(?<![a-z] )\b(?!{_NO_NAME})[A-Z][a-z]+ ([A-Z])(?=\. (?!{_NO_NAME})[A-Z][a-z]+)",
    )
)


# A letter as a name in the question itself: drug A, patient B
_ITS_OWN_NAMES = re.compile(
    r"(?i:\b(?:drug|patient|plan|regimen|hospital|doctor|figure|table|study|trial|arm|cohort|sample|case|point"
    r"|curve))s? ([A-Z])\b"
    r"|(?:药物|药品|患者|病人|方案|医生|医院|图|表|受体|样本|点|曲线)([A-Z])(?![A-Za-z0-9])"
    r"|(?<![A-Za-z0-9])([A-Z])(?:药|患者|病人|方案|医生|医院|国|市|点|曲线)"
)


def hide_terms(text: str, question: str) -> str:
    """`text`, as long as it is, with dots for letters that are parts of terms, or names that the question gives."""
    hidden = list(text)
    for pattern in TERMS:
        for match in pattern.finditer(text):
            for place in range(*match.span(1)):
                hidden[place] = "·"
    for match in _ITS_OWN_NAMES.finditer(text):
        if match[0] in question:
            hidden[match.start(match.lastindex or 0)] = "·"
    return "".join(hidden)
