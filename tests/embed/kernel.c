/* z = 3 x + y on arrays of 256 words: a kernel of one's own, built, run and measured. */
#include <sheaf_builder.h>
#include <stdio.h>

int main(void)
{
    static uint32_t memory[768]; /* x, y, z */
    static const struct sheaf_range x = {0, 256}, y = {256, 256}, z = {512, 256};
    struct sheaf_report report;
    struct sheaf_error error;
    char text[1024];
    for (uint32_t i = 0; i < 512; i++)
        memory[i] = i;

    struct sheaf_kernel *k = sheaf_kernel_create(NULL);
    const struct sheaf_reg three = sheaf_vconst(k, 3);
    const struct sheaf_reg at = sheaf_for(k, 0, 256, 64);
    for (uint32_t i = 0; i < 64; i += 8) { /* eight vectors an iteration */
        const struct sheaf_reg a = sheaf_vload_in(k, sheaf_offset(k, at, i), x);
        const struct sheaf_reg b = sheaf_vload_in(k, sheaf_offset(k, at, 256 + i), y);
        sheaf_store_in(k, sheaf_offset(k, at, 512 + i), sheaf_multiply_add(k, a, three, b), z);
    }
    sheaf_end_for(k);

    if (sheaf_kernel_run(k, memory, 768, &report, &error) != SHEAF_OK)
        return puts(error.text), 1;
    sheaf_report_text(&report, text, sizeof text);
    printf("%sz[255]     %u\n", text, (unsigned)memory[767]);
    sheaf_kernel_destroy(k);
    return 0;
}
