#pragma once
#include <spdlog/spdlog.h>
#include "lang/ir/program.h"
#include "lang/plan/cut.h"
#include "worker_state.h"
