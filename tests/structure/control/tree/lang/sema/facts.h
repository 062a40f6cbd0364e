#pragma once
#include "lang/diag/report.h"
#include "runtime/engine/worker.h"
