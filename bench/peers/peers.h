/* peers - the parts of the benchmark of that name: key generation by keywell, OpenSSL and the libraries that
 * this build found, each in a process of its own on the same core, in rounds.
 */
#ifndef KW_BENCH_PEERS_PEERS_H
#define KW_BENCH_PEERS_PEERS_H

#include "bench/seat.h"

#define KW_PEERS_MAX 16u
/* Of a peer and a spec; further ones count for the rate, not for the quartiles. */
#define KW_PEERS_ROUNDS_MAX 1024u

/* One peer, one spec. */
struct kw_peers_cell {
    bool measured;
    struct kw_turns turns;
    double round_rates[KW_PEERS_ROUNDS_MAX]; /* pairs per second in each round */
    unsigned num_rounds;
};

struct kw_peers {
    unsigned num;
    const struct kw_side *sides[KW_PEERS_MAX];
    bool present[KW_PEERS_MAX]; /* has taken part in something */
    char versions[KW_PEERS_MAX][64];
    unsigned baseline; /* index of OpenSSL */
    bool specs[KW_SPEC_NUM];
    double seconds;
    enum kw_cpu_path path;
    unsigned cpu;
    char cpu_model[64];
    bool interrupted;
    struct kw_peers_cell cells[KW_PEERS_MAX][KW_SPEC_NUM];
};

/* kw_peers_registry() - all peers of this build, keywell first (registry.c). */
const struct kw_side *const *kw_peers_registry(size_t *ret_num);

/* kw_peers_measure() - the specs that are asked for, one after the other, each in rounds. A peer that fails
 * is named on stderr and left out. Returns: 0 | <0 (keywell or OpenSSL fails), said on stderr */
KW_MUST_CHECK int kw_peers_measure(struct kw_peers *peers);

/* Pairs per second; its multiple of OpenSSL's. NAN if there is none. */
struct kw_figure kw_peers_rate(const struct kw_peers *peers, unsigned peer, enum kw_spec spec);
struct kw_figure kw_peers_multiple(const struct kw_peers *peers, unsigned peer, enum kw_spec spec);

/* A table as in Markdown, fit for a terminal and for a README. */
void kw_peers_print(const struct kw_peers *peers);
/* Returns: 0 | negative errno */
KW_MUST_CHECK int kw_peers_write_json(const struct kw_peers *peers, const char *path);
/* A bar chart (chart.c). Returns: 0 | negative errno */
KW_MUST_CHECK int kw_peers_write_svg(const struct kw_peers *peers, const char *path);

#endif
