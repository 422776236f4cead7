#include "api/store.h"

#include <sys/eventfd.h>
#include <unistd.h>

int kw_mailbox_init(struct kw_mailbox *mailbox)
{
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

    KW_REQUIRE(fd >= 0, -errno);
    kw_inbox_init(&mailbox->inbox);
    mailbox->eventfd = fd;
    return 0;
}

void kw_mailbox_done(struct kw_mailbox *mailbox)
{
    kw_assert(kw_inbox_take(&mailbox->inbox) == NULL);
    close(mailbox->eventfd);
    mailbox->eventfd = -1;
}

void kw_mailbox_post(struct kw_mailbox *mailbox, struct kw_inbox_node *node)
{
    const uint64_t one = 1;
    int fd =
        mailbox->eventfd; /* the node may be gone, and the mailbox with it, once the write has been seen */
    ssize_t done;

    if (!kw_inbox_push(&mailbox->inbox, node))
        return; /* whoever found it empty wakes the reader, who then takes all */
    do {
        done = write(fd, &one, sizeof(one));
    } while (done < 0 && errno == EINTR);
    /* EAGAIN would mean 2^64 wake-ups not yet read: not in this universe. */
    kw_assert(done == sizeof(one));
}
