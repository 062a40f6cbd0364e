#pragma once
#include "lang/value/cell.h"
#include "lang/catalog/table.h"
