"""A client of the Debug Adapter Protocol that trusts nothing: every message of the adapter is
held against the protocol's rules before a test sees it.
"""
import json
import os
import select
import subprocess
import time

# What the specification requires of bodies: name, type; a leading ? is optional.
SOURCE = {"?name": str, "?path": str, "?sourceReference": int, "?origin": str}
BREAKPOINT = {"verified": bool, "?id": int, "?message": str, "?source": SOURCE, "?line": int, "?column": int,
              "?instructionReference": str}
VARIABLE = {"name": str, "value": str, "variablesReference": int, "?type": str, "?evaluateName": str,
            "?indexedVariables": int, "?namedVariables": int}
RESPONSES = {
    "initialize": {},
    "launch": None, "configurationDone": None, "setExceptionBreakpoints": None, "next": None, "stepIn": None,
    "stepOut": None, "stepBack": None, "reverseContinue": None, "pause": None, "terminate": None, "disconnect": None,
    "continue": {"?allThreadsContinued": bool},
    "setBreakpoints": {"breakpoints": [BREAKPOINT]},
    "setFunctionBreakpoints": {"breakpoints": [BREAKPOINT]},
    "setInstructionBreakpoints": {"breakpoints": [BREAKPOINT]},
    "setDataBreakpoints": {"breakpoints": [BREAKPOINT]},
    "dataBreakpointInfo": {"dataId": (str, type(None)), "description": str, "?accessTypes": [str], "?canPersist": bool},
    "threads": {"threads": [{"id": int, "name": str}]},
    "stackTrace": {"stackFrames": [{"id": int, "name": str, "line": int, "column": int, "?source": SOURCE,
                                    "?instructionPointerReference": str}], "?totalFrames": int},
    "scopes": {"scopes": [{"name": str, "variablesReference": int, "expensive": bool, "?namedVariables": int,
                           "?indexedVariables": int, "?presentationHint": str}]},
    "variables": {"variables": [VARIABLE]},
    "setVariable": {"value": str},
    "evaluate": {"result": str, "variablesReference": int, "?type": str, "?indexedVariables": int},
    "disassemble": {"instructions": [{"address": str, "instruction": str, "?symbol": str, "?line": int, "?column": int,
                                      "?location": SOURCE, "?presentationHint": str}]},
    "source": {"content": str, "?mimeType": str},
    "exceptionInfo": {"exceptionId": str, "breakMode": str, "?description": str},
}
EVENTS = {
    "initialized": None, "terminated": None,
    "stopped": {"reason": str, "?threadId": int, "?allThreadsStopped": bool, "?text": str, "?description": str,
                "?hitBreakpointIds": [int]},
    "continued": {"threadId": int},
    "output": {"output": str, "?category": str},
    "exited": {"exitCode": int},
}


class Broken(Exception):
    """The adapter broke a rule."""


def conforms(value, rule, where):
    """Raises Broken unless the value has the members of the rule, and no others."""
    if isinstance(rule, dict):
        if not isinstance(value, dict):
            raise Broken(f"{where}: {value!r} is no object")
        known = {name.lstrip("?") for name in rule}
        if rule and set(value) - known:
            raise Broken(f"{where}: unexpected {sorted(set(value) - known)}")
        for name, of in rule.items():
            if name.lstrip("?") in value:
                conforms(value[name.lstrip("?")], of, f"{where}.{name.lstrip('?')}")
            elif not name.startswith("?"):
                raise Broken(f"{where}: no {name}")
    elif isinstance(rule, list):
        if not isinstance(value, list):
            raise Broken(f"{where}: {value!r} is no list")
        for i, item in enumerate(value):
            conforms(item, rule[0], f"{where}[{i}]")
    elif not isinstance(value, rule) or (rule is int and isinstance(value, bool)):
        raise Broken(f"{where}: {value!r} is no {rule}")


class Client:
    """An adapter under test."""

    SECONDS = 60

    def __init__(self, sheaf, cwd=None):
        self.process = subprocess.Popen([sheaf, "debug", "--dap"], cwd=cwd, stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.buffer = b""
        self.sent = 0
        self.received = 0
        self.pending = {}
        self.events = []

    # --- bytes ---

    def raw(self, data):
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def _fill(self, deadline):
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([self.process.stdout], [], [], left)[0]:
            raise Broken("no answer in time")
        data = os.read(self.process.stdout.fileno(), 1 << 16)
        if not data:
            raise EOFError("the adapter has ended")
        self.buffer += data

    def message(self, seconds=None):
        """The next message, checked."""
        deadline = time.monotonic() + (seconds or self.SECONDS)
        while b"\r\n\r\n" not in self.buffer:
            self._fill(deadline)
        header, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        name, _, length = header.decode("ascii").partition(": ")
        if name != "Content-Length" or not length.isdigit():
            raise Broken(f"header {header!r}")
        while len(self.buffer) < int(length):
            self._fill(deadline)
        body, self.buffer = self.buffer[:int(length)], self.buffer[int(length):]
        message = json.loads(body.decode("utf-8"))
        self._check(message)
        return message

    def _check(self, m):
        self.received += 1
        if m.get("seq") != self.received:
            raise Broken(f"seq {m.get('seq')}, expected {self.received}")
        if m.get("type") == "event":
            if m.get("event") not in EVENTS:
                raise Broken(f"event {m.get('event')!r}")
            rule = EVENTS[m["event"]]
            if rule is None and "body" in m:
                raise Broken(f"a body with {m['event']}")
            if rule is not None:
                conforms(m.get("body"), rule, m["event"])
            return
        if m.get("type") != "response":
            raise Broken(f"type {m.get('type')!r}")
        conforms(m, {"seq": int, "type": str, "request_seq": int, "success": bool, "command": str, "?message": str,
                     "?body": {}}, "response")
        command = self.pending.pop(m["request_seq"], None)
        if command != m["command"]:
            raise Broken(f"a response to {m['command']} ({m['request_seq']}), asked was {command}")
        if not m["success"]:
            if not m.get("message") or not m.get("body", {}).get("error", {}).get("format"):
                raise Broken(f"no message in the failure of {command}")
        elif RESPONSES[command] is None:
            if "body" in m:
                raise Broken(f"a body with {command}")
        else:
            conforms(m.get("body"), RESPONSES[command], command)

    # --- requests ---

    def send(self, command, **arguments):
        self.sent += 1
        self.pending[self.sent] = command
        body = json.dumps({"seq": self.sent, "type": "request", "command": command, "arguments": arguments}).encode()
        self.raw(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        return self.sent

    def response(self, seq):
        """The response to a request; events on the way are kept."""
        while True:
            m = self.message()
            if m["type"] == "event":
                self.events.append(m)
            elif m["request_seq"] == seq:
                return m
            else:
                raise Broken(f"a response to {m['request_seq']}, expected {seq}")

    def ask(self, command, **arguments):
        """The body of a request's response, which has to be a success."""
        m = self.response(self.send(command, **arguments))
        if not m["success"]:
            raise Broken(f"{command}: {m['message']}")
        return m.get("body")

    def refused(self, command, **arguments):
        """The message of a request that has to fail."""
        m = self.response(self.send(command, **arguments))
        if m["success"]:
            raise Broken(f"{command} {arguments} succeeds")
        return m["message"]

    def event(self, name):
        """The next event of that name; others before it are dropped."""
        while True:
            m = self.events.pop(0) if self.events else self.message()
            if m["type"] != "event":
                raise Broken(f"a response to {m['request_seq']} nobody waits for")
            if m["event"] == name:
                return m.get("body")

    def close(self):
        """Disconnects; (exit status, standard error)."""
        if self.process.poll() is None:
            try:
                self.ask("disconnect")
            except (BrokenPipeError, EOFError):
                pass
        return self.end()

    def end(self):
        self.process.stdin.close()
        errors = self.process.stderr.read().decode("utf-8", "replace")
        self.process.stdout.close()
        self.process.stderr.close()
        return self.process.wait(timeout=self.SECONDS), errors
