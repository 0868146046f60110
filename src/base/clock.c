#include "base/clock.h"

#include "base/parse.h"

#include <assert.h>
#include <stdio.h>
#include <time.h>

static uint64_t now_us(clockid_t clock)
{
    struct timespec t;

    int rc = clock_gettime(clock, &t);
    assert(rc == 0); /* fails for an unknown clock only */
    (void)rc;
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

uint64_t clock_mono_ms(void)
{
    return now_us(CLOCK_MONOTONIC) / 1000;
}

uint64_t clock_mono_us(void)
{
    return now_us(CLOCK_MONOTONIC);
}

uint64_t clock_wall_ms(void)
{
    return now_us(CLOCK_REALTIME) / 1000;
}

void clock_rfc3339(uint64_t wall_ms, char out[CLOCK_RFC3339_SIZE])
{
    const uint64_t last_ms = UINT64_C(253402300799999); /* the end of year 9999 */
    struct tm tm;

    if (wall_ms > last_ms)
        wall_ms = last_ms;
    time_t seconds = (time_t)(wall_ms / 1000);
    (void)gmtime_r(&seconds, &tm);
    (void)snprintf(out, CLOCK_RFC3339_SIZE, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ",
                   tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec,
                   (int)(wall_ms % 1000));
}

/* Takes `digits` digits off the front, then the byte `after` unless that is 0. */
static bool take_number(struct str *text, size_t digits, char after, int *ret)
{
    uint64_t value;

    if (text->len < digits || !parse_u64_str((struct str){ text->p, digits }, &value))
        return false;
    text->p += digits;
    text->len -= digits;
    *ret = (int)value;
    if (after == 0)
        return true;
    if (text->len == 0 || text->p[0] != after)
        return false;
    text->p++;
    text->len--;
    return true;
}

/* ".5" and ".123456789"; what is finer than a millisecond is dropped. */
static bool take_fraction(struct str *text, int *ret_ms)
{
    int ms = 0, scale = 100;
    size_t i = 1;

    *ret_ms = 0;
    if (text->len == 0 || text->p[0] != '.')
        return true;
    for (; i < text->len && text->p[i] >= '0' && text->p[i] <= '9'; i++) {
        ms += (text->p[i] - '0') * scale;
        scale /= 10;
    }
    if (i == 1)
        return false;
    text->p += i;
    text->len -= i;
    *ret_ms = ms;
    return true;
}

static bool take_offset(struct str *text, int *ret_minutes)
{
    int hours, minutes;

    if (text->len == 1 && (text->p[0] == 'Z' || text->p[0] == 'z')) {
        *ret_minutes = 0;
        return true;
    }
    if (text->len != 6 || (text->p[0] != '+' && text->p[0] != '-'))
        return false;
    int sign = text->p[0] == '-' ? -1 : 1;
    text->p++;
    text->len--;
    if (!take_number(text, 2, ':', &hours) || !take_number(text, 2, 0, &minutes))
        return false;
    *ret_minutes = sign * (hours * 60 + minutes);
    return hours <= 23 && minutes <= 59;
}

static bool is_real_date(const struct tm *tm)
{
    static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    int year = tm->tm_year + 1900;
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    if (tm->tm_mon < 0 || tm->tm_mon > 11)
        return false;
    int last = days[tm->tm_mon] + (tm->tm_mon == 1 && is_leap ? 1 : 0);
    return tm->tm_mday >= 1 && tm->tm_mday <= last && tm->tm_hour <= 23 && tm->tm_min <= 59 &&
           tm->tm_sec <= 60; /* 60: a leap second */
}

static bool take_date_time(struct str *text, struct tm *ret)
{
    struct tm tm = { 0 };

    if (!take_number(text, 4, '-', &tm.tm_year) || !take_number(text, 2, '-', &tm.tm_mon) ||
        !take_number(text, 2, 0, &tm.tm_mday))
        return false;
    if (text->len == 0 || (text->p[0] != 'T' && text->p[0] != 't' && text->p[0] != ' '))
        return false;
    text->p++;
    text->len--;
    if (!take_number(text, 2, ':', &tm.tm_hour) || !take_number(text, 2, ':', &tm.tm_min) ||
        !take_number(text, 2, 0, &tm.tm_sec))
        return false;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    *ret = tm;
    return is_real_date(&tm);
}

int clock_parse_rfc3339(struct str text, uint64_t *ret_wall_ms, struct err *err)
{
    struct str rest = text;
    struct tm tm;
    int ms, offset_minutes;

    if (!take_date_time(&rest, &tm) || !take_fraction(&rest, &ms) ||
        !take_offset(&rest, &offset_minutes))
        return err_set(err, ERR_INVALID, "'%.*s' is not a time such as 2026-01-31T12:00:00Z",
                       STR_ARG(text));
    int64_t seconds = (int64_t)timegm(&tm) - (int64_t)offset_minutes * 60;
    if (seconds < 0)
        return err_set(err, ERR_INVALID, "'%.*s' is before 1970", STR_ARG(text));
    *ret_wall_ms = (uint64_t)seconds * 1000 + (uint64_t)ms;
    return 0;
}
