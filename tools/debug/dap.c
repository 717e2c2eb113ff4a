/* The protocol (microsoft.github.io/debug-adapter-protocol, 1.65): every request gets one response; while the
 * machine runs, messages that come in interrupt it and are answered, and it runs on. */
#include "tools/debug/dap.h"

#include <inttypes.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* --- pieces --------------------------------------------------------------------- */

json_t *dap_fail(struct dap *d, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)vsnprintf(d->error, sizeof d->error, format, args);
    va_end(args);
    return NULL;
}

/* What is no UTF-8 (a text may have been clipped) becomes question marks. */
json_t *dap_string(const char *text)
{
    json_t *string = json_string(text);
    if (string)
        return string;
    struct text t = {0};
    for (const char *c = text; *c; c++)
        text_add_n(&t, (unsigned char)*c < 0x80 ? c : "?", 1);
    return dap_text(&t);
}

json_t *dap_text(struct text *t)
{
    json_t *string = text_ok(t) ? json_string(t->at ? t->at : "") : NULL;
    if (!string && text_ok(t)) {
        for (size_t i = 0; i < t->n; i++)
            if ((unsigned char)t->at[i] >= 0x80)
                t->at[i] = '?';
        string = json_string(t->at);
    }
    text_free(t);
    return string;
}

json_int_t dap_int(const json_t *args, const char *key, json_int_t fallback)
{
    const json_t *value = json_object_get(args, key);
    return json_is_integer(value) ? json_integer_value(value) : fallback;
}

bool dap_bool(const json_t *args, const char *key, bool fallback)
{
    const json_t *value = json_object_get(args, key);
    return json_is_boolean(value) ? json_is_true(value) : fallback;
}

const char *dap_chars(const json_t *args, const char *key)
{
    return json_string_value(json_object_get(args, key));
}

bool dap_hex(const json_t *args)
{
    return dap_bool(json_object_get(args, "format"), "hex", false);
}

bool dap_core(struct dap *d, const json_t *args, const char *key, uint32_t *core)
{
    const json_int_t id = dap_int(args, key, 0);
    if (id < 1 || id > dap_sim(d)->config.machine.cores) {
        (void)dap_fail(d, "no %s %lld", key, (long long)id);
        return false;
    }
    *core = (uint32_t)(id - 1);
    return true;
}

/* --- sending -------------------------------------------------------------------- */

static void send_message(struct dap *d, json_t *message)
{
    if (message)
        (void)json_object_set_new(message, "seq", json_integer(++d->sequence));
    if (!dap_io_write(&d->io, message))
        d->disconnected = true;
}

void dap_event(struct dap *d, const char *event, json_t *body)
{
    json_t *message = json_pack("{s:i, s:s, s:s}", "seq", 0, "type", "event", "event", event);
    if (message && body)
        (void)json_object_set_new(message, "body", body);
    send_message(d, message);
}

static void output(struct dap *d, const char *category, const char *text)
{
    dap_event(d, "output", json_pack("{s:s, s:o}", "category", category, "output", dap_string(text)));
}

static void respond(struct dap *d, const json_t *request, json_t *body)
{
    json_t *message = json_pack("{s:i, s:s, s:O, s:O, s:b}", "seq", 0, "type", "response", "request_seq",
                                json_object_get(request, "seq"), "command",
                                json_object_get(request, "command"), "success", body != NULL);
    if (message && body && !json_is_null(body))
        (void)json_object_set(message, "body", body);
    if (message && !body) {
        (void)json_object_set_new(message, "message", dap_string(d->error));
        (void)json_object_set_new(message, "body",
                                  json_pack("{s:{s:i, s:o, s:b}}", "error", "id", 1, "format",
                                            dap_string(d->error), "showUser", 1));
    }
    json_decref(body);
    send_message(d, message);
}

/* --- the run -------------------------------------------------------------------- */

static void stopped(struct dap *d, const char *reason, uint32_t core, unsigned id, struct text *why)
{
    json_t *body = json_pack("{s:s, s:I, s:b}", "reason", reason, "threadId", (json_int_t)core + 1,
                             "allThreadsStopped", 1);
    if (body && why->n) {
        (void)json_object_set_new(body, "description", dap_string(why->at));
        (void)json_object_set_new(body, "text", dap_string(why->at));
    }
    if (body && id)
        (void)json_object_set_new(body, "hitBreakpointIds", json_pack("[I]", (json_int_t)id));
    text_free(why);
    d->run = RUN_NOT;
    d->s.core = core;
    d->places.n = 0;
    dap_event(d, "stopped", body);
}

/* Once: no client is told twice. */
static void terminate(struct dap *d, int code)
{
    if (d->terminated)
        return;
    d->terminated = true;
    d->run = RUN_NOT;
    if (code >= 0)
        dap_event(d, "exited", json_pack("{s:i}", "exitCode", code));
    dap_event(d, "terminated", NULL);
}

static void report_end(struct dap *d)
{
    struct text t = {0};
    struct kern_wrong wrong;
    const struct session *s = &d->s;
    text_addf(&t, "The program has ended after %" PRIu64 " cycles.", dap_sim(d)->cycle);
    if (s->job.instance && s->program + 1 == s->job.programs.list.n) {
        if (kern_first_wrong(s->job.instance, dap_sim(d)->mem, &wrong))
            text_addf(&t, " Its result is wrong: %s[%u] is %u, expected %u.", wrong.array, wrong.index,
                      wrong.found, wrong.expected);
        else
            text_add(&t, " Its result is correct.");
    }
    text_add(&t, "\n");
    output(d, "console", t.at ? t.at : "");
    text_free(&t);
}

/* It can go no farther. */
static void ended(struct dap *d)
{
    struct text why = {0};
    const struct sim *sim = dap_sim(d);
    if (sim->fault.kind != FAULT_NONE) {
        sim_fault_text(sim, &why);
        output(d, "stderr", "The program faults.\n");
        stopped(d, "exception", sim->fault.core, 0, &why);
        return;
    }
    report_end(d);
    if (d->stop_at_end) {
        text_add(&why, "the program has ended");
        stopped(d, "end", d->thread, 0, &why);
        return;
    }
    terminate(d, EXIT_FINE);
}

static bool is_interrupted(void *user)
{
    struct dap *d = user;
    return dap_io_ready(&d->io);
}

/* Runs on, or back, until it stops or a message comes. */
static void run(struct dap *d)
{
    struct replay *r = d->s.r;
    struct breakpoint_hit hit;
    struct text why = {0};
    if (d->run == RUN_FORTH && replay_ended(r)) {
        terminate(d, dap_sim(d)->fault.kind != FAULT_NONE ? EXIT_FAULTED : EXIT_FINE);
        return;
    }
    r->interrupt = is_interrupted;
    r->user = d;
    const bool found = d->from_start         ? breakpoints_here(&d->s.stops, r, &hit)
                       : d->run == RUN_FORTH ? breakpoints_forth(&d->s.stops, r, d->limit, &hit)
                                             : breakpoints_back(&d->s.stops, r, &hit);
    r->interrupt = NULL;
    if (d->from_start && !found) {
        d->from_start = false;
        return;
    }
    d->from_start = false;
    if (found) {
        debug_hit(dap_sim(d)->prog, &hit, &why);
        stopped(d, dap_stop_reason(d, hit.id), hit.core, hit.id, &why);
    } else if (!r->interrupted) {
        if (d->run == RUN_FORTH && replay_ended(r))
            ended(d);
        else
            stopped(d, d->run == RUN_BACK ? "entry" : d->reason, d->thread, 0, &why);
    }
}

static json_t *start(struct dap *d, enum dap_run run, uint64_t limit, const json_t *args)
{
    if (!dap_core(d, args, "threadId", &d->thread))
        return NULL;
    if (d->run != RUN_NOT)
        return dap_fail(d, "the machine is running");
    d->run = run;
    d->limit = limit;
    d->reason = "step";
    d->places.n = 0;
    return json_null();
}

static json_t *on_continue(struct dap *d, const json_t *args)
{
    return start(d, RUN_FORTH, UINT64_MAX, args) ? json_pack("{s:b}", "allThreadsContinued", 1) : NULL;
}

/* Cores go together, a round at a time; there are no calls to step into or out of. */
static json_t *on_step(struct dap *d, const json_t *args)
{
    return start(d, RUN_FORTH, replay_at(d->s.r) + 1, args);
}

static json_t *on_reverse_continue(struct dap *d, const json_t *args)
{
    return start(d, RUN_BACK, 0, args);
}

/* It ends at once: the event is sent by the loop, which finds the run at its limit. */
static json_t *on_step_back(struct dap *d, const json_t *args)
{
    const uint64_t at = replay_at(d->s.r);
    if (!start(d, RUN_FORTH, at ? at - 1 : 0, args))
        return NULL;
    replay_go(d->s.r, d->limit);
    return json_null();
}

static json_t *on_pause(struct dap *d, const json_t *args)
{
    if (!dap_core(d, args, "threadId", &d->thread))
        return NULL;
    if (d->run != RUN_NOT) {
        d->run = RUN_FORTH;
        d->limit = replay_at(d->s.r);
        d->reason = "pause";
    }
    return json_null();
}

/* --- from beginning to end ------------------------------------------------------- */

static json_t *on_initialize(struct dap *d, const json_t *args)
{
    d->lines_from_0 = !dap_bool(args, "linesStartAt1", true);
    d->columns_from_0 = !dap_bool(args, "columnsStartAt1", true);
    static const char *const can[] = {
        "supportsConfigurationDoneRequest",
        "supportsFunctionBreakpoints",
        "supportsConditionalBreakpoints",
        "supportsEvaluateForHovers",
        "supportsStepBack",
        "supportsSetVariable",
        "supportsExceptionInfoRequest",
        "supportsTerminateRequest",
        "supportsDataBreakpoints",
        "supportsDisassembleRequest",
        "supportsInstructionBreakpoints",
        "supportsSteppingGranularity",
        "supportsValueFormattingOptions",
    };
    json_t *body = json_object();
    for (unsigned i = 0; i < sizeof can / sizeof *can; i++)
        (void)json_object_set_new(body, can[i], json_true());
    (void)json_object_set_new(body, "exceptionBreakpointFilters", json_array());
    return body;
}

static json_t *on_configuration_done(struct dap *d, const json_t *args)
{
    (void)args;
    if (d->run != RUN_NOT || d->terminated || replay_at(d->s.r) > 0)
        return json_null();
    d->run = RUN_FORTH;
    d->from_start = !d->stop_on_entry;
    d->limit = d->stop_on_entry ? 0 : UINT64_MAX;
    d->reason = "entry";
    return json_null();
}

static json_t *on_terminate(struct dap *d, const json_t *args)
{
    (void)args;
    d->run = RUN_NOT;
    return json_null();
}

static json_t *on_disconnect(struct dap *d, const json_t *args)
{
    (void)args;
    d->run = RUN_NOT;
    return json_null();
}

/* There are none to choose from. */
static json_t *on_exception_breakpoints(struct dap *d, const json_t *args)
{
    (void)d;
    (void)args;
    return json_null();
}

static json_t *on_exception_info(struct dap *d, const json_t *args)
{
    struct text t = {0};
    const struct sim *sim = dap_sim(d);
    (void)args;
    if (sim->fault.kind == FAULT_NONE)
        return dap_fail(d, "there was no fault");
    sim_fault_text(sim, &t);
    return json_pack("{s:s, s:o, s:s}", "exceptionId", sim_fault_name(sim->fault.kind), "description",
                     dap_text(&t), "breakMode", "always");
}

/* When a request makes sense. */
enum when { ALWAYS, BEFORE, LAUNCHED, STANDING };

static const struct request {
    const char *command;
    dap_request *run;
    enum when when;
} requests[] = {
    {"initialize", on_initialize, ALWAYS},
    {"launch", dap_launch, BEFORE},
    {"configurationDone", on_configuration_done, LAUNCHED},
    {"setBreakpoints", dap_set_breakpoints, LAUNCHED},
    {"setFunctionBreakpoints", dap_set_functions, LAUNCHED},
    {"setInstructionBreakpoints", dap_set_instructions, LAUNCHED},
    {"setExceptionBreakpoints", on_exception_breakpoints, ALWAYS},
    {"dataBreakpointInfo", dap_data_info, LAUNCHED},
    {"setDataBreakpoints", dap_set_data, LAUNCHED},
    {"threads", dap_threads, LAUNCHED},
    {"stackTrace", dap_stack, STANDING},
    {"scopes", dap_scopes, STANDING},
    {"variables", dap_variables, STANDING},
    {"setVariable", dap_set_variable, STANDING},
    {"evaluate", dap_evaluate, STANDING},
    {"exceptionInfo", on_exception_info, STANDING},
    {"continue", on_continue, STANDING},
    {"next", on_step, STANDING},
    {"stepIn", on_step, STANDING},
    {"stepOut", on_step, STANDING},
    {"stepBack", on_step_back, STANDING},
    {"reverseContinue", on_reverse_continue, STANDING},
    {"pause", on_pause, LAUNCHED},
    {"disassemble", dap_disassemble, LAUNCHED},
    {"source", dap_source, LAUNCHED},
    {"terminate", on_terminate, ALWAYS},
    {"disconnect", on_disconnect, ALWAYS},
};

static json_t *answer(struct dap *d, const char *command, const json_t *args)
{
    const struct request *r = NULL;
    for (unsigned i = 0; i < sizeof requests / sizeof *requests; i++)
        if (strcmp(requests[i].command, command) == 0)
            r = &requests[i];
    if (!r)
        return dap_fail(d, "`%.60s` is not supported", command);
    if (r->when == BEFORE && d->launched)
        return dap_fail(d, "a program has been launched already");
    if (r->when > BEFORE && !d->launched)
        return dap_fail(d, "`%s` before a program has been launched", command);
    if (r->when == STANDING && d->run != RUN_NOT)
        return dap_fail(d, "notStopped");
    (void)dap_fail(d, "out of memory");
    return r->run(d, args);
}

static void obey(struct dap *d, const json_t *message)
{
    const char *type = dap_chars(message, "type"), *command = dap_chars(message, "command");
    if (type && strcmp(type, "request") != 0)
        return;
    if (!type || !command || !json_is_integer(json_object_get(message, "seq"))) {
        output(d, "important", "sheaf: a message that is no request\n");
        return;
    }
    json_t *body = answer(d, command, json_object_get(message, "arguments"));
    const bool good = body != NULL;
    respond(d, message, body);
    if (good && strcmp(command, "launch") == 0)
        dap_event(d, "initialized", NULL);
    if (strcmp(command, "terminate") == 0)
        terminate(d, -1);
    d->disconnected = d->disconnected || strcmp(command, "disconnect") == 0;
}

int dap_serve(void)
{
    struct dap d = {0};
    (void)signal(SIGPIPE, SIG_IGN);
    bool going = dap_io_open(&d.io);
    if (!going)
        (void)tool_error("--dap: no standard input or output");
    while (going && !d.disconnected) {
        json_t *message = NULL;
        const char *problem = NULL;
        if (d.run != RUN_NOT && !dap_io_ready(&d.io)) {
            run(&d);
            continue;
        }
        switch (dap_io_read(&d.io, &message, &problem)) {
        case DAP_MESSAGE: obey(&d, message); break;
        case DAP_BAD: output(&d, "important", problem); break;
        case DAP_ENDED: going = false; break;
        }
        json_decref(message);
    }
    dap_launch_end(&d);
    dap_io_close(&d.io);
    return EXIT_FINE;
}
