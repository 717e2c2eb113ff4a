#include "sim/program/json_any.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Up to where a value reaches: its closing bracket, its closing quote, or for
 * anything else the next punctuation. Wrong input may end anywhere. */
static size_t extent(const char *text, size_t size)
{
    size_t depth = 0, i = 0;
    for (bool in_string = false; i < size; i++) {
        const char c = text[i];
        if (in_string && c == '\\')
            i++;
        else if (c == '"')
            in_string = !in_string;
        else if (in_string)
            continue;
        else if (c == '[' || c == '{')
            depth++;
        else if ((c == ']' || c == '}') && depth)
            depth--;
        else if (depth == 0 && strchr(" \t\r\n,;:]}#", c))
            break;
        else if (depth || !strchr("\"]}", c))
            continue;
        if (depth == 0 && !in_string && strchr("\"]}", c))
            return i + 1;
    }
    return i < size ? i : size;
}

/* jansson ignores a failed growth of its token buffer and then writes beyond it.
 * Memory it can need for `n` bytes of input is asked for beforehand, so that where
 * memory has run out we stop here. */
static bool can_parse(size_t n)
{
    void *reserve = malloc(n * 64 + 4096);
    free(reserve);
    return reserve != NULL;
}

/* jansson names the place behind the offending token: step back over it. */
static size_t token_start(const json_error_t *e)
{
    const size_t position = e->position > 0 ? (size_t)e->position : 0;
    const char *near = strstr(e->text, " near '");
    const size_t length = near ? strlen(near) - strlen(" near ''") : 1;
    return length < position ? position - length : 0;
}

/* jansson says nothing at all where an allocation failed, or calls a string that it
 * could not copy a wrong token. */
static bool ran_out(const char *text, const json_error_t *e)
{
    const bool at_string = e->position > 1 && text[e->position - 1] == '"';
    const bool wrong_token =
        strncmp(e->text, "invalid token", 13) == 0 || strncmp(e->text, "string or '}'", 13) == 0;
    return !e->text[0] || (at_string && wrong_token);
}

static enum status explain(const char *text, const json_error_t *e, struct json_any *r)
{
    if (ran_out(text, e))
        return ST_NOMEM;
    r->at = token_start(e);
    const char *why =
        json_error_code(e) == json_error_null_character ? "a string must not hold \\u0000" : e->text;
    (void)snprintf(r->why, sizeof r->why, "%s", why);
    return ST_INPUT;
}

static enum status parse(const char *text, size_t size, json_t **out, struct json_any *r)
{
    *r = (struct json_any){0};
    const size_t n = extent(text, size);
    if (n > JSON_ANY_MAX) {
        (void)snprintf(r->why, sizeof r->why, "a value of more than %d bytes", JSON_ANY_MAX);
        return ST_INPUT;
    }
    if (!can_parse(n))
        return ST_NOMEM;
    json_error_t e;
    *out = json_loadb(text, n, JSON_DECODE_ANY | JSON_DISABLE_EOF_CHECK | JSON_REJECT_DUPLICATES, &e);
    if (!*out)
        return explain(text, &e, r);
    r->used = (size_t)e.position;
    return ST_OK;
}

/* Controls that JSON would allow to stand in a string as they are get spelled out. Outside of strings a
 * compact spelling has none. */
static int append(const char *buffer, size_t n, void *out)
{
    const char *plain = buffer, *const end = buffer + n;
    for (size_t length; buffer < end; buffer += length) {
        uint32_t c = 0;
        length = text_decode(buffer, (size_t)(end - buffer), &c);
        length += length == 0;
        if (!text_is_control(c) || c < 32)
            continue;
        text_add_n(out, plain, (size_t)(buffer - plain));
        text_addf(out, "\\u%04X", (unsigned)c);
        plain = buffer + length;
    }
    text_add_n(out, plain, (size_t)(end - plain));
    return 0;
}

enum status json_any_read(const char *text, size_t size, struct text *out, struct json_any *r)
{
    json_t *value = NULL;
    enum status status = parse(text, size, &value, r);
    if (status == ST_OK &&
        (json_dump_callback(value, append, out, JSON_COMPACT | JSON_ENCODE_ANY | JSON_SORT_KEYS) ||
         !text_ok(out)))
        status = ST_NOMEM;
    json_decref(value);
    return status;
}

enum status json_any_string(const char *text, size_t size, struct text *out, struct json_any *r)
{
    json_t *value = NULL;
    enum status status = parse(text, size, &value, r);
    if (status == ST_OK && !json_is_string(value)) {
        (void)snprintf(r->why, sizeof r->why, "expected a string");
        status = ST_INPUT;
    } else if (status == ST_OK) {
        text_add_n(out, json_string_value(value), json_string_length(value));
        if (!text_ok(out))
            status = ST_NOMEM;
    }
    json_decref(value);
    return status;
}
