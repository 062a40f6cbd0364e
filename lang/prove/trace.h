// A way through the worlds in words that need no knowledge of protocols.
#pragma once
#include <string>
#include <vector>

#include "lang/ir/program.h"
#include "lang/prove/moves.h"

namespace piperun::prove {

enum class Ending : std::uint8_t { Repeated, Lost, StateWrong, Refused };

std::vector<std::string> in_words(const std::vector<Event>& events, const Subject& subject, const ir::Program& program,
                                  Ending ending);

}  // namespace piperun::prove
