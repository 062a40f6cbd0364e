#pragma once
#include <simdjson.h>
#include <zlib.h>
#include <gtest/gtest.h>
