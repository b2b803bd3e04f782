"""Threads of programs on standard input and output: where real threads do well theirs do, where real threads hang they fail."""

import pytest

from selfplay_envs import report_stdio

CASES = [("2\n3\n", "5\n"), ("10\n-4\n", "6\n")]


def parts(referee, program):
    [answered] = referee.answer([report_stdio(program, CASES)])
    return list(answered.value.parts)


MAIN = """
def main():
    print(int(input()) + int(input()))
"""
HONEST = {
    "started and joined": MAIN
    + """from threading import Thread
t = Thread(target=main)
t.start()
t.join()
""",
    "never joined": MAIN
    + """import threading
threading.Thread(target=main).start()
""",
    "a daemon, joined": MAIN
    + """import threading
t = threading.Thread(target=main, daemon=True)
t.start()
t.join()
""",
    "the main program exits first": MAIN
    + """import threading, sys
threading.Thread(target=main).start()
sys.exit()
""",
    "an exit in a thread": """
import threading, sys
def main():
    print(int(input()) + int(input()))
    sys.exit(0)
threading.Thread(target=main).start()
""",
    "a thread that fails after its output": """
import threading, sys
def main():
    print(int(input()) + int(input()))
    1 / 0
threading.Thread(target=main).start()
""",
    "a subclass": """
import threading
class W(threading.Thread):
    def __init__(self, a):
        super().__init__()
        self.a = a
    def run(self):
        self.r = self.a
ws = [W(int(input())) for _ in range(2)]
for w in ws:
    w.start()
for w in ws:
    w.join()
print(sum((w.r for w in ws)))
""",
    "a lock": """
import threading
l = threading.Lock()
tot = 0
def add(x):
    global tot
    with l:
        tot += x
ts = [threading.Thread(target=add, args=(int(input()),)) for _ in range(2)]
[t.start() for t in ts]
[t.join() for t in ts]
print(tot)
""",
    "a consumer before its producer": """
import threading, queue
q = queue.Queue()
out = []
def consume():
    total = 0
    while True:
        x = q.get()
        if x is None:
            break
        total += x
    print(total)
t = threading.Thread(target=consume)
t.start()
for _ in range(2):
    q.put(int(input()))
q.put(None)
t.join()
""",
    "daemons that serve a queue": """
import threading, queue
q = queue.Queue()
tot = [0]
def work():
    while True:
        x = q.get()
        tot[0] += x
        q.task_done()
for _ in range(3):
    threading.Thread(target=work, daemon=True).start()
for _ in range(2):
    q.put(int(input()))
q.join()
print(tot[0])
""",
    "question and answer": """
import threading, queue
i = queue.Queue()
o = queue.Queue()
def work():
    while True:
        o.put(i.get() * 1)
threading.Thread(target=work, daemon=True).start()
s = 0
for _ in range(2):
    i.put(int(input()))
    s += o.get()
print(s)
""",
    "a consumer thread before a producer thread": """
import threading, queue
q = queue.Queue(2)
def consume():
    s = 0
    while (x := q.get()) is not None:
        s += x
    print(s)
def produce():
    for _ in range(2):
        q.put(int(input()))
    for _ in range(10):
        q.put(0)
    q.put(None)
c = threading.Thread(target=consume)
p = threading.Thread(target=produce)
c.start()
p.start()
p.join()
c.join()
""",
    "a thread that waits for an event": """
import threading
e = threading.Event()
v = []
def waiter():
    e.wait()
    print(sum(v))
t = threading.Thread(target=waiter)
t.start()
v.append(int(input()))
v.append(int(input()))
e.set()
t.join()
""",
    "an event that the main program waits for": """
import threading
e = threading.Event()
v = []
def w():
    v.append(int(input()))
    v.append(int(input()))
    e.set()
threading.Thread(target=w).start()
e.wait()
print(sum(v))
""",
    "a condition": """
import threading
c = threading.Condition()
v = []
def consume():
    with c:
        while len(v) < 2:
            c.wait()
        print(sum(v))
def produce():
    for _ in range(2):
        with c:
            v.append(int(input()))
            c.notify()
a = threading.Thread(target=consume)
b = threading.Thread(target=produce)
a.start()
b.start()
a.join()
b.join()
""",
    "an order made of events": """
import threading
e1 = threading.Event()
e2 = threading.Event()
v = []
def one():
    v.append(int(input()))
    e1.set()
def two():
    e1.wait()
    v.append(int(input()))
    e2.set()
def three():
    e2.wait()
    print(sum(v))
for f in (three, two, one):
    threading.Thread(target=f).start()
""",
    "a semaphore": """
import threading
s = threading.Semaphore(0)
v = []
def w():
    v.append(int(input()))
    s.release()
for _ in range(2):
    threading.Thread(target=w).start()
s.acquire()
s.acquire()
print(sum(v))
""",
    "a barrier": """
import threading
b = threading.Barrier(3)
v = []
def w():
    v.append(int(input()))
    b.wait()
for _ in range(2):
    threading.Thread(target=w).start()
b.wait()
print(sum(v))
""",
    "a pool's map": """
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor() as ex:
    print(sum(ex.map(lambda i: int(input()), range(2))))
""",
    "a pool's submit, one by one": """
import concurrent.futures
ex = concurrent.futures.ThreadPoolExecutor(max_workers=1)
print(ex.submit(lambda: int(input())).result() + ex.submit(lambda: int(input())).result())
""",
    "a pool used often": """
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor(2) as ex:
    s = 0
    for _ in range(2):
        s += sum(ex.map(int, [input()] * 1))
    for _ in range(9):
        s += sum(ex.map(abs, [0, 0, 0, 0]))
print(s)
""",
    "as completed": """
from concurrent.futures import ThreadPoolExecutor, as_completed, wait
with ThreadPoolExecutor(2) as ex:
    fs = [ex.submit(int, input()) for _ in range(2)]
    wait(fs)
    print(sum((f.result() for f in as_completed(fs))))
""",
    "a pool that nobody waits for": """
from concurrent.futures import ThreadPoolExecutor
ex = ThreadPoolExecutor()
ex.submit(lambda: print(int(input()) + int(input())))
""",
    "an exception out of a pool": """
from concurrent.futures import ThreadPoolExecutor
with ThreadPoolExecutor() as ex:
    f = ex.submit(int, 'x')
try:
    f.result()
except ValueError:
    print(int(input()) + int(input()))
""",
    "_thread and a lock": """
import _thread
l = _thread.allocate_lock()
l.acquire()
def main():
    print(int(input()) + int(input()))
    l.release()
_thread.start_new_thread(main, ())
l.acquire()
""",
    "_thread and a sleep": MAIN
    + """import _thread, time
_thread.start_new_thread(main, ())
time.sleep(1)
""",
    "_thread and the end": MAIN
    + """import _thread
_thread.start_new_thread(main, ())
""",
    "a timer": MAIN
    + """import threading
threading.Timer(0.1, main).start()
""",
    "a timer that is cancelled": """
import threading, os
def main():
    os._exit(1)
t = threading.Timer(1, main)
t.start()
print(int(input()) + int(input()))
t.cancel()
""",
    "a daemon and a sleep that was imported first": MAIN
    + """from time import sleep
from threading import Thread
Thread(target=main, daemon=True).start()
sleep(0.5)
""",
    "a watchdog that never bites": MAIN
    + """import threading, time, os
def dog():
    time.sleep(2)
    os._exit(1)
threading.Thread(target=dog, daemon=True).start()
t = threading.Thread(target=main)
t.start()
t.join()
""",
    "is_alive in a loop": MAIN
    + """import threading
t = threading.Thread(target=main)
t.start()
while t.is_alive():
    pass
""",
    "active_count in a loop": MAIN
    + """import threading
threading.Thread(target=main).start()
while threading.active_count() > 1:
    pass
""",
    "a thread that asks again and again": """
import threading, time
v = []
def main():
    while len(v) < 2:
        time.sleep(0.01)
    print(sum(v))
def p():
    for _ in range(2):
        v.append(int(input()))
t = threading.Thread(target=main)
t.start()
threading.Thread(target=p).start()
t.join()
""",
    "a stop flag and timeouts": """
import threading, queue
q = queue.Queue()
stop = threading.Event()
s = [0]
def w():
    while not stop.is_set():
        try:
            s[0] += q.get(timeout=0.1)
        except queue.Empty:
            continue
        q.task_done()
t = threading.Thread(target=w)
t.start()
for _ in range(2):
    q.put(int(input()))
q.join()
stop.set()
t.join()
print(s[0])
""",
    "a pool of multiprocessing.dummy": """
from multiprocessing.dummy import Pool
with Pool(3) as p:
    print(sum(p.map(lambda i: int(input()), range(2))))
""",
    "a ThreadPool's map": """
from multiprocessing.pool import ThreadPool
p = ThreadPool(2)
print(sum(p.map(lambda i: int(input()), range(2))))
p.close()
p.join()
""",
    "a ThreadPool's imap": """
from multiprocessing.pool import ThreadPool
p = ThreadPool(2)
print(sum(p.imap(lambda i: int(input()), range(2))))
""",
    "a ThreadPool's apply": """
from multiprocessing.pool import ThreadPool
p = ThreadPool(2)
r = [p.apply_async(lambda: int(input())) for _ in range(2)]
print(sum((x.get() for x in r)))
print(p.apply(str, ['']))
""",
    "values of each thread's own": """
import threading
l = threading.local()
l.x = 0
v = []
def w():
    assert not hasattr(l, 'x')
    l.x = int(input())
    v.append(l.x)
ts = [threading.Thread(target=w) for _ in range(2)]
[t.start() for t in ts]
[t.join() for t in ts]
print(sum(v) + l.x)
""",
    "names and ids": """
import threading
v = []
def w():
    v.append((threading.current_thread().name, int(input()), threading.get_ident()))
ts = [threading.Thread(target=w, name='n%d' % i) for i in range(2)]
[t.start() for t in ts]
[t.join() for t in ts]
assert [a for a, *_ in v] == ['n0', 'n1']
assert len({c for *_, c in v} | {threading.get_ident()}) == 3
assert threading.current_thread() is threading.main_thread()
print(sum((b for _, b, _ in v)))
""",
    "a lock that is taken twice": """
import threading
l = threading.RLock()
def f(n):
    with l:
        return n if n <= 0 else f(n - 1)
T = threading.Thread(target=f, args=(5,))
T.start()
T.join()
print(int(input()) + int(input()))
""",
    "an import without the word": """
t = __import__('thr' + 'eading')
x = t.Thread(target=lambda: print(int(input()) + int(input())))
x.start()
x.join()
""",
    "an import by importlib": """
import importlib
t = importlib.import_module('thr' + 'eading')
x = t.Thread(target=lambda: print(int(input()) + int(input())))
x.start()
x.join()
""",
    "a decorator that runs a function in a thread": """
import threading
def th(f):
    def g(*a):
        r = []
        t = threading.Thread(target=lambda: r.append(f(*a)))
        t.start()
        t.join()
        return r[0]
    return g
@th
def add(a, b):
    return a + b
print(add(int(input()), int(input())))
""",
    "before what is done at exit": """
import threading, atexit
v = []
atexit.register(lambda: print(*v))
threading.Thread(target=lambda: v.append(int(input()) + int(input()))).start()
""",
    "three thousand threads": """
import threading
v = [0]
l = threading.Lock()
def w():
    with l:
        v[0] += 1
ts = [threading.Thread(target=w) for _ in range(3000)]
[t.start() for t in ts]
[t.join() for t in ts]
assert v == [3000]
print(int(input()) + int(input()))
""",
    "asyncio": """
import asyncio
async def main():
    await asyncio.sleep(0)
    print(int(input()) + int(input()))
asyncio.run(main())
""",
    "asyncio.to_thread": """
import asyncio
async def main():
    print(await asyncio.to_thread(lambda: int(input()) + int(input())))
asyncio.run(main())
""",
    "a thread in a thread": """
import threading
def inner(v):
    v.append(int(input()) + int(input()))
def outer():
    v = []
    t = threading.Thread(target=inner, args=(v,))
    t.start()
    t.join()
    print(v[0])
t = threading.Thread(target=outer)
t.start()
t.join()
""",
    "logging": """
import logging, threading
logging.basicConfig()
def main():
    logging.warning('x')
    print(int(input()) + int(input()))
threading.Thread(target=main).start()
""",
}
SERVED = HONEST["daemons that serve a queue"]
CONSUMED = HONEST["a consumer before its producer"]
HONEST |= {
    "daemons that serve a queue twice": SERVED.replace("q.put(int(input()))", "q.put(int(input()))\n    q.join()"),
    "a small queue": CONSUMED.replace("Queue()", "Queue(maxsize=1)"),
    "a simple queue": CONSUMED.replace("Queue()", "SimpleQueue()"),
    "a larger stack": MAIN
    + "import threading\nthreading.stack_size(1 << 27)\nt = threading.Thread(target=main)\nt.start()\nt.join()",
    "an exception of a thread, seen by its hook": MAIN
    + "import threading\nthreading.excepthook = lambda seen: main()\nthreading.Thread(target=lambda: 1 / 0).start()",
}


@pytest.mark.parametrize("program", HONEST.values(), ids=HONEST.keys())
def test_programs_with_threads_are_judged_by_what_they_print(referee, program):
    assert parts(referee, program) == ["right", "right"]


HOSTILE = {
    "a main program that waits for nobody": "threading.Event().wait()",
    "a thread that waits for nobody": "t = threading.Thread(target=queue.Queue().get)\nt.start()\nt.join()",
    "a thread that waits for nobody, never joined": "threading.Thread(target=queue.Queue().get).start()",
    "a lock that is never released": "lock = threading.Lock()\nlock.acquire()\nlock.acquire()",
    "threads that wait for each other": """
a, b = threading.Event(), threading.Event()
threading.Thread(target=lambda: (a.wait(), b.set())).start()
threading.Thread(target=lambda: (b.wait(), a.set())).start()""",
    "a main program that fails": "threading.Thread(target=print).start()\n1 / 0",
    "a main program that exits with a code": "threading.Thread(target=print).start()\nexit(3)",
    "a thread that is started twice": "t = threading.Thread()\nt.start()\nt.start()",
    "a thread that is joined before its start": "threading.Thread().join()",
    "a thread that ends the process": "t = threading.Thread(target=os._exit, args=(1,))\nt.start()\nt.join()",
    "a process": "os.fork()",
}  # fmt: skip


@pytest.mark.parametrize("end", HOSTILE.values(), ids=HOSTILE.keys())
def test_what_hangs_or_fails_with_real_threads_fails(referee, end):
    program = f"import os, queue, threading\nprint(int(input()) + int(input()), flush=True)\n{end}"
    assert parts(referee, program) == ["wrong", "wrong"]


def test_a_daemon_that_nobody_waits_for_says_nothing(referee):
    program = MAIN + "import threading\nmain()\nthreading.Thread(target=print, args=(7,), daemon=True).start()"
    assert parts(referee, program) == ["right", "right"]


def test_there_is_still_no_real_thread(referee):
    program = """
import threading
main = threading.get_native_id()
threading.Thread(target=lambda: print(threading.get_native_id() == main)).start()"""
    [answered] = referee.answer([report_stdio(program, [("", "True")])])
    assert answered.value.parts == ("right",)
