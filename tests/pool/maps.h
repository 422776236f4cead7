/* maps - what /proc/self/maps and smaps say of the mapping that holds an address. */
#ifndef KW_TESTS_POOL_MAPS_H
#define KW_TESTS_POOL_MAPS_H

#include "pool/base.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct maps_entry {
    uintptr_t start;
    uintptr_t end;
    char access[5];  /* rw-p */
    char flags[256]; /* VmFlags, " rd wr ... " */
    unsigned long rss_kib;
};

static inline bool maps_find(uintptr_t addr, struct maps_entry *ret)
{
    FILE *file = fopen("/proc/self/smaps", "re");
    bool inside = false, found = false;
    char line[1024];

    kw_assert(file != NULL);
    while (fgets(line, sizeof(line), file) != NULL) {
        unsigned long start, end;
        char access[5];
        if (sscanf(line, "%lx-%lx %4s", &start, &end, access) == 3) {
            inside = addr >= start && addr < end;
            if (inside) {
                found = true;
                *ret = (struct maps_entry){.start = start, .end = end};
                memcpy(ret->access, access, sizeof(ret->access));
            }
        } else if (inside && strncmp(line, "VmFlags:", 8) == 0) {
            snprintf(ret->flags, sizeof(ret->flags), "%.*s ", (int)strcspn(line + 8, "\n"), line + 8);
        } else if (inside && strncmp(line, "Rss:", 4) == 0) {
            kw_assert(sscanf(line + 4, "%lu", &ret->rss_kib) == 1);
        }
    }
    fclose(file);
    return found;
}

/* Resident memory of the whole process. */
static inline unsigned long maps_resident_kib(void)
{
    FILE *file = fopen("/proc/self/smaps_rollup", "re");
    unsigned long kib = 0;
    char line[1024];

    kw_assert(file != NULL);
    while (fgets(line, sizeof(line), file) != NULL) {
        if (sscanf(line, "Rss: %lu", &kib) == 1)
            break;
    }
    fclose(file);
    return kib;
}

/* flag is two letters between spaces: " dd ". */
static inline bool maps_has_flag(const struct maps_entry *entry, const char *flag)
{
    return strstr(entry->flags, flag) != NULL;
}

#endif
