#pragma once
#include "lang/source/source.h"
#include "lang/value/cell.h"
