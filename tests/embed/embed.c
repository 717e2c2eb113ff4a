/* The library in a program of one's own, through the public header alone: sums the
 * first words of memory in a loop, then shows what a fault looks like. */
#include <sheaf.h>
#include <stdio.h>
#include <string.h>

static const char sum[] = "[{\"load\": [[\"const\", 1, 3], [\"const\", 2, 1]]},"
                          " {\"load\": [[\"load\", 3, 1]], \"alu\": [[\"-\", 1, 1, 2]]},"
                          " {\"alu\": [[\"+\", 0, 0, 3]], \"flow\": [[\"cond_jump\", 1, 1]]},"
                          " {\"store\": [[\"store\", 1, 0]]},"
                          " {\"alu\": [[\"//\", 4, 2, 1]]}]";

int main(void)
{
    struct sheaf_program *program;
    struct sheaf_machine *machine;
    struct sheaf_error error;
    struct sheaf_fault fault;
    const uint32_t memory[4] = {0, 10, 20, 30};

    if (sheaf_program_parse_json(sum, strlen(sum), "sum", &program, &error) != SHEAF_OK ||
        sheaf_machine_create(program, NULL, memory, 4, &machine, &error) != SHEAF_OK) {
        puts(error.text);
        return 1;
    }
    const enum sheaf_end end = sheaf_run(machine);
    printf("cycle %u: the sum is %u\n", (unsigned)sheaf_cycle(machine),
           (unsigned)sheaf_memory(machine, NULL)[0]);
    if (end == SHEAF_FAULTED && sheaf_fault(machine, &fault))
        printf("%s in bundle %d, %s slot %u `%s`: %s\n", fault.kind, (int)fault.pc, fault.engine,
               (unsigned)fault.slot, fault.slot_text, fault.what);
    sheaf_machine_destroy(machine);
    sheaf_program_destroy(program);
    return 0;
}
