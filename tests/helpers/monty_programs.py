"""Seeded random programs of the subset that the fast engine answers, and calls of them, for comparing it with CPython.

Every name has a type and is bound from the start, so that most programs run through. `<int>` in a template stands for an
expression of that type, or for a name or a literal once the depth is used up.
"""

from __future__ import annotations

import random
import re

from sandboxes import canonical

NAMES = {
    "int": ["a", "b", "i"],
    "float": ["u", "v"],
    "str": ["s", "t", "c"],
    "bool": ["p"],
    "ints": ["xs", "ys"],
    "texts": ["ws"],
    "list": ["xs", "ys", "ws", "mixed"],
    "dict": ["d", "e"],
    "any": ["a", "s", "xs", "ws", "d", "u", "p", "mixed"],
}
LITERALS = {
    "int": "0 1 2 3 -1 5 7 10 -3 100 2147483648 9223372036854775808 100000000000000000000",
    "float": "0.5 1.5 2.0 0.1 -0.0 3.14 1e10 1e-7 2.675 1e16 7.25 1e999",
    "str": "'' 'a' 'abc' 'Hello' 'a,b,,c' '12' 'x' 'AbC' '-7' '3.5' 'aab' 'z' '\\n' 'a\\tb' '{}' '\u00e9\u00df'",
    "bool": "True False",
    "ints": "[] [1,2,3] [3,1,2,3] [0] [-5,10,7]",
    "texts": "[] ['b','a'] ['','Q1','x'] ['10','9']",
    "list": "[] [1,'x',None] [[1,2],[3]] [True,1,1.0] [1.5,-2.0]",
    "dict": "{} {'a':1,'b':2} {1:'x',2:'y'} {'k':[1,2]} {(1,2):3}",
    "any": "None 0 '' [] {} (1,'a') 1.5 True",
}
EXPRESSIONS = {
    "int": """
        (<int> + <int>)
        (<int> - <int>)
        (<int> * <int>)
        (<int> // 3)
        (<int> % 7)
        (<int> // (<int> or 1))
        (-<int> % -4)
        (<int> & <int>)
        (<int> ^ <int>)
        (<int> << 40)
        (<int> >> 3)
        (<int> ** 2)
        -(<int>)
        ~(<int>)
        abs(<int>)
        len(<str>)
        len(<list>)
        len(<dict>)
        len(set(<list>))
        len(set(<ints>) & set(<ints>))
        sum(<ints>)
        sum(set(<ints>))
        sum(x * 2 for x in <ints>)
        sum(x > 1 for x in <ints>)
        max(<ints>, default=0)
        min(<ints> + [<int>])
        max(<int>, <int>)
        round(<float>)
        int(<float>)
        int(<bool>)
        int(<str>)
        ord((<str> + 'k')[0])
        <str>.count(<str>)
        <str>.find(<str>)
        <str>.rfind('a')
        <list>.count(<any>)
        <dict>.get(<any>, <int>)
        (<ints> + [<int>])[-1]
        (<int> if <bool> else <int>)
        helper(<int>)
    """,
    "float": """
        (<float> + <int>)
        (<float> - <float>)
        (<float> * <float>)
        (<int> / 3)
        (<float> / (<float> or 1))
        (<float> // 0.5)
        (<float> % 1)
        float(<int>)
        round(<float>, 2)
        round(<float>, <int>)
        abs(<float>)
        (abs(<float>) ** 0.5)
        max(<float>, <int>)
        (sum(<ints>) / max(1, len(<ints>)))
        math.sqrt(abs(<float>))
        float(math.floor(<float>))
    """,
    "str": """
        (<str> + <str>)
        (<str> * 2)
        str(<any>)
        repr(<list>)
        str(<float>)
        <str>.upper()
        <str>.lower()
        <str>.title()
        <str>.swapcase()
        <str>.strip()
        <str>.lstrip(<str>)
        <str>.replace(<str>, <str>)
        <str>.replace(<str>, <str>, 1)
        <str>[::-1]
        <str>[<slice>]
        (<str> + 'q')[<int> % 1]
        ' '.join(<texts>)
        ','.join(map(str, <list>))
        ''.join(sorted(<str>))
        ''.join(x for x in <str> if x.isalpha())
        ''.join(reversed(<str>))
        chr(97 + <int> % 26)
        f'{<int>:>5}|{<name-str>:<4}|{<name-float>:.2f}'
        f'{<name-any>}{<name-list>!r}{{}}'
        <str>.center(9, '*')
        <str>.zfill(5)
        hex(<int>)
        bin(<int>)
        max(<str>, default='')
        <str>.partition(',')[0]
        (<str>.split(',') + ['z'])[0]
        (<str> if <bool> else <str>)
    """,
    "bool": """
        (<int> < <int>)
        (<int> <= <float> < 100)
        (<str> == <str>)
        (<str> < <str>)
        (<ints> < <ints>)
        (<any> == <any>)
        (<any> != <any>)
        (<any> is None)
        (<any> in <list>)
        (<any> not in <dict>)
        (<str> in <str>)
        (<int> in set(<ints>))
        (set(<str>) <= set(<str>))
        (<int> in range(<int>))
        (not <any>)
        (<bool> and <bool>)
        (<bool> or <any> == 1)
        <str>.isdigit()
        <str>.isalpha()
        <str>.isupper()
        <str>.startswith(<str>)
        isinstance(<any>, (int, str))
        any(x > 1 for x in <ints>)
        all(<list>)
    """,
    "ints": """
        [<int>, <int>]
        (<ints> + <ints>)
        (<ints> * 2)
        sorted(<ints>)
        sorted(<ints>, key=lambda x: (x % 3, -x))
        sorted(set(<ints>), reverse=True)
        <ints>[<slice>]
        list(range(<int> % 9))
        list(range(10, <int> % 5, -3))
        list(reversed(<ints>))
        [x * x for x in <ints> if x % 2 == 0]
        [x - y for x, y in zip(<ints>, <ints>)]
        [k * x for k, x in enumerate(<ints>, 1)]
        [x + y for x in <ints>[:3] for y in <ints>[:2]]
        list(map(abs, <ints>))
        list(map(lambda x: x // 2, <ints>))
        list(filter(lambda x: x > <name-int>, <ints>))
        list(map(len, <texts>))
        [ord(x) for x in <str>]
        <ints>.copy()
    """,
    "texts": """
        [<str>, <str>]
        <str>.split()
        <str>.split(',')
        <str>.rsplit('a', 1)
        <str>.splitlines()
        list(<str>)
        sorted(<texts>, key=len)
        sorted(set(<str>))
        [x.upper() + x for x in <texts>]
        list(map(str, <list>))
        <texts>[<slice>]
        (<texts> + <texts>)
    """,
    "list": """
        [<any>, <any>]
        [<any> for x in range(3)]
        list(zip(<list>, <str>))
        list(enumerate(<str>))
        list(<dict>)
        list(<dict>.items())
        list(<dict>.values())
        sorted(<list>, key=str)
        [[x, y] for x, y in <dict>.items()]
        (<list> + <ints>)
        [*<list>, *<texts>]
        [<list>] * 2
    """,
    "dict": """
        {<str>: <any>, <int>: <any>}
        {x: str(x) for x in <list>}
        {str(x): k for k, x in enumerate(<list>)}
        {y: x for x, y in <dict>.items()}
        dict(zip(<str>, <list>))
        dict(sorted(<dict>.items(), key=str))
        dict(k=<any>)
        {**<dict>, **<dict>}
        (<dict> | <dict>)
        <dict>.copy()
    """,
    "any": "<int>\n<str>\n<list>\n<ints>\n<dict>\n<bool>\n<float>\n(<any>, <any>)\ntuple(<list>)\n(<any> or <any>)",
}
STATEMENTS = """
    <name-int> = <int>
    <name-int> += <int>
    <name-int> *= <int>
    <name-str> = <str>
    <name-str> += <str>
    <name-ints> = <ints>
    <name-ints> += <ints>
    <name-float> = <float>
    <name-float> += <float>
    p = <bool>
    ws = <texts>
    mixed = <list>
    d = <dict>
    ys = xs
    mixed = [<name-list>, <name-list>]
    a, b = b, a
    i, *mixed = <ints> + [<int>]
    b = i = <int>
    xs.append(<int>)
    ys.extend(<ints>)
    <name-ints>.insert(<int>, <int>)
    <name-list>.reverse()
    xs.sort()
    if xs: a = xs.pop()
    if xs: b = xs.pop(0)
    if ys: ys.remove(ys[-1])
    if ys: del ys[0]
    xs[1:2] = <ints>
    xs[<slice>] = <ints>
    if xs: xs[0] = <int>
    if xs: xs[0], xs[-1] = xs[-1], xs[0]
    ws.append(<str>)
    mixed.append(<any>)
    d[<str>] = <any>
    d[<int>] = d.get(<int>, 0)
    d[<any>] = <any>
    d.update(<dict>)
    d.setdefault(<str>, []).append(<int>) if 'k' not in d else None
    if d: d.popitem()
    d.pop(<any>, None)
    print(<any>)
    if <bool>: return <any>
    assert <any> is not None
"""
BLOCKS = """
    if <bool>:
    for i in range(<int> % 6):
    for i in <ints>:
    for c in <str>:
    for i in xs:
    for i, c in enumerate(<name-str>):
    for i, c in enumerate(<texts>, 1):
    for i, b in zip(<ints>, <ints>):
    for i, b in zip(xs, ys):
    for i in reversed(xs):
    for c in d:
    for c, mixed in d.items():
    for i in map(int, <ints>):
    while len(xs) > <int> % 4 and xs.pop():
"""
PRELUDES = [
    "def helper(x):\n    return x * 2 + 1",
    "def helper(x):\n    return x if x < 2 or x > 12 else helper(x - 1) + helper(x - 2)",
    "def helper(x):\n    out = []\n    for k in range(x % 5):\n        out.append(k * x)\n    return sum(out)",
    "LIMIT = 5\ndef helper(x, y=3):\n    return min(x, LIMIT) + y",
    "helper = lambda x: len(str(x))",
]
_START = [
    "b = 4",
    "i = 2",
    "v = 0.25",
    "t = 'kL'",
    "c = 'm'",
    "p = a != 3",
    "ys = [4, -1, 4]",
    "e = {'q': 1}",
    "mixed = [s, xs]",
]


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.strip().splitlines()]


class Generator:
    """Programs `f(a, s, xs, ws, d, u)` from one random stream."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._expressions = {kind: _lines(text) for kind, text in EXPRESSIONS.items()}
        self._statements, self._blocks = _lines(STATEMENTS), _lines(BLOCKS)

    def program(self) -> str:
        """The source text of one program."""
        start = [
            "b = 4",
            "i = 2",
            "v = 0.25",
            "t = 'kL'",
            "c = 'm'",
            "p = a != 3",
            "ys = [4, -1, 4]",
            "e = {'q': 1}",
            "mixed = [s, xs]",
        ]
        body = [*start, *self._block(self._rng.randint(1, 5), 2)]
        everything = "[a, b, i, s, t, xs, ys, ws, d, mixed, p]"
        result = self._fill(self._rng.choice(("<any>", everything, "[<any>, u, v, xs, d]")), 2)
        text = "\n".join(f"    {line}" for line in [*body, f"return {result}"])
        return f"import math\n{self._rng.choice(PRELUDES)}\ndef f(a, s, xs, ws, d, u):\n{text}\n"

    def call(self) -> str:
        """The arguments of one call."""
        rng = self._rng
        ints = [self.integer() % 30 - 10 for _ in range(rng.randint(0, 5))]
        keyed = {
            self.text() if rng.random() < 0.7 else rng.randint(-3, 9): rng.choice((1, "v", [2], None))
            for _ in range(rng.randint(0, 3))
        }
        values = [self.integer(), self.text(), ints, [self.text() for _ in range(rng.randint(0, 4))], keyed, self.number()]
        return ", ".join(map(canonical, values))

    def integer(self) -> int:
        """A small number, or one around a power of two."""
        rng = self._rng
        if rng.random() < 0.8:
            return rng.randint(-20, 60)
        return rng.choice((-1, 1)) * (1 << rng.choice((31, 53, 62, 63, 64, 90))) + rng.randint(-1, 1)

    def number(self) -> float:
        """A short decimal, or anything."""
        rng = self._rng
        return (
            round(rng.uniform(-50, 50), rng.randint(0, 3))
            if rng.random() < 0.6
            else rng.uniform(-1, 1) * 10.0 ** rng.randint(-8, 18)
        )

    def text(self) -> str:
        """Words, digits or anything of Latin-1 but the per cent sign."""
        rng = self._rng
        letters = rng.choice(("ab", "abcXYZ 019,.", "abc \t\n-_'\"{}\\", "".join(map(chr, range(256))).replace("%", "")))
        return "".join(rng.choice(letters) for _ in range(rng.randint(0, 9)))

    def _block(self, count: int, depth: int) -> list[str]:
        lines: list[str] = []
        for _ in range(count):
            if depth and self._rng.random() < 0.35:
                lines.append(self._fill(self._rng.choice(self._blocks), 1))
                lines += [f"    {line}" for line in self._block(self._rng.randint(1, 2), depth - 1)]
            else:
                lines.append(self._fill(self._rng.choice(self._statements), 2))
        return lines

    def _fill(self, template: str, depth: int) -> str:
        def fill(found: re.Match[str]) -> str:
            kind = found[1]
            if kind == "slice":
                return ":".join(self._rng.choice(("", "1", "-1", "2", "i", "-3")) for _ in range(2)) + self._rng.choice(
                    ("", ":2", ":-1")
                )
            if kind.startswith("name-"):
                return self._rng.choice(NAMES[kind.removeprefix("name-")])
            if depth <= 0 or self._rng.random() < 0.3:
                return self._rng.choice(NAMES[kind] if self._rng.random() < 0.75 else LITERALS[kind].split(" "))
            return self._fill(self._rng.choice(self._expressions[kind]), depth - 1)

        return re.sub(r"<([a-z-]+)>", fill, template)
