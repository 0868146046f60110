/*
 * Configuration in YAML, by libyaml's events. Of YAML it takes one flat mapping:
 * no anchors, aliases or tags, and the first thing nested too deep is an error, so
 * the depth of what is read never passes 3.
 */
#include "base/option_internal.h"

#include "base/mem.h"

#include <yaml.h>

struct reader {
    struct option_file *file;
    struct str text;
    yaml_parser_t parser;
    yaml_event_t event; /* the current one; zeroed when there is none */
};

/* The line, counted from 1, on which the current event begins. */
static size_t line_of(const struct reader *r)
{
    return r->event.start_mark.line + 1;
}

static struct str scalar(const struct reader *r)
{
    return (struct str){ (const char *)r->event.data.scalar.value, r->event.data.scalar.length };
}

/* Bad bytes are met while reading ahead, where libyaml has an offset and no line. */
static size_t line_at(struct str text, size_t offset)
{
    size_t line = 1;

    for (size_t i = 0; i < offset && i < text.len; i++)
        line += text.p[i] == '\n';
    return line;
}

static int syntax_error(const struct reader *r, struct err *err)
{
    const yaml_parser_t *p = &r->parser;
    size_t last = line_at(r->text, r->text.len > 0 ? r->text.len - 1 : 0);
    size_t line = p->problem_mark.line ? p->problem_mark.line + 1 : p->context_mark.line + 1;

    if (p->error == YAML_READER_ERROR)
        line = line_at(r->text, p->problem_offset);
    if (line > last) /* it ends too early: libyaml means the line that is not there */
        line = last;
    return option_file_error(r->file, line, err, "%s", p->problem ? p->problem : "not YAML");
}

static bool has_properties(const yaml_event_t *e)
{
    switch (e->type) {
    case YAML_ALIAS_EVENT:
        return true;
    case YAML_SCALAR_EVENT:
        return e->data.scalar.anchor || e->data.scalar.tag;
    case YAML_SEQUENCE_START_EVENT:
        return e->data.sequence_start.anchor || e->data.sequence_start.tag;
    case YAML_MAPPING_START_EVENT:
        return e->data.mapping_start.anchor || e->data.mapping_start.tag;
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_START_EVENT:
    case YAML_DOCUMENT_END_EVENT:
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return false;
    }
    return false;
}

static int next(struct reader *r, struct err *err)
{
    yaml_event_delete(&r->event);
    if (!yaml_parser_parse(&r->parser, &r->event)) {
        r->event = (yaml_event_t){ 0 };
        return syntax_error(r, err);
    }
    if (has_properties(&r->event))
        return option_file_error(r->file, line_of(r), err,
                                 "anchors, aliases and tags are not allowed");
    return 0;
}

/* `- a` lines, up to the end of the sequence. */
static int read_sequence(struct reader *r, const struct option *o, struct err *err)
{
    int rc = option_file_is_list(r->file, line_of(r), o, err);

    while (rc == 0 && (rc = next(r, err)) == 0) {
        if (r->event.type == YAML_SEQUENCE_END_EVENT)
            return 0;
        if (r->event.type != YAML_SCALAR_EVENT)
            return option_file_error(r->file, line_of(r), err, "%s: each item must be a plain text",
                                     o->name);
        rc = option_file_value(r->file, line_of(r), o, scalar(r), err);
    }
    return rc;
}

/* One `key: value` of a mapping below an option; the key is the current event. */
static int read_pair(struct reader *r, const struct option *o, struct err *err)
{
    AUTO(free_ptr) char *key = NULL;

    if (r->event.type != YAML_SCALAR_EVENT)
        return option_file_error(r->file, line_of(r), err, "%s: each key must be a plain text",
                                 o->name);
    size_t key_len = r->event.data.scalar.length;
    key = mem_copy(scalar(r));
    int rc = next(r, err);
    if (rc < 0)
        return rc;
    if (r->event.type != YAML_SCALAR_EVENT)
        return option_file_error(r->file, line_of(r), err, "%s: each value must be a plain text",
                                 o->name);
    return option_file_pair(r->file, line_of(r), o, (struct str){ key, key_len }, scalar(r), err);
}

static int read_mapping(struct reader *r, const struct option *o, struct err *err)
{
    int rc = option_file_is_mapping(r->file, line_of(r), o, err);

    while (rc == 0 && (rc = next(r, err)) == 0) {
        if (r->event.type == YAML_MAPPING_END_EVENT)
            return 0;
        rc = read_pair(r, o, err);
    }
    return rc;
}

static bool is_empty(const yaml_event_t *e)
{
    return e->data.scalar.length == 0 && e->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

static int read_value(struct reader *r, const struct option *o, struct err *err)
{
    int rc = next(r, err);
    if (rc < 0)
        return rc;
    if (r->event.type == YAML_SEQUENCE_START_EVENT)
        return read_sequence(r, o, err);
    if (r->event.type == YAML_MAPPING_START_EVENT)
        return read_mapping(r, o, err);
    if (is_empty(&r->event))
        return option_file_error(r->file, line_of(r), err, "%s: has no value", o->name);
    return option_file_value(r->file, line_of(r), o, scalar(r), err);
}

/* The mapping at the top: its start is the current event. */
static int read_options(struct reader *r, struct err *err)
{
    const struct option *o;
    int rc;

    if (r->event.type == YAML_SCALAR_EVENT && is_empty(&r->event))
        return 0; /* "---" and nothing more */
    if (r->event.type != YAML_MAPPING_START_EVENT)
        return option_file_error(r->file, line_of(r), err, "must be lines of KEY: VALUE");
    while ((rc = next(r, err)) == 0) {
        if (r->event.type == YAML_MAPPING_END_EVENT)
            return 0;
        if (r->event.type != YAML_SCALAR_EVENT)
            return option_file_error(r->file, line_of(r), err, "each key must be a plain text");
        rc = option_file_key(r->file, line_of(r), scalar(r), &o, err);
        if (rc == 0)
            rc = read_value(r, o, err);
        if (rc < 0)
            return rc;
    }
    return rc;
}

static int read_stream(struct reader *r, struct err *err)
{
    int rc = next(r, err); /* the stream's start */

    if (rc == 0)
        rc = next(r, err);
    if (rc < 0 || r->event.type == YAML_STREAM_END_EVENT)
        return rc;
    rc = next(r, err); /* past the document's start */
    if (rc == 0)
        rc = read_options(r, err);
    if (rc == 0)
        rc = next(r, err); /* the document's end */
    if (rc == 0)
        rc = next(r, err);
    if (rc == 0 && r->event.type != YAML_STREAM_END_EVENT)
        return option_file_error(r->file, line_of(r), err, "only one document is allowed");
    return rc;
}

int option_read_yaml(struct option_file *f, struct str text, struct err *err)
{
    struct reader r = { .file = f, .text = text };

    if (!yaml_parser_initialize(&r.parser))
        abort(); /* out of memory */
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)(text.p ? text.p : ""),
                                 text.len);
    int rc = read_stream(&r, err);
    yaml_event_delete(&r.event);
    yaml_parser_delete(&r.parser);
    return rc;
}
