"""JSON read strictly, and held against a JSON Schema: as much of draft 2020-12 as the schemas here use. A keyword
that it does not know is an error, not ignored."""
import json

TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None), "integer": int}
NOTES = {"$schema", "$defs", "title", "description"}


def read(text):
    """The value of one JSON text in bytes; ValueError for what some reader would not take: keys that repeat,
    NaN, bytes that are no UTF-8, half a surrogate pair, control characters that are not escaped."""
    def pairs(items):
        if len(dict(items)) != len(items):
            raise ValueError("a key is given twice")
        return dict(items)

    def constant(name):
        raise ValueError(name)

    value = json.loads(text.decode("utf-8"), object_pairs_hook=pairs, parse_constant=constant)
    json.dumps(value, ensure_ascii=False).encode("utf-8")
    return value


def same(a, b):
    """Equal as JSON: true is not 1."""
    return a == b and isinstance(a, bool) == isinstance(b, bool)


def has_type(value, name):
    return isinstance(value, TYPES[name]) and not (name == "integer" and isinstance(value, bool))


def problems(value, schema, root=None, at="$"):
    """What is wrong with the value, a line each; nothing where it is valid."""
    root = schema if root is None else root
    found = []
    say = lambda what: found.append(f"{at}: {what}")
    below = lambda part, where=at: problems(value, part, root, where)
    for keyword, what in schema.items():
        if keyword in NOTES:
            continue
        if keyword == "$ref":
            part = root
            for name in what.split("/")[1:]:
                part = part[name]
            found += below(part)
        elif keyword == "type":
            if not any(has_type(value, name) for name in ([what] if isinstance(what, str) else what)):
                say(f"expected {what}, found {value!r:.60}")
        elif keyword in ("enum", "const"):
            if not any(same(value, one) for one in (what if keyword == "enum" else [what])):
                say(f"expected {what}, found {value!r:.60}")
        elif keyword in ("minimum", "maximum"):
            if has_type(value, "integer") and (value < what if keyword == "minimum" else value > what):
                say(f"{value}: {keyword} {what}")
        elif keyword == "required":
            if isinstance(value, dict):
                found += [f"{at}: no {key}" for key in what if key not in value]
        elif keyword == "properties":
            for key in what if isinstance(value, dict) else ():
                if key in value:
                    found += problems(value[key], what[key], root, f"{at}.{key}")
        elif keyword == "additionalProperties":
            for key in value if isinstance(value, dict) else ():
                if key not in schema.get("properties", {}):
                    found += [f"{at}: unknown {key}"] if what is False else problems(value[key], what, root, f"{at}.{key}")
        elif keyword == "items":
            for i, item in enumerate(value if isinstance(value, list) else ()):
                found += problems(item, what, root, f"{at}[{i}]")
        elif keyword in ("oneOf", "anyOf"):
            n = sum(not below(part) for part in what)
            if n != 1 if keyword == "oneOf" else n == 0:
                say(f"{n} of {keyword} hold")
        elif keyword == "not":
            if not below(what):
                say(f"what must not hold holds: {what}")
        else:
            raise KeyError(f"the validator does not know {keyword}")
    return found
