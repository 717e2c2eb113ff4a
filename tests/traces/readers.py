"""Readers of the three formats, written from what is public about them."""
import json


def strict_json(text):
    def refuse(constant):
        raise ValueError(constant)

    def pairs(items):
        keys = [k for k, _ in items]
        if len(set(keys)) != len(keys):
            raise ValueError("a key is given twice: %s" % keys)
        return dict(items)
    return json.loads(text, parse_constant=refuse, object_pairs_hook=pairs)


class Track:
    """A track: its process's and its own name, and events (start, end, name, arguments)."""

    def __init__(self, process, name):
        self.process, self.name, self.events = process, name, []


class Trace:
    def __init__(self):
        self.tracks, self.counters = {}, {}

    def by_name(self):
        """(process, track) -> events; two tracks of one name are told apart by [2] and so on."""
        found = {}
        for key in sorted(self.tracks):
            t = self.tracks[key]
            name, n = (t.process, t.name), 1
            while name in found:
                n += 1
                name = (t.process, "%s[%d]" % (t.name, n))
            found[name] = t.events
        return found


# --- Chrome's Trace Event Format ---------------------------------------------------------

def read_chrome(path):
    """A microsecond is a cycle."""
    with open(path, encoding="utf-8") as file:
        events = strict_json(file.read())
    trace, processes = Trace(), {}
    assert isinstance(events, list)
    for e in events:
        if e["ph"] == "M" and e["name"] == "process_name":
            assert e["pid"] not in processes
            processes[e["pid"]] = e["args"]["name"]
        elif e["ph"] == "M":
            assert e["name"] == "thread_name"
            key = e["pid"], e["tid"]
            assert key not in trace.tracks
            trace.tracks[key] = Track(processes[e["pid"]], e["args"]["name"])
        else:
            assert e["ph"] == "X", e
            trace.tracks[e["pid"], e["tid"]].events.append((e["ts"], e["ts"] + e["dur"], e["name"], e.get("args", {})))
    tids = [tid for _, tid in trace.tracks]
    assert len(set(tids)) == len(tids)
    return trace


# --- Protocol buffers ----------------------------------------------------------------------

def varint(data, at):
    value, shift = 0, 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value, at


def fields(data):
    """field -> values, in order: numbers, or bytes."""
    found, at = {}, 0
    while at < len(data):
        tag, at = varint(data, at)
        if tag & 7 == 0:
            value, at = varint(data, at)
        else:
            assert tag & 7 == 2, tag
            length, at = varint(data, at)
            value, at = data[at:at + length], at + length
            assert len(value) == length
        found.setdefault(tag >> 3, []).append(value)
    return found


def one(message, field, default=None):
    values = message.get(field, [default])
    assert len(values) == 1, (field, values)
    return values[0]


def text(value):
    return None if value is None else value.decode("utf-8")


# --- Perfetto: Trace.packet = 1; the other numbers are those of trace_packet.proto,
#     track_descriptor.proto, track_event.proto, interned_data.proto, debug_annotation.proto ---

def read_perfetto(path):
    """A microsecond is a cycle. Also the number of packets, as trace.packets."""
    with open(path, "rb") as file:
        data = file.read()
    whole = fields(data)
    assert set(whole) == {1}
    trace, processes, parents, counters = Trace(), {}, {}, {}
    names, keys, strings, open_slices = {}, {}, {}, {}
    trace.packets, last = len(whole[1]), 0
    for number, packet in enumerate(map(fields, whole[1])):
        assert one(packet, 10) == 1
        assert (one(packet, 13, 0) == 3) == (number == 0)  # the first one clears what is interned
        if 12 in packet:
            interned = fields(one(packet, 12))
            for field, table in ((2, names), (3, keys), (29, strings)):
                for entry in map(fields, interned.pop(field, [])):
                    assert one(entry, 1) not in table and one(entry, 1) > 0
                    table[one(entry, 1)] = text(one(entry, 2))
            assert not interned
        if 60 in packet:
            d = fields(one(packet, 60))
            uuid, name = one(d, 1), text(one(d, 2))
            assert uuid not in processes and uuid not in trace.tracks and uuid not in counters
            if 3 in d:
                process = fields(one(d, 3))
                assert one(process, 1) > 0 and text(one(process, 6)) == name
                processes[uuid] = name, one(process, 1)
                continue
            process, pid = processes[one(d, 5)]
            if 8 in d:
                counters[uuid] = process, name
                trace.counters[process, name] = []
                continue
            if 4 in d:
                thread = fields(one(d, 4))
                assert one(thread, 1) == pid and text(one(thread, 5)) == name
            trace.tracks[uuid] = Track(process, name)
        if 11 in packet:
            assert one(packet, 13) & 2
            time, event = one(packet, 8), fields(one(packet, 11))
            assert time % 1000 == 0 and time >= last
            last = time
            kind, uuid = one(event, 9), one(event, 11)
            if kind == 4:
                trace.counters[counters[uuid]].append((time // 1000, one(event, 30)))
            elif kind == 1:
                arguments = {}
                for a in map(fields, event.get(4, [])):
                    value = one(a, 3)
                    value = strings[one(a, 17)] if 17 in a else text(one(a, 6)) if 6 in a else value
                    assert value is not None
                    arguments[keys[one(a, 1)]] = value
                assert uuid not in open_slices
                open_slices[uuid] = time // 1000, names[one(event, 10)] if 10 in event else text(one(event, 23)), arguments
            else:
                assert kind == 2
                start, name, arguments = open_slices.pop(uuid)
                trace.tracks[uuid].events.append((start, time // 1000, name, arguments))
    assert not open_slices
    return trace


# --- Value Change Dump ------------------------------------------------------------------------

class Wave:
    """Variables by path, with their changes [(time, value)]: numbers, text, or None (unknown)."""

    def __init__(self):
        self.changes, self.end = {}, 0

    def at(self, path, time):
        """The value during that step."""
        value = None
        for when, changed in self.changes[path]:
            if when > time:
                break
            value = changed
        return value


def read_vcd(lines):
    wave, scope, paths, time = Wave(), [], {}, None
    words = iter(" ".join(lines).split())
    for w in words:
        if w == "$scope":
            next(words)
            scope.append(next(words))
            assert next(words) == "$end"
        elif w == "$upscope":
            scope.pop()
            assert next(words) == "$end"
        elif w == "$var":
            _, _, identifier, name = (next(words) for _ in range(4))
            path = ".".join(scope + [name])
            while next(words) != "$end":
                pass
            assert path not in wave.changes, path
            wave.changes[path] = paths.setdefault(identifier, [])
        elif w in ("$version", "$comment", "$timescale", "$date"):
            while next(words) != "$end":
                pass
        elif w in ("$dumpvars", "$end"):
            pass
        elif w == "$enddefinitions":
            assert next(words) == "$end" and not scope
        elif w[0] == "#":
            assert time is None or int(w[1:]) > time
            time = int(w[1:])
        elif w[0] == "b":
            value = None if "x" in w else int(w[1:], 2)
            paths[next(words)].append((time, value))
        elif w[0] == "s":
            paths[next(words)].append((time, w[1:]))
        else:
            raise ValueError(w)
    wave.end = time
    return wave
