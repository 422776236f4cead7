#include "bench/cputime.h"

#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

/* The first len bytes of a small file, as a string; false if there is none. */
static bool read_text(const char *folder, const char *task, const char *name, char *ret, size_t cap)
{
    char path[300];
    ssize_t len;
    int fd;

    snprintf(path, sizeof(path), "%s/%s/%s", folder, task, name);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    len = read(fd, ret, cap - 1);
    close(fd);
    ret[KW_MAX(len, 0)] = '\0';
    return len > 0;
}

/* Sum of the run times of the tasks below folder whose names begin with prefix, in seconds. */
static double sum(const char *folder, const char *prefix)
{
    DIR *tasks = opendir(folder);
    const struct dirent *task;
    double total = 0;

    if (tasks == NULL)
        return NAN;
    while ((task = readdir(tasks)) != NULL) {
        char text[128];

        if (task->d_name[0] < '0' || task->d_name[0] > '9' ||
            !read_text(folder, task->d_name, "comm", text, sizeof(text)) ||
            strncmp(text, prefix, strlen(prefix)) != 0)
            continue;
        if (read_text(folder, task->d_name, "schedstat", text, sizeof(text)))
            total += (double)strtoull(text, NULL, 10) / 1e9;
    }
    closedir(tasks);
    return total;
}

double kw_cputime_process(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

double kw_cputime_threads(const char *prefix)
{
    return sum("/proc/self/task", prefix);
}

double kw_cputime_kworkers(void)
{
    return sum("/proc", "kworker");
}
