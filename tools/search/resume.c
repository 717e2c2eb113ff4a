/* How far a search is, as a file beside its record:
 *
 *     sheaf-search 1
 *     for tree_hash:best values height=10, rounds=16, batch=256
 *     seed 1 evaluations 60000 fresh 0 there inf
 *     merged 17 searched 25500 milestones 2
 *     after 9 cost 0x1.b6p+9 bytes 28872      and so many bytes of a record; cost inf: none
 *     ...
 *     end
 */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/file.h"
#include "tools/search/plan.h"

enum { MAX_FILE = 1 << 30 };

static void head(const struct search_plan *p, bool fresh, struct text *out)
{
    text_addf(out, "sheaf-search 1\nfor %s\nseed %" PRIu64 " evaluations %" PRIu64 " fresh %d ", p->title,
              p->seed, p->evaluations, fresh);
}

enum status search_plan_save(const struct search_plan *p, const char *path, bool fresh, double there,
                             struct diag *d)
{
    struct text t = {0};
    head(p, fresh, &t);
    text_addf(&t, "there %a\nmerged %" PRIu64 " searched %" PRIu64 " milestones %zu\n", there, p->merged,
              p->searched, p->history.n);
    for (size_t i = 0; i < p->history.n; i++) {
        const struct search_milestone *m = &p->history.at[i];
        struct text record = {0};
        if (m->best.cycles)
            tuning_write(&m->best, p->title, &record);
        text_addf(&t, "after %" PRIu64 " cost %a bytes %zu\n", m->after,
                  m->best.cycles ? m->best.cost : INFINITY, record.n);
        text_add_n(&t, record.n ? record.at : "", record.n);
        t.failed = t.failed || record.failed;
        text_free(&record);
    }
    text_add(&t, "end\n");
    const enum status status =
        text_ok(&t) ? file_replace(path, t.at, t.n, d) : diag_set(d, ST_NOMEM, "out of memory for %s", path);
    text_free(&t);
    return status;
}

/* A milestone at *at, which moves on. False with a diag when it is none. */
static bool read_milestone(struct search_plan *p, const char **at, const char *end, struct diag *d)
{
    struct search_milestone m = {0};
    size_t bytes;
    double cost;
    int used = 0;
    if (sscanf(*at, "after %" SCNu64 " cost %la bytes %zu\n%n", &m.after, &cost, &bytes, &used) != 3 ||
        !used || (*at)[used - 1] != '\n' || bytes > (size_t)(end - *at) - (size_t)used || isnan(cost))
        return false;
    *at += used;
    if (bytes && tuning_read(*at, bytes, "", p->title, &m.best, d) != ST_OK)
        return false;
    *at += bytes;
    m.best.cost = bytes ? cost : 0;
    const bool order = p->history.n ? m.after > p->history.at[p->history.n - 1].after && bytes : true;
    if (order && m.after <= p->merged && vec_push(&p->history, m))
        return true;
    tuning_free(&m.best);
    return false;
}

static bool read_rest(struct search_plan *p, const char *at, const char *end, double *there, struct diag *d)
{
    size_t milestones;
    int used = 0;
    if (sscanf(at, "there %la\nmerged %" SCNu64 " searched %" SCNu64 " milestones %zu\n%n", there, &p->merged,
               &p->searched, &milestones, &used) != 4 ||
        !used || p->merged > p->units || p->searched > p->evaluations || isnan(*there))
        return false;
    at += used;
    for (size_t i = 0; i < milestones; i++)
        if (!read_milestone(p, &at, end, d))
            return false;
    return milestones && p->history.at[0].after <= search_plan_seen(p, p->merged) && strcmp(at, "end\n") == 0;
}

enum status search_plan_load(struct search_plan *p, const char *path, bool fresh, double *there, bool *found,
                             struct diag *d)
{
    struct text same = {0};
    struct diag ignored;
    char *text;
    size_t size;
    *found = false;
    enum status status = file_read_text(path, MAX_FILE, &text, &size, d);
    if (status != ST_OK)
        return status;
    head(p, fresh, &same);
    if (!text_ok(&same)) {
        status = diag_set(d, ST_NOMEM, "out of memory for %s", path);
    } else if (strncmp(text, same.at, same.n) == 0) {
        search_plan_free(p);
        *found = read_rest(p, text + same.n, text + size, there, &ignored);
        if (!*found)
            status =
                diag_set(d, ST_INPUT, "%s: damaged; without it the search starts anew from its record", path);
    }
    text_free(&same);
    free(text);
    return status;
}
