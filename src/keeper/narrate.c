#include "keeper/narrate.h"

#include "base/json_texts.h"
#include "keeper/terminal.h"

bool narrate(void *data, struct str name, struct str json)
{
    char message[512] = "";
    const struct json_text members[] = { { "message", message, sizeof(message) } };
    struct err ignored;

    (void)data;
    if (str_eq(name, "narration") && json_texts_read(json, members, 1, &ignored) == 0) {
        terminal_write(stderr, str_of(message));
        (void)fputc('\n', stderr);
    }
    return true;
}
