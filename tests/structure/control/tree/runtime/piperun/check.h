#pragma once
#include <CLI/CLI.hpp>
#include "lang/sema/facts.h"
#include "tests/fixture.h"
