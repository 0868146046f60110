#include "queen/settings.h"

#include "base/buf.h"
#include "base/json.h"
#include "base/json_write.h"
#include "base/log.h"
#include "policy/knobs.h"

enum { MEMORY_BYTES_MAX = 1024 * 1024, NAME_BYTES_MAX = 128 };

/* Would JSON read it as a scalar that is no text? */
static bool is_literal(struct str value)
{
    enum json_type type;
    struct json j;
    struct err ignored;

    json_init(&j, value);
    type = json_peek(&j);
    if (type != JSON_BOOL && type != JSON_NUMBER)
        return false;
    json_skip(&j);
    return json_finish(&j, &ignored) == 0;
}

static char *value_json(struct settings *s, struct str value)
{
    struct buf quoted;
    char *copy;

    if (is_literal(value))
        return arena_copy(&s->memory, value);
    buf_init(&quoted, MEMORY_BYTES_MAX);
    json_quote(&quoted, value);
    copy = arena_copy(&s->memory, buf_str(&quoted));
    buf_deinit(&quoted);
    return copy;
}

static struct snap_option *place_of(struct settings *s, struct str name)
{
    for (size_t i = 0; i < s->len; i++) {
        if (str_eq(name, s->items[i].key))
            return &s->items[i];
    }
    return s->len < SNAP_CONFIG_MAX ? &s->items[s->len++] : NULL;
}

static int check(const struct snap_option *item, bool builtin_only, struct err *err)
{
    const struct knob *knob = knob_find(str_of(item->key));

    if (knob && knob_check(knob, item->value, err) < 0)
        return err_wrap(err, "--set %s", item->key);
    if (!knob && builtin_only)
        return err_set(err, ERR_INVALID,
                       "--set %s: the built-in policy has no such setting, and in platform mode "
                       "there is no other",
                       item->key);
    return 0;
}

static int add(struct settings *s, const char *pair, bool builtin_only, struct err *err)
{
    const char *equals = strchr(pair, '=');
    struct str name = { pair, equals ? (size_t)(equals - pair) : 0 };

    if (name.len == 0 || name.len > NAME_BYTES_MAX)
        return err_set(err, ERR_INVALID, "--set %.64s: write NAME=VALUE", pair);
    struct snap_option *item = place_of(s, name);
    if (!item)
        return err_set(err, ERR_INVALID, "--set %.64s: at most %d settings", pair, SNAP_CONFIG_MAX);
    item->key = arena_copy(&s->memory, name);
    item->value = value_json(s, str_of(equals + 1));
    if (!item->key || !item->value)
        return err_set(err, ERR_INVALID, "--set %.64s: too long", pair);
    return check(item, builtin_only, err);
}

int settings_read(struct settings *s, const struct option_list *pairs, bool builtin_only,
                  struct err *err)
{
    int rc = 0;

    arena_init(&s->memory, MEMORY_BYTES_MAX);
    s->len = 0;
    for (size_t i = 0; rc == 0 && i < pairs->len; i++)
        rc = add(s, pairs->items[i], builtin_only, err);
    if (rc < 0)
        settings_free(s);
    return rc;
}

void settings_log_unknown(const struct settings *s)
{
    for (size_t i = 0; i < s->len; i++) {
        if (!knob_find(str_of(s->items[i].key)))
            log_info("a setting that the built-in policy does not know is for policies of your own",
                     LOG_STR("set", s->items[i].key));
    }
}

void settings_free(struct settings *s)
{
    arena_deinit(&s->memory);
}
