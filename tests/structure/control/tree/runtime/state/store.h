#pragma once
#include "runtime/base/string_util.h"
#include <sqlite3.h>
#include <zlib.h>
#include <format>
