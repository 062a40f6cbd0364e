#pragma once
#include "lang/diag/report.h"
#include "lang/ir/program.h"
#include "runtime/engine/worker.h"
