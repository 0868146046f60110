/*
 * file_list - which policy files there are: the --scheduler FILE, then drop-ins in the order
 * of their names; and what is known of each. For policy_files.c alone.
 */
#pragma once

#include "base/crypto.h"
#include "base/err.h"
#include "release/store.h"

#include <limits.h>

enum { FILE_LIST_MAX = 64 }; /* drop-ins; more are passed over */

struct policy_file {
    char path[PATH_MAX];
    char name[SCRIPT_NAME_SIZE]; /* its policy's; "" until it was taken */
    char hash[SHA256_HEX_SIZE];  /* of the text that was looked at last; "": none */
    char error[sizeof(((struct err *)0)->msg)];
    bool is_main; /* --scheduler FILE: always there, the others while they are listed */
    bool is_gone; /* and that was said */
};

struct file_list {
    const char *main, *dir;                       /* borrowed; NULL: none */
    struct policy_file *items[FILE_LIST_MAX + 1]; /* the main one first, if there is one */
    size_t len;
};
void file_list_init(struct file_list *l, const char *main, const char *dir);
void file_list_deinit(struct file_list *l);

/* Look at the directory: files that were there before keep what is known of them, those that
 * have gone are logged and dropped. */
void file_list_renew(struct file_list *l);
/* Is there any file, as far as a look at the directory says? */
bool file_list_has_any(const struct file_list *l);

void policy_file_say_gone(const struct policy_file *file);
const char *policy_file_title(const struct policy_file *file); /* without its directory */
struct str policy_file_stem(const struct policy_file *file);   /* and without its ending */
