#include "tools/terminal.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

bool kw_terminal_colours(bool is_terminal, bool refused, const char *no_color, const char *term)
{
    bool wanted = !refused && (no_color == NULL || no_color[0] == '\0');

    return is_terminal && wanted && (term == NULL || strcmp(term, "dumb") != 0);
}

bool kw_terminal_colours_here(bool refused)
{
    return kw_terminal_colours(isatty(STDOUT_FILENO) == 1, refused, getenv("NO_COLOR"), getenv("TERM"));
}

void kw_terminal_size(unsigned *ret_columns, unsigned *ret_rows)
{
    struct winsize size = {.ws_col = 0};
    bool known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0;

    *ret_columns = known && size.ws_col > 0 ? size.ws_col : 80;
    *ret_rows = known && size.ws_row > 0 ? size.ws_row : 24;
}
