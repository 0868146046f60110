/* policy_texts - texts for authors of policies that are built into the queen. */
#pragma once

#include <stddef.h>

struct embedded_text {
    const char *name, *text;
    size_t len;
};

/* The platform policy, then policies/templates/, by their files' names; a row without a name
 * is the end. Made by tools/embed_texts.py. */
extern const struct embedded_text policy_templates[];

extern const char rules_schema[]; /* policies/rules.schema.json */
extern const size_t rules_schema_len;
extern const char policy_api_json[]; /* docs/policies/api.json */
extern const size_t policy_api_json_len;
