"""Programs read from Python's objects, against the reader of JSON; and what tells that they are the same again."""
import collections
import copy
import enum
import gc
import json
import math
import pickle
import random
import sys
import threading
import unittest

from sheaf import DebugInfo, Machine, Program, ProgramError, _objects, program as programs

CASES = 20000


class Maker:
    """Bundles of which some are no program, of objects that JSON has as well."""

    NAMES = {
        "alu": ("+", "-", "//", "cdiv", "==", "<<", "nop"),
        "valu": ("+", "vbroadcast", "multiply_add", "%"),
        "load": ("const", "load", "vload", "load_offset"),
        "store": ("store", "vstore"),
        "flow": ("select", "vselect", "add_imm", "cond_jump", "cond_jump_rel", "jump", "jump_indirect", "halt", "pause",
                 "trace_write", "coreid"),
        "debug": ("compare", "vcompare", "comment", "what"),
    }
    OPERANDS = {"vbroadcast": 2, "multiply_add": 4, "const": 2, "load": 2, "vload": 2, "store": 2, "vstore": 2, "select": 4,
                "vselect": 4, "cond_jump": 2, "cond_jump_rel": 2, "jump": 1, "jump_indirect": 1, "halt": 0, "pause": 0,
                "trace_write": 1, "coreid": 1, "comment": 1, "compare": 2, "vcompare": 2}
    LITERALS = {"const": 1, "add_imm": 2}
    NUMBERS = (0, 1, 7, 255, 256, 257, 1535, 2**31 - 1, 2**31, -1, -2**31, -2**31 - 1, 2**32, 2**63 - 1, 2**63, -2**63,
               -2**63 - 1, 2**64, 2**64 + 5, -2**70, 10**30)
    TEXTS = ("", "x", "hash_stage", "a\"b\\c", "tab\t", "\u00e9\u20ac", "\U0001f600", "nul\0", "del\x7f", "\x80\u2028",
             "\ud800", "long" * 30, "/", "<object 0>", "[1]")

    def __init__(self, seed, wrong):
        self.draw, self.wrong = random.Random(seed), wrong

    def often(self, share):
        return self.draw.random() < share

    def oddity(self):
        return self.draw.choice((None, 1.5, "x", [], {}, [1], True, False, float("inf"), -0.0, 2**80, (), {"k": 1}))

    def number(self, literal):
        if self.often(self.wrong):
            odd = self.oddity()  # truth values are numbers to one of the readers
            return self.draw.choice(self.NUMBERS) if isinstance(odd, bool) else odd
        return self.draw.choice(self.NUMBERS) if literal and self.often(0.2) else self.draw.randrange(1600)

    def value(self, depth=0):
        """A key, or a comment."""
        kinds = (lambda: self.draw.randrange(20), lambda: self.draw.choice(self.TEXTS), lambda: self.draw.choice(self.NUMBERS),
                 self.oddity, lambda: {self.draw.choice(self.TEXTS): 1, "b": [self.value(2)], "a": None})
        if depth < 3 and self.often(0.5):
            return self.draw.choice((list, tuple))(self.value(depth + 1) for _ in range(self.draw.randrange(4)))
        return self.draw.choice(kinds[:2] if self.often(0.8) else kinds)()

    def operand(self, name, i):
        if name == "vcompare" and i == 1 and not self.often(self.wrong):
            return [self.value() for _ in range(self.draw.randrange(9))]
        return self.value() if name in ("compare", "comment", "what") and i else self.number(self.LITERALS.get(name) == i)

    def slot(self, engine):
        name = self.draw.choice(self.NAMES[engine])
        n = self.OPERANDS.get(name, 3) + self.often(self.wrong) - self.often(self.wrong)
        slot = [name] + [self.operand(name, i + (name == "comment")) for i in range(max(n, 0))]
        if self.often(self.wrong):
            slot = self.draw.choice((7, None, "+", slot[1:], {}, []))
        return tuple(slot) if isinstance(slot, list) and self.often(0.7) else slot

    def bundle(self):
        if self.often(self.wrong / 4):
            return self.oddity()
        bundle = {}
        for engine in self.draw.sample(sorted(self.NAMES), self.draw.randrange(4)):
            bundle[engine] = [self.slot(engine) for _ in range(self.draw.randrange(4))]
            if self.often(self.wrong / 4):
                bundle[self.draw.choice(("fpu", "", "Alu", "al\u00fc"))] = self.oddity()
            if self.often(self.wrong / 4):
                bundle[engine] = self.oddity()
        return bundle

    def program(self):
        return [self.bundle() for _ in range(self.draw.randrange(6))]


def by_json(bundles):
    """What the reader of JSON makes of them, a bundle a line."""
    return Program._from_json("[" + ",\n".join(map(json.dumps, bundles)) + "]")


def outcome(read, bundles):
    try:
        return json.loads(read(bundles)._converted.json())
    except ProgramError as problem:
        return str(problem), problem.bundle


def numbers(value):
    """Truth values as the numbers that they are to the machine."""
    if isinstance(value, (list, tuple)):
        return [numbers(part) for part in value]
    if isinstance(value, dict):
        return {key: numbers(part) for key, part in value.items()}
    return int(value) if isinstance(value, bool) else value


def has_object(value):
    return "<object " in json.dumps(value)


class Differential(unittest.TestCase):
    @unittest.skipUnless(_objects.there, "programs go through JSON here")
    def test_both_readers(self):
        """The same program, or the same complaint at the same place."""
        ends = collections.Counter()
        for case in range(CASES):
            bundles = Maker(case, (0, 0.01, 0.05)[case % 3]).program()
            direct, text = outcome(Program, bundles), outcome(by_json, bundles)
            if isinstance(direct, list) and (not isinstance(text, list) or has_object(direct)):
                # Keys, comments and slots that mean nothing may be of any kind here; True is a number.
                ends["only here"] += 1
                self.assertTrue(has_object(direct) or isinstance(outcome(by_json, numbers(bundles)), list), bundles)
                continue
            ends[type(direct).__name__] += 1
            self.assertEqual(numbers(direct), numbers(text), bundles)
        self.assertGreater(min(ends.values()), CASES // 40, ends)
        self.assertEqual(len(ends), 3)

    @unittest.skipUnless(_objects.there, "programs go through JSON here")
    def test_without_it(self):
        """Other Pythons read the same."""
        for case in range(0, 2000, 3):
            bundles = Maker(case, 0).program()
            direct = outcome(Program, bundles)
            if not has_object(direct) and "\\ud800" not in json.dumps(bundles):
                self.assertEqual(direct, outcome(lambda given: Program._of(programs.Converted.from_text(
                    programs.text_of(given, None))), bundles))

    def test_names(self):
        names = {0: ("i", 1), 8: ("v", 8), 20: ("b\u00e9", 0), True: ("t", 2), 2**40: ("far", 1), "x": ("y", 1), -1: ("m", 1),
                 30: ("n\0", 1), 31: (7, 1), 32: "ab", 33: ["list", 3], 34: ("big", 2**30)}
        read = json.loads(Program([{}], DebugInfo(names))._converted.json())
        self.assertEqual(read["scratch_map"], {"0": ["i", 1], "8": ["v", 8], "20": ["b\u00e9", 0], "1": ["t", 2],
                                               "33": ["list", 3]})


    def test_any_objects_anywhere(self):
        """A program, or one kind of error, whatever is where."""
        class Number(int):
            pass

        class Text(str):
            pass

        class Bundles(list):
            pass

        class Operation(str, enum.Enum):
            ADD = "+"

        things = (Number(3), Text("+"), Operation.ADD, Color.RED, object(), b"x", bytearray(b"x"), 1j, {1}, range(2), object, len,
                  Bundles([1]), collections.OrderedDict(a=1), collections.deque([1]), memoryview(b"x"), "\ud800", None, (), [],
                  {}, 2**70, -1, float("nan"), iter([]), {"alu": []}, [["+", 1, 2, 3]], ["+", 1, 2, 3])
        draw, ends = random.Random(9), collections.Counter()

        def anything(value):
            if draw.random() < 0.04:
                return draw.choice(things)
            if isinstance(value, (list, tuple)):
                return type(value)(anything(part) for part in value)
            if isinstance(value, dict):
                return {key: anything(part) for key, part in value.items()}
            return value

        for case in range(4000):
            bundles = anything(Maker(case, 0).program())
            names = DebugInfo(draw.choice(({}, {1: anything(("x", 1))}, {draw.choice((1, 2.5, "x")): ("n", 1)})))
            try:
                program = Program(bundles, names)
                self.assertEqual(len(program), len(bundles))
                program._converted.json()
                ends["program"] += 1
            except ProgramError:
                ends["error"] += 1
        self.assertGreater(min(ends["program"], ends["error"]), 500, ends)

    def test_names_of_other_types(self):
        class Number:
            def __init__(self, number):
                self.number = number

            def __index__(self):
                return self.number

        class Text(str):
            pass

        pair = collections.namedtuple("Pair", "name words")
        for names in ({Number(3): ("n", 1)}, {3: ("n", Number(1))}, {3: (Text("n"), 1)}, {3: pair("n", 1)},
                      collections.OrderedDict({3: ["n", 1]}), {3: ("n", 1), object(): 3, 4: object()}):
            read = json.loads(Program([{}], DebugInfo(names))._converted.json())
            self.assertEqual(read["scratch_map"], {"3": ["n", 1]})


def rebuilt(value):
    """Equal, of other objects."""
    if isinstance(value, (list, tuple)):
        return type(value)(rebuilt(part) for part in value)
    if isinstance(value, dict):
        return {rebuilt(key): rebuilt(part) for key, part in value.items()}
    if isinstance(value, str):
        return "".join(list(value))
    return int(str(value)) if type(value) is int else value


@unittest.skipUnless(_objects.there, "programs go through JSON here")
class SeenBefore(unittest.TestCase):
    def setUp(self):
        programs.recent.clear()

    def test_the_same(self):
        same = 0
        for case in range(3000):
            bundles = Maker(case, 0).program()
            first = Program(bundles)._converted
            for again in (bundles, copy.copy(bundles), rebuilt(bundles)):
                found = Program(again)._converted
                self.assertEqual(found.json(), first.json())
                if first.read.lasting and not has_object(first.json()):
                    self.assertIs(found, first)
                    same += 1
        self.assertGreater(same, 3000)

    def test_small_differences(self):
        """Whatever is changed in them, they are read anew."""
        draw, changed = random.Random(3), 0
        for case in range(6000):
            bundles = Maker(case, 0).program()
            Program(bundles)
            other = rebuilt(bundles) if case % 2 else copy.copy(bundles)
            places = [(b, e, s) for b, bundle in enumerate(other) for e in bundle for s in range(len(bundle[e]))]
            if not places:
                continue
            b, e, s = draw.choice(places)
            kind = draw.randrange(5)
            if kind == 0:
                slots = list(other[b][e])
                slots[s] = Maker(case + 10**6, 0).slot(e)
                other[b] = dict(other[b], **{e: slots})
            elif kind == 1:
                other[b] = dict(reversed(list(other[b].items())))
            elif kind == 2:
                other[b] = {engine: list(slots)[:-1] if engine == e else slots for engine, slots in other[b].items()}
            elif kind == 3:
                other.append({draw.choice(("alu", "debug")): []})
            else:
                slot = list(other[b][e][s])
                if len(slot) > 1:
                    slot[-1] = (slot[-1], 1) if e == "debug" else slot[-1] + 1 if isinstance(slot[-1], int) else 5
                other[b] = dict(other[b], **{e: [tuple(slot) if i == s else one for i, one in enumerate(other[b][e])]})
            known = outcome(Program, other)
            programs.recent.clear()
            self.assertEqual(known, outcome(Program, other))
            changed += 1
        self.assertGreater(changed, 4000)

    def test_changed_in_place(self):
        slots = [["const", 0, 1], ("const", 1, 1)]
        bundles = [{"load": slots}]
        for n in range(1, 4):
            slots[0][2] = n
            machine = Machine([], bundles)
            machine.run()
            self.assertEqual(machine.cores[0].scratch[0], n)

    def test_equal_is_not_the_same(self):
        """1 == 1.0 == True, and dicts are equal in any order."""
        for first, second in (([{"load": [("const", 0, 1)]}], [{"load": [("const", 0, 1.0)]}]),
                              ([{"debug": [("compare", 0, (1, 2))]}], [{"debug": [("compare", 0, (1, 2.0))]}]),
                              ([{"load": [], "alu": []}], [{"alu": [], "load": []}])):
            self.assertEqual(first, second)
            one = Program(first)._converted
            try:
                self.assertIsNot(Program(second)._converted, one)
            except ProgramError:
                pass

    def test_keys_that_change(self):
        key = ["x", 1]
        bundles = [{"debug": [("compare", 0, key)]}]
        for name in "xyx":
            key[0] = name
            machine = Machine([], bundles, value_trace={(name, 1): 0})
            machine.run()
            Machine([], [{"debug": [("compare", 0, [name, 1])]}], value_trace={(name, 1): 0}).run()

    def test_names_belong_to_it(self):
        bundles = [{"alu": [("%", 0, 0, 0)]}]
        for name in ("a", "b", "a"):
            with self.assertRaisesRegex(ZeroDivisionError, "`% {0}, {0}, {0}`".format(name)):
                Machine([], bundles, DebugInfo({0: (name, 1)})).run()

    def test_nothing_is_kept_that_is_gone(self):
        class Key:
            pass

        before = len([thing for thing in gc.get_objects() if isinstance(thing, Key)])
        for _ in range(50):
            Program([{"debug": [("compare", 0, Key())]}])
        programs.recent.clear()
        gc.collect()
        self.assertEqual(len([thing for thing in gc.get_objects() if isinstance(thing, Key)]), before)

    def test_counts_of_references(self):
        slot, key = ("const", 5, 10**6), ("key", 10**6)
        bundles = [{"load": [slot] * 100, "debug": [("compare", 0, key)] * 100}]
        before = sys.getrefcount(slot), sys.getrefcount(key)
        for _ in range(20):
            Program(bundles)
            Program(rebuilt(bundles))
        programs.recent.clear()
        self.assertEqual((sys.getrefcount(slot), sys.getrefcount(key)), before)

    def test_threads(self):
        def work(seed):
            for case in range(seed, seed + 400):
                bundles = Maker(case % 40, 0.01).program()
                if outcome(Program, bundles) != outcome(Program, rebuilt(bundles)):
                    wrong.append(case)

        wrong = []
        threads = [threading.Thread(target=work, args=(i * 13,)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(wrong, [])


class Color(enum.Enum):
    RED = 1


class Fussy:
    """Must not be looked at."""

    def __hash__(self):
        raise AssertionError("hashed")

    def __repr__(self):
        raise AssertionError("shown")

    def __eq__(self, other):
        raise AssertionError("compared")


class Silent(Fussy):
    """May be hashed and compared."""

    __hash__ = object.__hash__
    __eq__ = object.__eq__


class Keys(unittest.TestCase):
    KEYS = (Color.RED, frozenset((1, 2)), b"bytes", 1 << 70, -(1 << 70), 1.5, None, ("a", (1, (2.5, None))), (Color.RED, 3), "",
            "text", 7, True, math.inf, range(3), int, "\ud800", "nul\0", "<object 0>", (), ((),), collections.Counter)

    def test_any_key(self):
        for key in self.KEYS:
            program = [{"debug": [("compare", 3, key)]}]
            Machine([], program, value_trace={key: 0}).run()
            for given in (program, Program(program)):
                with self.assertRaisesRegex(AssertionError, "^debug_mismatch: .*bundle 0, debug slot 0 .*found 0, expected 1"):
                    Machine([], given, value_trace={key: 1}).run()
            with self.assertRaisesRegex(AssertionError, "no expected value"):
                Machine([], program, value_trace={"other": 1}).run()

    @unittest.skipUnless(_objects.there, "keys go through JSON here")
    def test_messages_show_them(self):
        with self.assertRaises(AssertionError) as caught:
            Machine([], [{"debug": [("vcompare", 0, [(Color.RED, lane) for lane in range(8)])]}],
                    value_trace={(Color.RED, lane): lane for lane in range(8)}).run()
        self.assertIn("found 0, expected 1 for key (<Color.RED: 1>, 1) (lane 1)", str(caught.exception))
        self.assertIn("found 0, expected 1 for key (<Color.RED: 1>, 1) (lane 1)", caught.exception.what)

    def test_values_of_any_kind(self):
        program = [{"load": [("const", 0, 3)]}, {"debug": [("compare", 0, "k")]}]
        for good in (3, 3.0, True + 2):
            Machine([], program, value_trace={"k": good}).run()
        for bad in (2**32 + 3, 3 - 2**32, None, "3", 3.5, (3,), math.nan, math.inf):
            with self.assertRaisesRegex(AssertionError, "found 3, expected ") as caught:
                Machine([], program, value_trace={"k": bad}).run()
            self.assertIn("expected %r for key" % (bad,), str(caught.exception))

    def test_other_mappings(self):
        program = [{"debug": [("compare", 0, "k")]}]
        Machine([], program, value_trace=collections.defaultdict(int)).run()
        Machine([], program, value_trace=collections.ChainMap({}, {"k": 0})).run()

    @unittest.skipUnless(_objects.there, "keys go through JSON here")
    def test_never_looked_at(self):
        machine = Machine([], [{"debug": [("compare", 0, Fussy()), ("vcompare", 0, [Fussy()] * 8)]}], value_trace={1: 1})
        machine.enable_debug = False
        machine.run()
        key = Silent()
        Machine([], [{"debug": [("compare", 0, key)]}], value_trace={key: 0}).run()

    @unittest.skipUnless(_objects.there, "keys go through JSON here")
    def test_they_stay(self):
        """In bundles, pickles and files."""
        bundles = [{"debug": [["compare", 3, key] for key in self.KEYS]}]
        program = Program(bundles)
        again = program.bundles[0]["debug"]
        for slot, key in zip(again, self.KEYS):
            self.assertEqual(programs.hashable(slot[2]), key)
        values = {key: 0 for key in self.KEYS}
        Machine([], pickle.loads(pickle.dumps(program)), value_trace=values).run()
        Machine([], Program(program.bundles), value_trace=values).run()

    def test_files(self):
        import os
        import tempfile
        bundles = [{"debug": [["compare", 3, Color.RED], ["compare", 3, ("a", 1)]]}]
        with tempfile.TemporaryDirectory() as folder:
            for name in ("p.json", "p.s"):
                path = os.path.join(folder, name)
                Program(bundles).save(path)
                self.assertEqual(Program.load(path).bundles[0]["debug"],
                                 [["compare", 3, "<Color.RED: 1>"], ["compare", 3, ["a", 1]]])


if __name__ == "__main__":
    unittest.main()
