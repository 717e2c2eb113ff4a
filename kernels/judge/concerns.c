/* What a grader should worry about. Each answer is a fact of this judge that the tests try to break. */
#include "kernels/judge/judge.h"

static const struct judge_concern concerns[] = {
    {"the submission runs code on the host", "it is data: a list of bundles, read by a parser that is "
                                             "fuzzed; nothing in it is executed but by the machine"},
    {"it changes the grader: the simulator, the limits, the clock",
     "the machine is in another language and process than a submission's author can reach; slots, vector "
     "length, "
     "scratch and cores are the judge's, whatever the program's own object says"},
    {"it knows the inputs beforehand", "seeds come from the system's randomness unless --seed is given; use "
                                       "--seed only to look into a failure"},
    {"it is right on small numbers only",
     "data is drawn with 30 and with 32 bits, and every other kind that the contract admits"},
    {"it is right on ordinary data only",
     "inputs have shapes: ties, equal scores, extremes, sorted data, one crowded expert, contests that one "
     "decides; the report counts them"},
    {"it is right on one input by luck",
     "100 inputs by default, each compared word by word; the worst cycles count"},
    {"it reads the answer from where the harness left it",
     "an instance's memory holds its image and nothing else; reads beyond it are faults; scratch starts at "
     "zero"},
    {"it carries something over from one input to the next",
     "every input starts from its own image, with scratch, trace and counters at zero"},
    {"it leaves the indices wrong where they count",
     "--contract indices compares values and indices, full every word; the verdict names its contract"},
    {"it writes what the contract leaves free",
     "allowed by `values`; words changed outside are in the warnings"},
    {"it stops early, pauses, or skips the debug checks",
     "only what is in memory at the end counts; pauses and debug slots do nothing here"},
    {"it counts fewer cycles than it takes",
     "the judge's own counter: every bundle that names an engine other than debug costs one cycle"},
    {"it puts too many slots into a bundle",
     "slot_limit, found when the bundle is reached, on every simulator"},
    {"two slots of a bundle write one word",
     "the later one stays, as on the reference machine; counted in the "
     "warnings; --strict makes it a fault"},
    {"it never ends, or is made to be slow",
     "limits of cycles, of rounds and slots that cost none, and of time, each its own verdict; the clock is "
     "looked at every few milliseconds of work, that of making inputs included"},
    {"it is huge: gigabytes of constants, nested without end",
     "a limit of size, a limit of depth and none of recursion in the parser; memory that runs out is a "
     "verdict"},
    {"it makes lanes fault that the author never looks at",
     "a division by zero or an address out of range in any lane is a fault with its lane, cycle and slot"},
};

const struct judge_concern *judge_concern(unsigned i)
{
    return i < sizeof concerns / sizeof *concerns ? &concerns[i] : NULL;
}
