"""A program may spoil everything in its process, builtins, modules, the harness itself; the next job finds all as it was."""

from __future__ import annotations

import pytest

from sandboxes import Status
from tests.helpers.arena import Arena, Case, check


def harmless(body: str, value: str = "1") -> Case:
    """A case in which a program spoils something and answers for itself."""
    return Case(body + ("\nreturn 1" if value == "1" else ""), Status.OK, value)


EACH_OBJECT = "import gc\ngc.unfreeze()\nfor each in gc.get_objects():\n    "


FORGET_METHOD = """
import ctypes, gc
gc.get_referents({0}.__dict__)[0]['{1}'] = None
ctypes.pythonapi.PyType_Modified(ctypes.py_object({0}))
"""


SPOILED = {
    "no builtins": Case("import builtins; vars(builtins).clear()\nreturn 1", Status.EXCEPTION, "exited"),
    "another len": Case("import builtins; builtins.len = lambda x: 0\nreturn [1]", Status.EXCEPTION, "exited"),
    "another sorted": harmless("import builtins; builtins.sorted = lambda x, **k: [9]; return [1]", "[1]"),
    "another isinstance": harmless("import builtins; builtins.isinstance = lambda *a: True"),
    "no imports": harmless("import builtins; builtins.__import__ = None"),
    "no classes": harmless("import builtins; builtins.__build_class__ = None"),
    "no errors": harmless(
        "import builtins\nfor name in dir(builtins):\n    if name.endswith('Error'): setattr(builtins, name, None)"
    ),
    "no modules": harmless("import sys; sys.modules.clear()"),
    "no heapq": Case("import sys; sys.modules['heapq'] = None\nimport heapq", Status.EXCEPTION, "ModuleNotFoundError"),
    "no finders": harmless(
        "import sys; sys.meta_path.clear(); sys.path.clear(); sys.path_hooks.clear(); sys.path_importer_cache.clear()"
    ),
    "another math": harmless("import math; math.sqrt = lambda x: 7.0; return math.sqrt(4)", "7.0"),
    "another Counter": harmless(
        "from collections import Counter; Counter.most_common = lambda *a: 'mine'; return Counter().most_common()", "'mine'"
    ),
    "another deepcopy": harmless("import copy; copy.deepcopy = lambda x: x; x = []; return copy.deepcopy(x) is x", "True"),
    "another json": harmless("import json; json.dumps = repr; json.encoder.encode_basestring_ascii = None"),
    "other regular expressions": harmless(
        "import re; re.purge(); re.sub = lambda *a: 'mine'; return re.sub('a', 'b', 'c')", "'mine'"
    ),
    "fewer digits": harmless("import decimal; decimal.DefaultContext.prec = decimal.getcontext().prec = 2"),
    "short numbers": harmless("import sys; sys.set_int_max_str_digits(640)"),
    "shallow recursion": harmless("import sys; sys.setrecursionlimit(60)"),
    "warnings as errors": harmless("import warnings; warnings.simplefilter('error')"),
    "a tracer": Case("import sys; sys.setprofile(lambda *a: 1 / 0)", Status.EXCEPTION, "ZeroDivisionError"),
    "an audit": harmless("import sys\ndef hook(*a): raise SystemExit\nsys.addaudithook(hook)"),
    "no collector": harmless("import gc; gc.disable(); gc.freeze(); gc.set_threshold(0)"),
    "another four": Case("import ctypes; ctypes.c_int.from_address(id(4) + 24).value = 5", Status.EXCEPTION, "exited"),
    "no append": harmless(FORGET_METHOD.format("list", "append")),
    "no join": Case(FORGET_METHOD.format("str", "join") + "return [1]", Status.EXCEPTION, "TypeError"),
    "everything emptied": Case(
        EACH_OBJECT + "if type(each) in (dict, list): each.clear()\nreturn 1", Status.EXCEPTION, "exited"
    ),
    "other names in the harness": harmless("import sys; sys._getframe(1).f_globals['canonical'] = lambda *a: '42'"),
    "other code in the harness": harmless(
        EACH_OBJECT
        + "if type(each) is type(f) and each.__name__ in ('canonical', 'serve', '_wait'):\n"
        + "        each.__code__ = (lambda *a: '42').__code__\nreturn 1",
        "42",
    ),
    "no worker": harmless(EACH_OBJECT + "if type(each).__name__ == 'Worker': vars(each).clear()"),
    "another environment": harmless("os.environ['PYTHONHASHSEED'] = '7'; return dict(os.environ)", "{'PYTHONHASHSEED': '7'}"),
}


@pytest.mark.parametrize("case", SPOILED.values(), ids=SPOILED)
def test_spoiling(arena: Arena, case: Case) -> None:
    check(arena, case)
