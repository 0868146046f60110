#include "rules/tree.h"

#include "base/parse.h"

#include <assert.h>
#include <yaml.h>

struct reader {
    struct str source;
    struct arena *arena;
    struct diagnostics *d;
    yaml_parser_t parser;
    yaml_event_t event; /* the current one; zeroed when there is none */
    size_t nodes;
};

static const char *const kind_names[] = {
    [RULE_NODE_NULL] = "nothing",    [RULE_NODE_BOOL] = "true or false",
    [RULE_NODE_NUMBER] = "a number", [RULE_NODE_TEXT] = "a text",
    [RULE_NODE_LIST] = "a list",     [RULE_NODE_MAPPING] = "a mapping",
};

const char *rule_node_kind_name(enum rule_node_kind kind)
{
    return kind_names[kind];
}

struct rule_node *rule_node_get(const struct rule_node *mapping, const char *name)
{
    struct rule_node *member =
        mapping && mapping->kind == RULE_NODE_MAPPING ? mapping->first : NULL;

    while (member && !str_eq(member->key->text, name))
        member = member->next;
    return member;
}

static size_t count_digits(struct str s, size_t from)
{
    size_t i = from;

    while (i < s.len && s.p[i] >= '0' && s.p[i] <= '9')
        i++;
    return i - from;
}

/* JSON's numbers: no sign but '-', no leading zeros, no other bases. */
static bool is_decimal(struct str s)
{
    size_t i = s.len > 0 && s.p[0] == '-';
    size_t digits = count_digits(s, i);

    if (digits == 0 || (digits > 1 && s.p[i] == '0'))
        return false;
    i += digits;
    if (i < s.len && s.p[i] == '.') {
        digits = count_digits(s, i + 1);
        if (digits == 0)
            return false;
        i += 1 + digits;
    }
    if (i < s.len && (s.p[i] == 'e' || s.p[i] == 'E')) {
        i += 1 + (i + 1 < s.len && (s.p[i + 1] == '-' || s.p[i + 1] == '+'));
        digits = count_digits(s, i);
        if (digits == 0)
            return false;
        i += digits;
    }
    return i == s.len;
}

void rule_node_type(struct rule_node *node)
{
    struct str s = node->text;

    if (s.len == 0 || str_eq(s, "null")) {
        node->kind = RULE_NODE_NULL;
    } else if (str_eq(s, "true") || str_eq(s, "false")) {
        node->kind = RULE_NODE_BOOL;
        node->is_true = s.p[0] == 't';
    } else if (is_decimal(s)) {
        node->is_integer = parse_i64_str(s, &node->integer);
        if (node->is_integer || parse_double_str(s, &node->real))
            node->kind = RULE_NODE_NUMBER;
    }
}

/* What YAML 1.1 calls a boolean or nothing, and we do not. */
static bool looks_typed(struct str s)
{
    static const char *const words[] = { "yes", "no",   "on",    "off",  "y",
                                         "n",   "true", "false", "null", "~" };

    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (str_ieq(s, words[i]))
            return true;
    }
    return false;
}

/* The place of a byte, where libyaml tells only its offset. */
static void place_of(struct str source, size_t offset, unsigned *ret_line, unsigned *ret_column)
{
    *ret_line = *ret_column = 1;
    for (size_t i = 0; i < offset && i < source.len; i++) {
        if (source.p[i] == '\n') {
            ++*ret_line;
            *ret_column = 1;
        } else if ((source.p[i] & 0xc0) != 0x80) {
            ++*ret_column;
        }
    }
}

static struct rule_node *refuse(struct reader *r, unsigned line, unsigned column, const char *text)
{
    diagnostics_add(r->d, false, line, column, "%s", text);
    return NULL;
}

static struct rule_node *refuse_event(struct reader *r, const char *text)
{
    yaml_mark_t mark = r->event.start_mark;

    return refuse(r, (unsigned)mark.line + 1, (unsigned)mark.column + 1, text);
}

static void refuse_syntax(struct reader *r)
{
    const yaml_parser_t *p = &r->parser;
    const char *problem = p->problem ? p->problem : "this is not YAML";
    unsigned line, column, last_line, last_column;

    place_of(r->source, r->source.len, &last_line, &last_column);
    if (p->error == YAML_READER_ERROR) {
        place_of(r->source, p->problem_offset, &line, &column);
    } else {
        yaml_mark_t mark = p->problem_mark.index ? p->problem_mark : p->context_mark;
        line = (unsigned)mark.line + 1;
        column = (unsigned)mark.column + 1;
    }
    if (line > last_line) { /* it ends too early: libyaml means the line after the last */
        line = last_line;
        column = last_column;
    }
    if (p->context)
        diagnostics_add(r->d, false, line, column, "not YAML: %s %s", p->context, problem);
    else
        diagnostics_add(r->d, false, line, column, "not YAML: %s", problem);
}

static bool has_properties(const yaml_event_t *e)
{
    switch (e->type) {
    case YAML_SCALAR_EVENT:
        return e->data.scalar.anchor || e->data.scalar.tag;
    case YAML_SEQUENCE_START_EVENT:
        return e->data.sequence_start.anchor || e->data.sequence_start.tag;
    case YAML_MAPPING_START_EVENT:
        return e->data.mapping_start.anchor || e->data.mapping_start.tag;
    case YAML_ALIAS_EVENT:
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

static bool next(struct reader *r)
{
    yaml_event_delete(&r->event);
    if (!yaml_parser_parse(&r->parser, &r->event)) {
        r->event = (yaml_event_t){ 0 };
        refuse_syntax(r);
        return false;
    }
    if (r->event.type == YAML_ALIAS_EVENT) {
        refuse_event(r, "aliases (*name) are not allowed; write the value out");
        return false;
    }
    if (has_properties(&r->event)) {
        refuse_event(r, "anchors (&name) and tags (!name) are not allowed");
        return false;
    }
    return true;
}

static struct rule_node *new_node(struct reader *r, enum rule_node_kind kind)
{
    if (++r->nodes > RULE_TREE_NODES_MAX)
        return refuse_event(r, "too many values for one policy; at most 32768 are read");
    struct rule_node *node = arena_alloc(r->arena, sizeof(*node));
    assert(node); /* the caller's arena has room for as many as are allowed */
    node->kind = kind;
    node->line = (unsigned)r->event.start_mark.line + 1;
    node->column = (unsigned)r->event.start_mark.column + 1;
    return node;
}

static size_t count_characters(struct str s)
{
    size_t count = 0;

    for (size_t i = 0; i < s.len; i++)
        count += (s.p[i] & 0xc0) != 0x80;
    return count;
}

static size_t count_byte(struct str s, char byte)
{
    size_t count = 0;

    for (size_t i = 0; i < s.len; i++)
        count += s.p[i] == byte;
    return count;
}

/* Between its marks stand the text, its quotes, and a second one for each ' inside '. */
static void set_layout(struct rule_node *node, const yaml_event_t *e)
{
    size_t width = count_characters(node->text);

    if (e->data.scalar.style == YAML_SINGLE_QUOTED_SCALAR_STYLE)
        node->quote = '\'';
    if (e->data.scalar.style == YAML_DOUBLE_QUOTED_SCALAR_STYLE)
        node->quote = '"';
    width += node->quote ? 2 : 0;
    width += node->quote == '\'' ? count_byte(node->text, '\'') : 0;
    node->is_verbatim = e->start_mark.line == e->end_mark.line &&
                        e->end_mark.column - e->start_mark.column == width;
}

void rule_node_place(const struct rule_node *node, size_t offset, unsigned *ret_line,
                     unsigned *ret_column)
{
    struct str before = { node->text.p, offset };
    size_t width = count_characters(before);

    *ret_line = node->line;
    *ret_column = node->column;
    if (!node->is_verbatim)
        return;
    width += node->quote ? 1 : 0;
    width += node->quote == '\'' ? count_byte(before, '\'') : 0;
    *ret_column += (unsigned)width;
}

static struct rule_node *read_scalar(struct reader *r, bool is_key)
{
    struct rule_node *node = new_node(r, RULE_NODE_TEXT);
    yaml_scalar_style_t style = r->event.data.scalar.style;

    if (!node)
        return NULL;
    struct str text = { (const char *)r->event.data.scalar.value, r->event.data.scalar.length };
    node->text = (struct str){ arena_copy(r->arena, text), text.len };
    assert(node->text.p);
    if (memchr(node->text.p, '\0', node->text.len))
        return refuse_event(r, "a NUL character (\\0) is not allowed in a text");
    set_layout(node, &r->event);
    if (style != YAML_PLAIN_SCALAR_STYLE)
        return node;
    if (is_key && str_eq(node->text, "<<"))
        return refuse_event(r, "merge keys (<<) are not allowed; write the members out");
    rule_node_type(node);
    node->looks_typed = node->kind == RULE_NODE_TEXT && looks_typed(node->text);
    return node;
}

static struct rule_node *read_node(struct reader *r, unsigned depth);

static bool is_twice(struct reader *r, const struct rule_node *mapping, const struct rule_node *key)
{
    const struct rule_node *earlier = rule_node_get(mapping, key->text.p);

    if (!earlier)
        return false;
    diagnostics_add(r->d, false, key->line, key->column,
                    "'%s' stands twice in one mapping; first on line %u", key->text.p,
                    earlier->key->line);
    return true;
}

static void append(struct rule_node *parent, struct rule_node **last, struct rule_node *child)
{
    if (*last)
        (*last)->next = child;
    else
        parent->first = child;
    *last = child;
    parent->len++;
}

/* The mapping's start is the current event; its end will be. */
static struct rule_node *read_mapping(struct reader *r, unsigned depth)
{
    struct rule_node *mapping = new_node(r, RULE_NODE_MAPPING), *last = NULL;

    if (!mapping)
        return NULL;
    while (next(r)) {
        if (r->event.type == YAML_MAPPING_END_EVENT)
            return mapping;
        if (r->event.type != YAML_SCALAR_EVENT)
            return refuse_event(r, "a key must be a plain text");
        if (mapping->len == RULE_TREE_MEMBERS_MAX)
            return refuse_event(r, "too many members in one mapping; at most 256 are allowed");
        struct rule_node *key = read_scalar(r, true);
        if (!key || !next(r))
            return NULL;
        struct rule_node *value = read_node(r, depth + 1);
        if (!value)
            return NULL;
        value->key = key;
        if (!is_twice(r, mapping, key))
            append(mapping, &last, value);
    }
    return NULL;
}

static struct rule_node *read_list(struct reader *r, unsigned depth)
{
    struct rule_node *list = new_node(r, RULE_NODE_LIST), *last = NULL;

    if (!list)
        return NULL;
    while (next(r)) {
        if (r->event.type == YAML_SEQUENCE_END_EVENT)
            return list;
        struct rule_node *item = read_node(r, depth + 1);
        if (!item)
            return NULL;
        append(list, &last, item);
    }
    return NULL;
}

static struct rule_node *read_node(struct reader *r, unsigned depth)
{
    if (depth > RULE_TREE_DEPTH_MAX)
        return refuse_event(r, "nested too deep; at most 32 levels are allowed");
    if (r->event.type == YAML_MAPPING_START_EVENT)
        return read_mapping(r, depth);
    if (r->event.type == YAML_SEQUENCE_START_EVENT)
        return read_list(r, depth);
    return read_scalar(r, false);
}

static struct rule_node *read_stream(struct reader *r)
{
    if (!next(r) || !next(r)) /* the stream's start, the document's */
        return NULL;
    if (r->event.type == YAML_STREAM_END_EVENT)
        return refuse(r, 1, 1, "there is only a comment here; a policy has rules");
    struct rule_node *root = next(r) ? read_node(r, 1) : NULL;
    if (!root || !next(r) || !next(r)) /* the document's end */
        return NULL;
    if (r->event.type != YAML_STREAM_END_EVENT)
        return refuse_event(r, "only one document is allowed in a policy");
    return root;
}

struct rule_node *rule_tree_read(struct str source, struct arena *arena, struct diagnostics *d)
{
    struct reader r = { .source = source, .arena = arena, .d = d };

    if (!yaml_parser_initialize(&r.parser))
        abort(); /* out of memory */
    yaml_parser_set_encoding(&r.parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)(source.p ? source.p : ""),
                                 source.len);
    struct rule_node *root = read_stream(&r);
    yaml_event_delete(&r.event);
    yaml_parser_delete(&r.parser);
    return root;
}
