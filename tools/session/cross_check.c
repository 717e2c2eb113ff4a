#include <inttypes.h>
#include <string.h>

#include "tools/session/execute.h"

/* Appends the first difference of two arrays of words. */
static bool words_differ(const char *what, uint32_t core, const uint32_t *step, const uint32_t *fast,
                         size_t n, struct text *out)
{
    size_t i = 0;
    while (i < n && step[i] == fast[i])
        i++;
    if (i == n)
        return false;
    text_addf(out, "%s word %zu of core %u: step %u, fast %u", what, i, core, step[i], fast[i]);
    return true;
}

static bool numbers_differ(const char *what, uint64_t step, uint64_t fast, struct text *out)
{
    if (step == fast)
        return false;
    text_addf(out, "%s: step %" PRIu64 ", fast %" PRIu64, what, step, fast);
    return true;
}

static bool cores_differ(const struct sim *step, const struct sim *fast, uint32_t core, struct text *out)
{
    const struct sim_core *a = &step->cores[core], *b = &fast->cores[core];
    return numbers_differ("pc", (uint64_t)a->pc, (uint64_t)b->pc, out) ||
           numbers_differ("core state", a->state, b->state, out) ||
           words_differ("scratch", core, a->scratch, b->scratch, step->config.machine.scratch, out) ||
           numbers_differ("words of trace", a->trace.n, b->trace.n, out) ||
           words_differ("trace", core, a->trace.at, b->trace.at, a->trace.n, out);
}

void cross_check(const struct sim *step, const struct sim *fast, struct text *out)
{
    struct text a = {0}, b = {0};
    sim_fault_text(step, &a);
    sim_fault_text(fast, &b);
    const bool faulted = step->fault.kind != FAULT_NONE || fast->fault.kind != FAULT_NONE;
    if (faulted && text_ok(&a) && text_ok(&b) && strcmp(a.at, b.at) != 0) {
        text_addf(out, "fault: step %s; fast %s", a.at, b.at);
    } else if (!numbers_differ("cycles", step->cycle, fast->cycle, out) &&
               !numbers_differ("rounds", step->rounds, fast->rounds, out) &&
               !numbers_differ("double writes", step->double_writes, fast->double_writes, out) &&
               !words_differ("memory", 0, step->mem, fast->mem, step->mem_words, out)) {
        uint32_t c = 0;
        while (c < step->config.machine.cores && !cores_differ(step, fast, c, out))
            c++;
    }
    text_free(&a);
    text_free(&b);
}
