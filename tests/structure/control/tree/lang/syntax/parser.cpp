#include <tao/pegtl.hpp>
#include "lang/sema/facts.h"
