#pragma once
#include "runtime/state/store.h"
