/* What the public headers say by number, as text: sheaf_describe. */
#include "sim/base/json_out.h"
#include "sim/public.h"

static void describe_field(struct json_out *j, const char *name, const char *type, size_t at, size_t bytes,
                           size_t count)
{
    json_open(j, NULL, '{');
    json_text(j, "name", name);
    json_text(j, "type", type);
    json_number(j, "at", at);
    json_number(j, "bytes", bytes);
    json_number(j, "count", count);
    json_close(j, '}');
}

/* clang-format off */
#define CONFIG ((struct sheaf_config *)0) /* for its types only */
#define TYPE(x) _Generic((x), bool: "bool", const struct sheaf_value *: "pointer", default: "unsigned")
#define ARRAY(name, element)                                                                    \
    describe_field(j, #name, TYPE(CONFIG->element), offsetof(struct sheaf_config, name),        \
                   sizeof CONFIG->element, sizeof CONFIG->name / sizeof CONFIG->element)
#define FIELD(name) ARRAY(name, name)
/* clang-format on */

static void describe_config(struct json_out *j)
{
    json_open(j, "config", '{');
    json_number(j, "size", sizeof(struct sheaf_config));
    json_open(j, "fields", '[');
    FIELD(size);
    FIELD(simulator);
    FIELD(pause);
    FIELD(debug);
    FIELD(strict);
    FIELD(cycle_limit);
    FIELD(trace_limit);
    ARRAY(slots, slots[0]);
    FIELD(vlen);
    FIELD(scratch);
    FIELD(cores);
    FIELD(values);
    FIELD(n_values);
    ARRAY(latency, latency[0]);
    FIELD(round_limit);
    FIELD(work_limit);
    json_close(j, ']');
    json_close(j, '}');
}

static void describe_limits(struct json_out *j)
{
    json_open(j, "limits", '{');
    json_number(j, "slots", ISA_MAX_SLOTS);
    json_number(j, "latency", ISA_MAX_LATENCY);
    json_number(j, "vlen", ISA_MAX_VLEN);
    json_number(j, "scratch", ISA_MAX_SCRATCH);
    json_number(j, "cores", ISA_MAX_CORES);
    json_close(j, '}');
}

static void describe_machine(struct json_out *j)
{
    const struct isa_machine m = isa_default_machine();
    json_open(j, "machine", '{');
    for (unsigned e = 0; e < SHEAF_ENGINES; e++)
        json_number(j, isa_engine_name((enum isa_engine)e), m.slots[e]);
    json_number(j, "vlen", m.vlen);
    json_number(j, "scratch", m.scratch);
    json_number(j, "cores", m.cores);
    json_close(j, '}');
}

size_t sheaf_describe(char *text, size_t size)
{
    struct text t = {0};
    struct json_out j = {.text = &t};
    json_open(&j, NULL, '{');
    json_text(&j, "version", SHEAF_VERSION);
    json_open(&j, "engines", '[');
    for (unsigned e = 0; e < SHEAF_ENGINES; e++)
        json_text(&j, NULL, isa_engine_name((enum isa_engine)e));
    json_close(&j, ']');
    json_open(&j, "simulators", '[');
    for (unsigned e = 0; e < SIM_SIMULATORS; e++)
        json_text(&j, NULL, sim_simulator_name((enum sim_simulator)e));
    json_close(&j, ']');
    json_open(&j, "operators", '[');
    for (unsigned op = 0; op < ISA_BINARIES; op++)
        json_text(&j, NULL, isa_info((enum isa_op)op)->name);
    json_close(&j, ']');
    describe_machine(&j);
    describe_limits(&j);
    describe_config(&j);
    json_close(&j, '}');
    return public_text(&t, text, size);
}
