/* routes - a hive's HTTP surface. The app of its server is a struct machine. */
#pragma once

#include "http/route.h"

extern const struct route hive_routes[];
