#pragma once
#include "runtime/commit/domain.h"
inline void step(Domain& domain) { domain.begin(); }
