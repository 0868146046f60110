/* labels_json - labels as the JSON object that they are on the wire. */
#pragma once

#include "base/json.h"
#include "base/json_write.h"
#include "base/labels.h"

/* The next value, an object of strings, over what `ret` holds. A label that cannot be
 * one fails the reader. */
void labels_read(struct json *j, struct labels *ret);

/* As the member `labels`. */
void labels_write(struct json_out *o, const struct labels *labels);
