#include "tools/cli/trouble.h"

#include <stdio.h>
#include <stdlib.h>

static void put(struct kw_sbuf *to, const char *format, va_list args) KW_PRINTF(2, 0);
static void put(struct kw_sbuf *to, const char *format, va_list args)
{
    char *text = NULL;

    if (vasprintf(&text, format, args) >= 0)
        kw_sbuf_put_str(to, text);
    free(text);
}

int kw_trouble(struct kw_trouble *trouble, int status, const char *format, ...)
{
    va_list args;

    kw_sbuf_reset(&trouble->text, 0);
    va_start(args, format);
    put(&trouble->text, format, args);
    va_end(args);
    trouble->status = status;
    return 1;
}

void kw_trouble_prefix(struct kw_trouble *trouble, const char *format, ...)
{
    struct kw_sbuf whole = KW_SBUF_INIT(KW_TROUBLE_MAX);
    va_list args;

    va_start(args, format);
    put(&whole, format, args);
    va_end(args);
    kw_sbuf_put_bytes(&whole, kw_sbuf_bytes(&trouble->text));
    kw_sbuf_done(&trouble->text);
    trouble->text = whole;
}

const char *kw_trouble_text(struct kw_trouble *trouble)
{
    kw_sbuf_put(&trouble->text, "", 1);
    if (!kw_sbuf_ok(&trouble->text))
        return "there is no memory left to say why";
    trouble->text.len--;
    return (const char *)trouble->text.ptr;
}

void kw_trouble_done(struct kw_trouble *trouble)
{
    kw_sbuf_done(&trouble->text);
}
