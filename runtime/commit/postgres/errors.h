// What a server's SQLSTATE means for a pipeline.
#pragma once
#include <string>
#include <string_view>

#include "runtime/base/result.h"

namespace piperun::postgres {

// Ours: raised by piperun.advance and piperun.check_owner.
inline constexpr std::string_view kFenced = "PF001";

// Classes 22 and 23 and what triggers raise belong to a row; 42, 3F, 28 to who set the system up; 08, 40, 53, 57 pass by.
// `raised_in`: the function of the server's source that said so, where it is known.
base::ErrorCode code_of(std::string_view sqlstate, std::string_view raised_in = {});

// `said`: what the server wrote, several lines. `where`: the address.
base::Error error_of(std::string_view sqlstate, std::string_view said, const std::string& where, std::string_view raised_in = {});

// The server refused a connection, without a SQLSTATE: libpq gives its words alone.
base::Error refused(std::string_view said, const std::string& where);

// `ERROR:  a\nDETAIL:  b` as `a; detail: b`.
std::string one_line(std::string_view said);

// Texts that the server stores: what is no UTF-8, and the character 0, become U+FFFD.
std::string storable(std::string_view text);

}  // namespace piperun::postgres
