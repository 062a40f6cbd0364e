// Times by a pattern, such as "%d.%m.%Y %H:%M". The letters are in time.pipe.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "lang/value/failure.h"

namespace piperun::native {

// `local` is what the clocks show, `offset` how far they are ahead of UTC. BadTimeFormat for an unknown letter.
value::Fallible<std::string> format_time(std::int64_t local, std::int64_t offset, std::string_view zone,
                                         std::string_view pattern);

struct ParsedTime {
  std::int64_t local;
  std::optional<std::int64_t> offset;  // of `%z`; `%s` gives 0
};

// BadTimeFormat unless all of `text` is what the pattern says; TimeOutOfRange.
value::Fallible<ParsedTime> parse_time(std::string_view text, std::string_view pattern);

}  // namespace piperun::native
