#include "runtime/commit/postgres/errors.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>

namespace piperun::postgres {

using base::ErrorCode;

namespace {

struct State {
  std::string_view begins;  // of a SQLSTATE: a class, or all of it
  ErrorCode code;
};

// The first that fits. https://www.postgresql.org/docs/15/errcodes-appendix.html
constexpr std::array kStates = {
    State{"PF001", ErrorCode::LostOwnership},
    State{"22", ErrorCode::ConstraintViolated},
    State{"23", ErrorCode::ConstraintViolated},
    State{"21", ErrorCode::ConstraintViolated},  // one row twice in an upsert: keys that the column's type takes as equal
    State{"44", ErrorCode::ConstraintViolated},  // WITH CHECK OPTION
    State{"54", ErrorCode::Oversize},
    State{"P0", ErrorCode::ConstraintViolated},  // what a trigger raises, and what fails in it
    State{"09", ErrorCode::ConstraintViolated},
    State{"27", ErrorCode::ConstraintViolated},
    State{"2F", ErrorCode::ConstraintViolated},
    State{"38", ErrorCode::ConstraintViolated},
    State{"39", ErrorCode::ConstraintViolated},
    State{"42P01", ErrorCode::NoSuchTable},
    State{"42501", ErrorCode::CannotOpen},
    State{"42", ErrorCode::SchemaMismatch},
    State{"3F", ErrorCode::SchemaMismatch},
    State{"0A", ErrorCode::SchemaMismatch},
    State{"55000", ErrorCode::SchemaMismatch},  // a view that takes no rows
    State{"28", ErrorCode::CannotOpen},
    State{"3D", ErrorCode::CannotOpen},
    State{"53100", ErrorCode::DiskFull},
    State{"55P03", ErrorCode::DatabaseLocked},
    State{"0", ErrorCode::SystemUnavailable},
    State{"2", ErrorCode::SystemUnavailable},
    State{"3", ErrorCode::SystemUnavailable},
    State{"40", ErrorCode::SystemUnavailable},
    State{"5", ErrorCode::SystemUnavailable},
    State{"72", ErrorCode::SystemUnavailable},
    State{"F0", ErrorCode::SystemUnavailable},
    State{"HV", ErrorCode::SystemUnavailable},
    State{"XX", ErrorCode::SystemUnavailable},
};

// A policy that refuses a row has the SQLSTATE of a missing right, and words in the language of the server. So its function tells them
// apart: there row-level security and WITH CHECK OPTION look at a new row (tested with PostgreSQL 15). Another name: a missing right.
constexpr std::string_view kNoRight = "42501", kLooksAtRow = "ExecWithCheckOptions";

constexpr std::size_t kLongest = 2'000;

// A failed connection carries no SQLSTATE (libpq), so the server's English words decide; others are waited for.
constexpr std::array<std::string_view, 13> kNeedsAPerson = {
    "authentication failed",   "no password supplied", "pg_hba.conf",           "does not exist",
    "permission denied",       "is not permitted",     "requires a valid",      "server does not support SSL",
    "root certificate file",   "invalid port number",  "invalid integer value", "certificate verify failed",
    "does not match host name"};

// Length of the well-formed UTF-8 sequence at the beginning, as PostgreSQL checks it; 0: there is none.
std::size_t sequence(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto continues = [&](std::size_t i) { return i < text.size() && (byte(i) & 0xC0) == 0x80; };
  const unsigned char first = byte(0);
  if (first == 0) return 0;
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return continues(1) ? 2 : 0;
  if (first >= 0xE0 && first <= 0xEF) {
    if (!continues(1) || !continues(2)) return 0;
    return (first == 0xE0 && byte(1) < 0xA0) || (first == 0xED && byte(1) > 0x9F) ? 0 : 3;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    if (!continues(1) || !continues(2) || !continues(3)) return 0;
    return (first == 0xF0 && byte(1) < 0x90) || (first == 0xF4 && byte(1) > 0x8F) ? 0 : 4;
  }
  return 0;
}

}  // namespace

ErrorCode code_of(std::string_view sqlstate, std::string_view raised_in) {
  if (sqlstate == kNoRight && raised_in == kLooksAtRow) return ErrorCode::ConstraintViolated;
  const auto found = std::ranges::find_if(kStates, [&](const State& state) { return sqlstate.starts_with(state.begins); });
  if (found != kStates.end()) return found->code;
  return sqlstate.empty() ? ErrorCode::SystemUnavailable : ErrorCode::ConstraintViolated;  // a code of the user's own trigger
}

std::string one_line(std::string_view said) {
  std::string result;
  while (!said.empty()) {
    const std::size_t end = std::min(said.find('\n'), said.size());
    std::string_view line = said.substr(0, end);
    said.remove_prefix(std::min(end + 1, said.size()));
    const std::size_t text = line.find_first_not_of(" \t^");
    if (text == std::string_view::npos) continue;
    line.remove_prefix(text);
    if (line.starts_with("LINE ") || line.starts_with("QUERY:")) continue;
    if (const std::size_t said_by_server = line.find("': "); line.starts_with("Failure during '") && said_by_server != line.npos)
      line.remove_prefix(said_by_server + 3);  // libpqxx names the prepared statement
    std::string part(line);
    for (const std::string_view severity : {"ERROR:  ", "FATAL:  ", "PANIC:  "}) {
      if (part.starts_with(severity)) part.erase(0, severity.size());
    }
    for (const auto& [name, word] : {std::pair{"DETAIL:  ", "detail: "}, {"HINT:  ", "hint: "}, {"CONTEXT:  ", "context: "}}) {
      if (part.starts_with(name)) part.replace(0, std::string_view(name).size(), word);
    }
    result += (result.empty() ? "" : "; ") + part;
  }
  if (result.size() > kLongest) result = storable(std::string_view(result).substr(0, kLongest)) + "…";
  return result;
}

base::Error error_of(std::string_view sqlstate, std::string_view said, const std::string& where, std::string_view raised_in) {
  const ErrorCode code = code_of(sqlstate, raised_in);
  if (sqlstate == kFenced) return {code, one_line(said), std::string(sqlstate), -1};
  return {code, fmt::format("{}: {}{}", where, one_line(said), sqlstate.empty() ? "" : fmt::format(" ({})", sqlstate)),
          std::string(sqlstate), -1};
}

base::Error refused(std::string_view said, const std::string& where) {
  const bool is_final = std::ranges::any_of(kNeedsAPerson, [&](std::string_view words) { return said.contains(words); });
  return {is_final ? ErrorCode::CannotOpen : ErrorCode::SystemUnavailable,
          fmt::format("{} cannot be reached: {}", where, one_line(said)),
          {},
          -1};
}

std::string storable(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    const std::size_t size = sequence(text);
    if (size == 0) result += "\xEF\xBF\xBD";
    else result.append(text.substr(0, size));
    text.remove_prefix(std::max<std::size_t>(size, 1));
  }
  return result;
}

}  // namespace piperun::postgres
