#include "lang/sema/facts.h"
#include "lang/ir/program.h"
#include <tao/pegtl.hpp>
