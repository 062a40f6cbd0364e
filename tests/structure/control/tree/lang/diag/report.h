#pragma once
#include "lang/ir/program.h"
#include "lang/source/source.h"
#include "lang/value/cell.h"
