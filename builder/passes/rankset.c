#include "builder/passes/rankset.h"

size_t rankset_words(uint32_t n)
{
    size_t words = 0;
    unsigned levels = 0;
    do {
        n = n / 64 + 1;
        words += n;
        levels++;
    } while (n > 1 && levels < RANKSET_LEVELS);
    return words;
}

void rankset_init(struct rankset *s, uint32_t n, uint64_t *words)
{
    *s = (struct rankset){.levels = 0};
    do {
        n = n / 64 + 1;
        s->level[s->levels++] = words;
        words += n;
    } while (n > 1 && s->levels < RANKSET_LEVELS);
}
