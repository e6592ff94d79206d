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
    r"|因子|病毒|形|臂|花|玫瑰|带(?!来|有)|值(?!得)|酸|δ|(?:E)?选择素|钙[黏粘]|二聚体|症状|试验|纤维|溶血|模式|亚型)"
)
_ENGLISH_SUFFIX = (
    r"(?i:dimers?|reactive|peptides?|cells?|waves?|sections?|fib(?:er|re)s?|symptoms?|lymphocytes?|vitamins?|lines?|bands?"
    r"|complex|antigens?|antibod(?:y|ies)|strep\w*|virus|types?|mode|scan|chains?|pattern|positive|negative|subunits?|spine|collar|arm|fib)(?![A-Za-z])"
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
    r"|niger|subtilis|thaliana|malayi|licheniformis|acidophila|putida|stutzeri|kansasii|intracellulare|ulcerans|chelonae|equi"
)
# Other names by their Latin endings; what is English or medical prose ends so too and is left out.
_LATIN = (
    r"(?!thus|status|virus|focus|sinus|lupus|mellitus|thrombus|fetus|uterus|serum|sodium|calcium|potassium|lithium|maximum"
    r"|minimum|medium|magnesium|barium|sputum|plus)[a-z]{2,}(?:(?<!o)us|um|ii|ensis|iae|formis)"
)
_NAME = rf"(?:(?:\.|·) ?(?:(?i:{_EPITHET})|{_LATIN})| (?i:{_EPITHET}))(?![A-Za-z])"

# A letter right behind any other word is part of a name (strain B, 细胞色素C); behind these it may be a choice.
_NAMING = (
    r"(?i:[a-z]+ly|is|are|was|were|be|been|being|am|answer(?:s|ed)?|ans|options?|choices?|letters?|statements?|items?|alternatives?"
    r"|responses?|solution|selection|selected|key|conclusion|choos(?:e|es|ing)|chosen?|pick(?:s|ed|ing)?|select(?:s|ing)?|go|going"
    r"|went|votes?|say|says|said|guess|think|believe|considers?|considering|prefer|favou?rs?|suggests?|supports?|indicates?"
    r"|recommend|mark|circle|takes?|taking|concludes?|reject(?:s|ed|ing)?|eliminat(?:e|es|ed|ing|ion)|exclud(?:e|es|ed|ing)"
    r"|exclusion|rul(?:e|es|ed|ing)|out|remains?|leaves?|leaving|left|get|gives?|have|has|had|means?|becomes?|makes?|needs?|with|for"
    r"|to|of|by|in|on|at|from|as|than|through|thru|between|versus|vs|unlike|like|and|or|nor|not|never|but|neither|either|both|only|just"
    r"|also|plus|except|without|includ(?:e|es|ing)|therefore|thus|hence|so|then|because|since|if|when|while|whereas|although|though|that"
    r"|which|what|why|how|this|these|those|it|its|the|an?|my|your|our|us|me|i|you|we|rather|instead|now|here|again|first|second"
    r"|finally|next|last|maybe|perhaps|correct|incorrect|right|wrong|true|false|final|best|better|good|yes|no|ok|okay|sure|well|all"
    r"|above|below|would|could|should|must|can|cannot|may|might|will|wait|hmm|sorry|oops|correction|explanation|reason|solve)"
)
_NAMING_ZH = (
    "选择是为案项即故除非和与及或者并有就该只仅唯单在对应确认定答则此于虑荐断论得到成以么然如中而但看来觉向持似像先后再又也都说"
    "且跟同比较更最若果设假让把将给从由因所终解题的误错改换回剩余下个述明示去掉开外包含括不别未无没需要能可会必须当才被知见据"
    "按上了点好嗯加属且至际间还显次便仍总归乃倒"
)

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
        r"(?<![A-Za-z])([A-Z][/:][A-Z])(?= ?(?:ratio|比|值|倒置))",
        r"(?<![A-Za-z])([A-Z])(?=/[a-z]|\. ?(?:[ge]\.|fib\b))",
        rf"(?<![A-Za-z])(?!{_NAMING}\b)(?<!-)[A-Za-z]+ ([A-Z](?![A-Za-z]){MORE})",
        rf"[㐀-鿿](?<![{_NAMING_ZH}])\(?([A-Z](?![A-Za-z])(?! ?选?项){MORE})",
        r"(?<![A-Za-z])([A-Z]\. ?[A-Z])(?=\. ?[A-Z][a-z])",
        r"\bRh ?\(([A-Z])\)",
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
