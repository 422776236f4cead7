#include "api/snapshot.h"

/* Why no reader holds freed memory. A reader announces the picture (H1) and then looks whether it is still
 * the current one (C1); the writer replaces the current one (C2) and then looks who announced the old one
 * (H3). All four are sequentially consistent, so of one reader and one writer at least one sees the other:
 * either C1 sees the new picture and the reader starts again, or H3 sees the announcement and the writer
 * keeps the old one. Each announcement keeps at most one picture, so the list of retired ones has an end.
 *
 * A reader starts again only if the writer published in between: it is the writer's progress that costs it
 * a turn, and a stopped writer costs it nothing. The writer never waits for a reader. */

void kw_snapshot_cell_init(struct kw_snapshot_cell *cell)
{
    atomic_init(&cell->current, NULL);
    for (size_t i = 0; i < KW_SNAPSHOT_READERS_MAX; i++)
        atomic_init(&cell->reader[i].hazard, NULL);
    atomic_init(&cell->num_readers, 0);
    cell->num_retired = 0;
}

int kw_snapshot_reader_add(struct kw_snapshot_cell *cell, uint32_t *ret_reader)
{
    /* Relaxed: it only hands out numbers; the writer looks at all places, used or not. */
    uint32_t reader = atomic_load_explicit(&cell->num_readers, memory_order_relaxed);

    do {
        KW_REQUIRE(reader < KW_SNAPSHOT_READERS_MAX, -ENOSPC);
    } while (!atomic_compare_exchange_weak_explicit(
        &cell->num_readers, &reader, reader + 1, memory_order_relaxed, memory_order_relaxed));
    *ret_reader = reader;
    return 0;
}

const struct kw_snapshot *kw_snapshot_acquire(struct kw_snapshot_cell *cell, uint32_t reader)
{
    struct kw_snapshot *announced, *current;

    kw_assert(reader < KW_SNAPSHOT_READERS_MAX);
    /* Relaxed: only this thread writes its place. */
    kw_assert(atomic_load_explicit(&cell->reader[reader].hazard, memory_order_relaxed) == NULL);

    /* Relaxed: a guess that C1 confirms. */
    current = atomic_load_explicit(&cell->current, memory_order_relaxed);
    do {
        announced = current;
        atomic_store_explicit(&cell->reader[reader].hazard, announced, memory_order_seq_cst); /* H1 */
        /* C1 pairs with C2: what the writer put into the picture is visible. */
        current = atomic_load_explicit(&cell->current, memory_order_seq_cst); /* C1 */
    } while (current != announced);
    return announced;
}

void kw_snapshot_release(struct kw_snapshot_cell *cell, uint32_t reader)
{
    kw_assert(reader < KW_SNAPSHOT_READERS_MAX);
    /* H2 pairs with H3: what the reader read happens before the writer frees it. */
    atomic_store_explicit(&cell->reader[reader].hazard, NULL, memory_order_release); /* H2 */
}

static bool announced_by_any(struct kw_snapshot_cell *cell, const struct kw_snapshot *snapshot)
{
    for (size_t i = 0; i < KW_SNAPSHOT_READERS_MAX; i++) {
        if (atomic_load_explicit(&cell->reader[i].hazard, memory_order_seq_cst) == snapshot) /* H3 */
            return true;
    }
    return false;
}

static void free_unread(struct kw_snapshot_cell *cell)
{
    size_t num_kept = 0;

    for (size_t i = 0; i < cell->num_retired; i++) {
        if (announced_by_any(cell, cell->retired[i]))
            cell->retired[num_kept++] = cell->retired[i];
        else
            kw_snapshot_free(cell->retired[i]);
    }
    cell->num_retired = num_kept;
}

void kw_snapshot_publish(struct kw_snapshot_cell *cell, struct kw_snapshot *next)
{
    struct kw_snapshot *old = atomic_exchange_explicit(&cell->current, next, memory_order_seq_cst); /* C2 */

    if (old != NULL) {
        kw_assert(cell->num_retired < KW_ARRAY_LEN(cell->retired));
        cell->retired[cell->num_retired++] = old;
    }
    free_unread(cell);
    kw_assert(cell->num_retired <= KW_SNAPSHOT_READERS_MAX);
}

void kw_snapshot_cell_done(struct kw_snapshot_cell *cell)
{
    kw_snapshot_publish(cell, NULL);
    kw_assert(cell->num_retired == 0);
}
