#pragma once
#include <cstdint>
#include "lang/source/source.h"
