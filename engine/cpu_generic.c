#include "engine/cpu.h"

enum kw_cpu_path kw_cpu_detect(void)
{
    return KW_CPU_PORTABLE;
}

/* Outside x86 no instruction that a program may use tells the brand. */
void kw_cpu_model(char ret[64])
{
    memset(ret, 0, 64);
    strcpy(ret, "unknown CPU");
}
