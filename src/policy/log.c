/* What a policy writes down. */
#include "policy/state.h"

/* As much of the text as fits, in whole characters. */
static struct str cut(struct str text, size_t room)
{
    if (text.len <= room)
        return text;
    text.len = room;
    while (text.len > 0 && ((unsigned char)text.p[text.len] & 0xC0) == 0x80)
        text.len--;
    return text;
}

void policy_log(struct policy *p, const char *level, struct str text)
{
    struct policy_answer *a = p->answer;
    size_t level_len = strlen(level), around = level_len + 2; /* a space and a newline */

    if (!a || a->log_cut)
        return;
    size_t room = sizeof(a->log) - a->log_len;
    struct str line = cut(text, room > around ? room - around : 0);
    a->log_cut = room < around || line.len < text.len;
    if (room < around || (line.len == 0 && text.len > 0))
        return;
    char *at = a->log + a->log_len;
    memcpy(at, level, level_len);
    at[level_len] = ' ';
    for (size_t i = 0; i < line.len; i++) {
        unsigned char byte = (unsigned char)line.p[i];
        at[level_len + 1 + i] = (char)(byte < 32 || byte == 127 ? ' ' : byte);
    }
    at[level_len + 1 + line.len] = '\n';
    a->log_len += around + line.len;
}
