/* policy_view - policies, their versions and templates as tables for people. */
#pragma once

#include "base/str.h"

#include <stdio.h>

/* The queen's answers to GET policies, policies/NAME/versions and templates. */
void policy_view_print_all(struct str answer, FILE *to);
void policy_view_print_versions(struct str answer, FILE *to);
void policy_view_print_templates(struct str answer, FILE *to);
