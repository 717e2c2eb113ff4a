#!/usr/bin/python3
"""The HTML report in a browser: headless Chromium shows pages that `sheaf trace` writes, is clicked and
typed into, and what it says is held against the program, its run and its profile.

The interpreter is Debian's, which has Debian's selenium.

usage: tests/html/run.py BUILD [SCREENSHOT-FOLDER]
"""
import json
import os
import random
import re
import subprocess
import sys
import tempfile
import time
import traceback

from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.wait import WebDriverWait

from oracle import Oracle

EVALUATE = {"^": lambda a, b: a ^ b, "+": lambda a, b: (a + b) % 2**32, ">>": lambda a, b: a >> b if b < 32 else 0}
PATIENCE = 300  # seconds, for a machine that is busy with something else


def full_bundle(draw):
    """20 slots, as JSON."""
    def binary(first, n, count):
        return [[draw.choice("+-*^&|"), *(first + draw.randrange(n) for _ in range(3))] for _ in range(count)]

    return json.dumps({"alu": binary(0, 900, 11), "valu": binary(900, 500, 5),
                       "load": [["const", draw.randrange(900), draw.randrange(10**6)] for _ in range(2)],
                       "store": [["store", 1500, draw.randrange(900)]],
                       "flow": [["add_imm", draw.randrange(900), draw.randrange(900), 5]]})


class Page:
    """The browser, at one page."""

    def __init__(self):
        options = webdriver.ChromeOptions()
        for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1500,1000",
                     "--force-device-scale-factor=1"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        options.binary_location = "/usr/bin/chromium"
        service = webdriver.chrome.service.Service("/usr/bin/chromedriver")
        self.driver = webdriver.Chrome(service=service, options=options)
        self.driver.set_script_timeout(PATIENCE)
        self.driver.set_page_load_timeout(PATIENCE)

    def open(self, path):
        self.driver.get("file://" + path)
        self.settle()

    def js(self, text, *arguments):
        return self.driver.execute_script(text, *arguments)

    def settle(self):
        """Until what was asked for is drawn."""
        self.driver.execute_async_script(
            "const done = arguments[0]; requestAnimationFrame(() => requestAnimationFrame(() => done()));")

    def settle_causes(self):
        """Until the table of causes, which follows when nothing has moved for a moment, is that of what is shown."""
        self.settle()
        WebDriverWait(self.driver, PATIENCE, 0.02).until(lambda _: self.js("return !sheaf.pending && !sheaf.later"))

    def get(self, selector):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def texts(self, selector):
        return [e.text for e in self.driver.find_elements(By.CSS_SELECTOR, selector)]

    def rows(self, selector):
        """The texts of tables' cells, hidden ones too."""
        return self.js("return [...document.querySelectorAll(arguments[0])].map((row) =>"
                       "[...row.cells].map((cell) => cell.textContent));", selector)

    def keys(self, *keys):
        ActionChains(self.driver, duration=10).send_keys(*keys).perform()
        self.settle()

    def mouse(self, slot, click, run=0):
        """Moves to where a slot is drawn, and clicks there."""
        x, y, width, height = self.js("""
            const { timeline } = sheaf.charts[arguments[1]], run = timeline.run, slot = arguments[0];
            const box = timeline.surface.canvas.getBoundingClientRect();
            const x = timeline.x(run.cycle[slot] + 0.5, sheaf.view);
            return [x, timeline.middle(run.row[slot]), box.width, box.height];""", slot, run)
        canvas = self.driver.find_elements(By.CSS_SELECTOR, "section[aria-label=timeline] canvas")[run]
        self.js("arguments[0].scrollIntoView({ block: 'center' })", canvas)
        chain = ActionChains(self.driver, duration=10)
        chain.move_to_element_with_offset(canvas, round(x - width / 2), round(y - height / 2))
        (chain.click() if click else chain).perform()
        self.settle()

    def errors(self):
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]


class Tests:
    def __init__(self, build, shots):
        self.sheaf = os.path.join(os.path.abspath(build), "sheaf")
        self.shots = shots
        self.folder = tempfile.TemporaryDirectory(prefix="sheaf_html.")
        self.page = Page()

    def file(self, name, text=None):
        path = os.path.join(self.folder.name, name)
        if text is not None:
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        return path

    def run(self, *arguments, status=0):
        done = subprocess.run([self.sheaf, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                              check=False)
        assert done.returncode == status, f"{arguments}: exit status {done.returncode}: {done.stderr}"
        return done.stdout

    def show(self, name, *arguments, status=0):
        """The page of a program, in the browser."""
        path = self.file(name + ".html")
        self.run("trace", *arguments, "-o", path, status=status)
        self.page.open(path)
        return path

    def shot(self, name):
        if self.shots:
            self.page.driver.save_screenshot(os.path.join(self.shots, name + ".png"))

    # --- one program -----------------------------------------------------------------

    def test_one_file(self):
        path = self.show("best", "tree_hash:best")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        assert not re.search(r"https?:|src=|href=|@import|url\(", text), "it refers to something outside"
        assert self.page.driver.title == "tree_hash:best – sheaf"
        assert self.page.js("return performance.getEntriesByType('resource').length") == 0
        self.shot("best")

    def test_slots(self):
        found = self.page.js("""
            const run = sheaf.runs[0], n = {};
            for (const code of run.code) {
              const engine = run.engines[run.codes[code].engine];
              n[engine] = (n[engine] ?? 0) + 1;
            }
            return { cycles: run.cycles, n };""")
        run = json.loads(self.run("run", "tree_hash:best", "--json"))
        assert found["cycles"] == run["cycles"]
        assert found["n"] == {engine: n for engine, n in run["slots"].items() if n}, (found, run["slots"])

    def test_stored_values(self):
        """What the page says of stores makes the memory that the run leaves."""
        path = self.file("mem.json")
        self.run("run", "tree_hash:best", "-o", path)
        with open(path, encoding="utf-8") as file:
            memory = json.load(file)
        stores = self.page.js("""
            const run = sheaf.runs[0], out = [];
            for (let i = 0; i < run.n; i++)
              if (run.codes[run.code[i]].access === ACCESS_STORE) out.push([run.address[i], [...run.written(i)]]);
            return out;""")
        left = {}
        for address, values in stores:
            left.update({address + i: value for i, value in enumerate(values)})
        assert left, "no stores"
        assert all(memory[address] == value for address, value in left.items())

    def test_dependences(self):
        """Slots clicked at random: what the panel lists is what the bundles say."""
        path = self.file("best.json")
        self.run("build", "tree_hash:best", "-o", path)
        oracle = Oracle(path)
        chosen = random.Random(4).sample(range(len(oracle.slots)), 16)
        for slot in chosen:
            self.page.js("sheaf.view.set(sheaf.runs[0].cycle[arguments[0]] - 8, 20); sheaf.schedule();", slot)
            self.page.settle()
            self.page.mouse(slot, click=True)
            assert self.page.js("return sheaf.selected && sheaf.selected.slot") == slot
            listed = self.page.js("""
                return [...document.querySelectorAll('#slot .edges')].map((list) =>
                  [...list.querySelectorAll('[data-kind="0"]')].map((row) => Number(row.dataset.slot)));""")
            assert sorted(listed[0]) == oracle.producers(slot), (slot, listed[0], oracle.producers(slot))
            assert sorted(listed[1]) == oracle.consumers(slot), (slot, listed[1], oracle.consumers(slot))
            name = self.page.get("#slot h2").text.split()[0]
            assert name == oracle.slots[slot].operation, (slot, name)
        self.shot("slot")

    def test_follow(self):
        """A row of the list leads to its slot."""
        row = self.page.get("#slot .edges button")
        slot = int(row.get_attribute("data-slot"))
        row.click()
        assert self.page.js("return sheaf.selected.slot") == slot
        assert "Comes after" in self.page.get("#slot").text

    def test_values_read(self):
        """Operands' values are those that make the value written."""
        checked = 0
        for facts in self.page.js("""
                const run = sheaf.runs[0];
                return Array.from(run.code, (code, slot) => [run.codes[code].texts[0], [...run.written(slot)],
                  run.codes[code].reads.map((read) => run.readValues(slot, read).map(({ value }) => value))]);"""):
            operation, written, reads = facts
            if operation in EVALUATE:
                assert written == [EVALUATE[operation](a, b) for a, b in zip(*reads)], facts
                checked += 1
        assert checked > 100, checked

    def test_hover(self):
        self.page.keys(Keys.ESCAPE, Keys.ESCAPE, "0")
        self.page.js("sheaf.view.set(20, 30); sheaf.schedule();")
        self.page.settle()
        slot = self.page.js("return sheaf.runs[0].range(30, 31)[0] + 3")
        self.page.mouse(slot, click=False)
        assert self.page.js("return sheaf.runs[0].text(arguments[0])", slot) in self.page.get("#tip").text
        tip = self.page.js("""
            const run = sheaf.runs[0], row = run.rows - 2;
            for (let cycle = 0; cycle < run.cycles; cycle++)
              if (run.slotAt(cycle, row, 0) < 0) return sheaf.emptyTip(run, { cycle, row }).map((e) => e.textContent).join();
            return "none is empty";""")
        assert re.search(r"empty: (missed|scratch|order|ready-later|none)", tip), tip

    def test_causes(self):
        """The table is the profile's, and adds up."""
        self.page.keys("0")
        self.page.settle_causes()
        profile = json.loads(self.run("profile", "tree_hash:best", "--json"))
        rows = self.page.rows("#causes tbody tr")
        heads = self.page.texts("#causes thead th")[1:]
        assert heads == list(profile["holes"])
        columns = list(zip(*[[int(n.replace(",", "")) for n in row[1:]] for row in rows[1:]]))
        for engine, causes in zip(heads, columns):
            expected = list(profile["holes"][engine].values())
            assert list(causes) == expected, (engine, causes, expected)
            assert sum(causes) == profile["engines"][engine]["empty"]

    def test_tables(self):
        profile = json.loads(self.run("profile", "tree_hash:best", "--json"))
        text = self.page.get("#tables").text
        for number in (profile["bound"], profile["bounds"]["dep"], profile["scratch"]["peak"]):
            assert f"{number:,}" in text, number
        for item in profile["advice"]:
            assert item["text"] in text
        for row in profile["where"]["rows"]:
            assert row["name"] in text

    # --- finding and moving -------------------------------------------------------------

    def test_search(self):
        self.page.keys("/")
        assert self.page.js("return document.activeElement.id") == "find"
        with open(self.file("best.json"), encoding="utf-8") as file:
            program = json.load(file)
        bundles = program["program"] if isinstance(program, dict) else program
        expected = sum(slot[0] == "multiply_add" for bundle in bundles for slot in bundle.get("valu", []))
        self.page.keys("multiply_add")
        assert expected > 0 and self.page.get("#count").text == f"{expected:,} slots", self.page.get("#count").text
        self.page.keys(Keys.ENTER)
        first = self.page.js("return sheaf.selected.slot")
        self.page.js("document.activeElement.blur()")
        self.page.keys("n")
        second = self.page.js("return sheaf.selected.slot")
        assert second > first
        self.page.keys("N")
        assert self.page.js("return sheaf.selected.slot") == first
        self.shot("search")
        for query, test in (("#12", "run.bundle[s] === 12"), (":9", "run.cycle[s] === 9"),
                            ("hash", "run.codes[run.code[s]].stage === 'hash'")):
            found = self.page.js("const run = sheaf.runs[0]; sheaf.find(arguments[0]); const { list } = sheaf.found.get(run);"
                                 f"return [list.length, list.every((s) => {test})];", query)
            assert found[0] > 0 and found[1], (query, found)
        address = self.page.js("const run = sheaf.runs[0];"
                               "return run.address[run.code.findIndex((code) => run.codes[code].access === ACCESS_STORE)];")
        assert self.page.js("sheaf.find(arguments[0]); return sheaf.found.get(sheaf.runs[0]).list.length", f"@{address}") > 0
        assert self.page.js("sheaf.find('no such name'); return document.getElementById('count').textContent") == "0 slots"

    def test_keyboard(self):
        self.page.js("sheaf.find(''); sheaf.unselect(); document.activeElement.blur();")
        self.page.keys("0")
        whole = self.page.js("return sheaf.view.span")
        self.page.keys("+", "+")
        assert self.page.js("return sheaf.view.span") < whole / 2
        before = self.page.js("return sheaf.view.start")
        self.page.keys(Keys.ARROW_RIGHT)
        assert self.page.js("return sheaf.view.start") > before
        self.page.keys("-", "-", "-")
        assert self.page.js("return sheaf.view.span") == whole
        slot = self.page.js("const run = sheaf.runs[0]; sheaf.select(run, run.slotAt(20, 0, 0)); return sheaf.selected.slot")
        self.page.keys(Keys.ARROW_RIGHT)
        cycle, row = self.page.js("const { run, slot } = sheaf.selected; return [run.cycle[slot], run.row[slot]]")
        assert cycle > 20 and row == 0
        self.page.keys(Keys.ARROW_LEFT, Keys.ARROW_DOWN)
        cycle, row = self.page.js("const { run, slot } = sheaf.selected; return [run.cycle[slot], run.row[slot]]")
        assert cycle == 20 and row > 0 and slot is not None
        assert self.page.get("#status").get_attribute("textContent").startswith("alu-1, cycle 20")
        self.page.keys(Keys.ESCAPE)
        assert self.page.js("return sheaf.selected") is None
        self.page.get("#tab-summary").click()
        self.page.keys(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
        assert self.page.js("return [...document.querySelectorAll('[role=tabpanel]:not([hidden])')].map((p) => p.id)") == ["hits"]
        self.page.js("document.activeElement.blur(); sheaf.showTab('summary');")
        self.page.keys("?")
        assert self.page.js("return document.getElementById('keys').open")
        self.page.keys(Keys.ESCAPE)
        assert not self.page.js("return document.getElementById('keys').open")

    def test_names(self):
        """Whatever takes the focus has a name."""
        nameless = self.page.js("""
            return [...document.querySelectorAll('button, input, select, canvas')]
              .filter((e) => !(e.getAttribute('aria-label') || e.textContent.trim() || e.closest('label')))
              .map((e) => e.outerHTML.slice(0, 80));""")
        assert not nameless, nameless

    def test_dark(self):
        pixel = ("const { context, canvas } = sheaf.charts[0].timeline.surface;"
                 "return context.getImageData(2, canvas.height - 2, 1, 1).data[0];")
        light = self.page.js(pixel)
        scheme = [{"name": "prefers-color-scheme", "value": "dark"}]
        self.page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": scheme})
        self.page.settle()
        self.page.settle()
        dark = self.page.js(pixel)
        assert light > 200 and dark < 60, (light, dark)
        self.shot("dark")
        self.page.get("#theme").click()
        self.page.settle()
        assert self.page.js(pixel) == light
        self.page.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})

    # --- two programs, odd programs, a large one ---------------------------------------------

    def test_compare(self):
        self.show("compare", "tree_hash:best", "--against", "tree_hash:interleaved")
        profiles = [json.loads(self.run("profile", f"tree_hash:{name}", "--json")) for name in ("best", "interleaved")]
        cycles = [profile["cycles"] for profile in profiles]
        assert len(self.page.texts("canvas")) == 4
        rows = self.page.rows("#tables tr")
        change = cycles[1] - cycles[0]
        sign = "=" if change == 0 else f"{'+' if change > 0 else '−'}{abs(change):,}"
        assert ["cycles", f"{cycles[0]:,}", f"{cycles[1]:,}", sign] in rows, rows[:8]
        holes = [profile["holes"]["load"]["ready-later"] for profile in profiles]
        assert ["load ready-later", *(f"{n:,}" for n in holes)] in [row[:3] for row in rows], holes
        ends = self.page.js("return sheaf.charts.map(({ timeline, run }) => timeline.x(run.cycles, sheaf.view) - GUTTER);")
        assert abs(ends[0] / ends[1] - cycles[0] / cycles[1]) < 1e-6, "the axes are not the same"
        slot = self.page.js("sheaf.view.set(20, 20); sheaf.schedule(); return sheaf.runs[1].range(30, 31)[0]")
        self.page.settle()
        self.page.mouse(slot, click=True, run=1)
        assert self.page.js("return sheaf.selected.run === sheaf.runs[1] && sheaf.selected.slot") == slot
        self.shot("compare")

    def test_divergence(self):
        """A wrong constant: the page leads to the slot where the diff sees the values part."""
        with open(self.file("best.json"), encoding="utf-8") as file:
            text = file.read()
        program = json.loads(text)
        constants = [slot for bundle in program for slot in bundle.get("load", [])
                     if slot[0] == "const" and slot[2] > 10**6]
        constants[2][2] += 1
        wrong = self.file("wrong.json", json.dumps(program))
        both = [self.file("best.json"), wrong, "--kernel", "tree_hash"]
        divergence = json.loads(self.run("diff", *both, "--json", status=1))["divergence"]
        self.show("divergence", both[0], "--against", *both[1:], status=1)
        notes = self.page.js("return document.querySelector('#tables section').textContent")
        assert notes.startswith("Where they diverge")
        assert f"to {divergence['place']} " in notes and f"{divergence['b']['value']:,}" in notes, (notes, divergence)
        self.page.driver.find_elements(By.CSS_SELECTOR, "#tables .plain button")[1].click()
        found = self.page.js("const { run, slot } = sheaf.selected;"
                             "return [run === sheaf.runs[1], run.cycle[slot], run.place(slot)]")
        assert found == [True, divergence["b"]["cycle"], f"{divergence['b']['engine']}-{divergence['b']['slot']}"], (found, divergence)

    def test_hostile_names(self):
        name = "</script><script>document.title='bad'</script><!--"
        program = {"scratch_map": {"3": [name, 1]}, "program": [{"load": [["const", 3, 5]]}, {"alu": [["+", 4, 3, 3]]}]}
        self.show("hostile", self.file("hostile.json", json.dumps(program)))
        assert self.page.driver.title.endswith("hostile.json – sheaf")
        assert name in self.page.js("sheaf.select(sheaf.runs[0], 1); return document.getElementById('slot').textContent")

    def test_odd_programs(self):
        self.show("nothing", self.file("nothing.json", "[]"))
        assert self.page.js("return [sheaf.runs[0].n, sheaf.runs[0].cycles]") == [0, 0]
        loop = [{"load": [["const", 0, 3]]}, {"load": [["const", 1, -1]]},
                {"alu": [["+", 0, 0, 1]]}, {"flow": [["cond_jump", 0, 2]]}]
        self.show("loop", self.file("loop.json", json.dumps(loop)))
        assert self.page.js("return [...sheaf.runs[0].bundle]") == [0, 1, 2, 3, 2, 3, 2, 3]
        assert self.page.js("return sheaf.runs[0].before(4).some(({ slot, kind }) => slot === 3 && kind === KIND_JUMP)")
        self.show("window", self.file("loop.json"), "--cycles", "3:6")
        assert self.page.js("return [sheaf.runs[0].cycles, sheaf.runs[0].cycleName(0)]") == [3, 3]
        assert self.page.get("#range").text == "cycles 3 to 6"
        self.show("cores", self.file("loop.json"), "--cores", "3")
        assert self.page.js("return [sheaf.runs[0].n, document.getElementById('core').options.length]") == [24, 3]
        self.page.js("sheaf.select(sheaf.runs[0], 1)")
        assert self.page.js("return sheaf.charts[0].timeline.core") == 1
        fault = self.file("fault.json", '[{"load": [["const", 0, 3]]}, {"alu": [["//", 1, 0, 2]]}]')
        self.show("fault", fault, status=3)
        assert "then a fault" in self.page.get("#title").text

    def test_large(self):
        """20,000 full bundles: what a step of panning and zooming paints depends on the pixels, not on the slots.
        How long it takes is printed, for who wants to know."""
        draw = random.Random(1)
        distinct = ",".join(full_bundle(draw) for _ in range(500))
        path = self.file("large.json", "[" + ",".join([distinct] * 40) + "]")
        started = time.time()
        self.show("large", path, "--mem", self.file("mem1.json", "[0, 0, 0, 0]"))
        loaded = time.time() - started
        assert self.page.js("return sheaf.runs[0].n") == 400000
        frames, pixels = self.page.js("""
            const { view, charts } = sheaf, frames = [], { surface, run } = charts[0].timeline;
            let painted = 0;
            for (const name of ["fillRect", "strokeRect", "fillText", "drawImage", "putImageData", "fill", "stroke", "lineTo"]) {
              const paint = CanvasRenderingContext2D.prototype[name];
              CanvasRenderingContext2D.prototype[name] = function (...given) { painted++; return paint.apply(this, given); };
            }
            const frame = (start, span) => {
              view.set(start, span);
              painted = 0;
              const began = performance.now();
              sheaf.frame();
              surface.context.getImageData(0, 0, 1, 1);
              frames.push([painted, performance.now() - began]);
            };
            for (let i = 0; i < 12; i++) frame(0, 20000);
            for (let i = 0; i < 12; i++) frame(400 * i, 10000);
            for (let i = 0; i < 20; i++) frame(9000, 20000 * 0.7 ** i);
            for (let i = 0; i < 12; i++) frame(9000 + 20 * i, 300);
            return [frames, run.rows * surface.plot];""")
        times = sorted(time for _, time in frames)
        print(f"20,000 bundles: written and shown in {loaded:.1f} s; a frame {times[len(times) // 2]:.1f} ms, "
              f"nine of ten within {times[len(times) * 9 // 10]:.1f} ms; painted {max(n for n, _ in frames)}, {pixels} pixels")
        assert all(0 < painted < pixels / 2 for painted, _ in frames), (frames, pixels)
        self.shot("large")

    def all(self):
        passed, failed = 0, 0
        for name in [name for name in vars(Tests) if name.startswith("test_")]:
            try:
                getattr(self, name)()
                # The test reads pixels back; the page does not.
                errors = [e for e in self.page.errors() if "willReadFrequently" not in e]
                assert not errors, errors
                passed += 1
            except Exception:  # pylint: disable=broad-except
                failed += 1
                print(f"failed: {name}")
                traceback.print_exc(file=sys.stdout)
        self.page.driver.quit()
        self.folder.cleanup()
        print(f"{passed} passed, {failed} failed")
        return failed > 0


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(Tests(sys.argv[1], sys.argv[2] if len(sys.argv) > 2 else None).all())
