// std.url: parts as RFC 3986 cuts them.
#include <arpa/inet.h>

#include <algorithm>
#include <map>

#include "lang/value/hex.h"
#include "lang/value/int.h"
#include "lang/value/text.h"
#include "stdlib/native/give.h"
#include "stdlib/native/table.h"

namespace piperun::native {

namespace {

using View = std::optional<std::string_view>;

struct Url {
  View scheme;
  View host;  // without brackets
  View port;  // as written, digits
  std::string_view path;
  View query;
  View fragment;
};

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_unreserved(char c) { return is_letter(c) || is_digit(c) || c == '-' || c == '.' || c == '_' || c == '~'; }

// Cuts `rest` in two at the first `sign`; the part behind it, if it is there.
View cut_behind(std::string_view& rest, char sign) {
  const std::size_t at = rest.find(sign);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view behind = rest.substr(at + 1);
  rest = rest.substr(0, at);
  return behind;
}

View take_scheme(std::string_view& rest) {
  const std::size_t at = rest.find(':');
  if (at == std::string_view::npos || at == 0 || !is_letter(rest[0])) return std::nullopt;
  const std::string_view scheme = rest.substr(0, at);
  if (!std::ranges::all_of(scheme, [](char c) { return is_letter(c) || is_digit(c) || c == '+' || c == '-' || c == '.'; }))
    return std::nullopt;
  rest.remove_prefix(at + 1);
  return scheme;
}

// False if it is malformed.
bool read_authority(std::string_view authority, Url& url) {
  const std::size_t user_end = authority.rfind('@');
  if (user_end != std::string_view::npos) authority.remove_prefix(user_end + 1);
  std::size_t host_end = authority.starts_with('[') ? authority.find(']') : authority.find(':');
  if (authority.starts_with('[')) {
    if (host_end == std::string_view::npos) return false;
    url.host = authority.substr(1, host_end - 1);
    ++host_end;
  } else {
    host_end = std::min(host_end, authority.size());
    url.host = authority.substr(0, host_end);
  }
  std::string_view rest = authority.substr(host_end);
  if (rest.empty()) return true;
  rest.remove_prefix(1);
  if (authority[host_end] != ':' || !std::ranges::all_of(rest, is_digit)) return false;
  if (!rest.empty()) url.port = rest;
  return true;
}

// Nothing but an empty path if it is no URL: white space, control characters, a malformed authority.
Url parse(std::string_view s) {
  const auto is_bad = [](char c) { return static_cast<unsigned char>(c) <= 0x20 || c == 0x7F; };
  if (std::ranges::any_of(s, is_bad)) return {};
  Url url;
  url.fragment = cut_behind(s, '#');
  url.query = cut_behind(s, '?');
  url.scheme = take_scheme(s);
  if (s.starts_with("//")) {
    const std::size_t end = std::min(s.find('/', 2), s.size());
    if (!read_authority(s.substr(2, end - 2), url)) return {};
    s.remove_prefix(end);
  }
  url.path = s;
  return url;
}

enum class Plus { IsPlus, IsSpace };

// nullopt for malformed percent signs, or if the result is no UTF-8.
std::optional<std::string> decoded(std::string_view s, Plus plus) {
  std::string out;
  for (std::size_t i = 0; i < s.size(); ++i) {
    if (s[i] != '%') {
      out += s[i] == '+' && plus == Plus::IsSpace ? ' ' : s[i];
      continue;
    }
    const auto byte = value::from_hex(s.substr(i + 1, 2));
    if (!byte || byte->size() != 1) return std::nullopt;
    out += *byte;
    i += 2;
  }
  if (!value::is_utf8(out)) return std::nullopt;
  return out;
}

// Calls `visit(name, value)`, decoded; a parameter that cannot be decoded is taken as written. Stops when it returns false.
template <typename Visit>
void each_parameter(std::string_view query, Visit visit) {
  while (!query.empty()) {
    const std::size_t end = std::min(query.find('&'), query.size());
    std::string_view name = query.substr(0, end);
    query.remove_prefix(std::min(end + 1, query.size()));
    if (name.empty()) continue;
    const std::string_view written = cut_behind(name, '=').value_or("");
    const auto plain = [](std::string_view s) { return decoded(s, Plus::IsSpace).value_or(std::string(s)); };
    if (!visit(plain(name), plain(written))) return;
  }
}

bool give_lower(NativeCall& call, View view) {
  return view ? give_some(call, Cell::of(std::string_view(value::lower(*view, call.arena)))) : give_null(call);
}

bool host(NativeCall& call) {
  const View found = parse(text(call, 0)).host;
  return give_lower(call, found && found->empty() ? std::nullopt : found);
}

bool port(NativeCall& call) {
  struct Known {
    std::string_view scheme;
    std::int64_t port;
  };
  constexpr Known kKnown[] = {{"http", 80}, {"https", 443}, {"ws", 80}, {"wss", 443}, {"ftp", 21}};
  const Url url = parse(text(call, 0));
  if (url.port) {
    const auto number = value::parse_int(*url.port);
    return number && *number <= 65535 ? give_some(call, Cell::of(*number)) : give_null(call);
  }
  if (!url.scheme || !url.host) return give_null(call);
  const std::string_view scheme = value::lower(*url.scheme, call.arena);
  const auto known = std::ranges::find(kKnown, scheme, &Known::scheme);
  return known == std::end(kKnown) ? give_null(call) : give_some(call, Cell::of(known->port));
}

bool parameter(NativeCall& call) {
  std::optional<std::string> found;
  each_parameter(parse(text(call, 0)).query.value_or(""), [&](std::string name, std::string written) {
    if (name == text(call, 1)) found = std::move(written);
    return !found;
  });
  return found ? give_some(call, Cell::of(std::string_view(call.arena.copy(*found)))) : give_null(call);
}

bool parameters(NativeCall& call) {
  std::map<std::string, std::string> found;
  each_parameter(parse(text(call, 0)).query.value_or(""), [&](std::string name, std::string written) {
    found.try_emplace(std::move(name), std::move(written));
    return true;
  });
  Cell* pairs = call.arena.cells(found.size() * 2);
  Cell* next = pairs;
  for (const auto& [name, written] : found) {
    *next++ = Cell::of(std::string_view(call.arena.copy(name)));
    *next++ = Cell::of(std::string_view(call.arena.copy(written)));
  }
  return give(call, List{pairs, found.size()});
}

bool encode(NativeCall& call) {
  std::string out;
  for (const char c : text(call, 0)) {
    if (is_unreserved(c)) {
      out += c;
    } else {
      out += '%';
      for (const char digit : value::to_hex({&c, 1})) out += digit >= 'a' ? static_cast<char>(digit - 0x20) : digit;
    }
  }
  return give_copy(call, out);
}

bool decode(NativeCall& call) {
  const auto plain = decoded(text(call, 0), Plus::IsPlus);
  return plain ? give_copy(call, *plain) : fail(call, Fault::BadEncoding, "not percent-encoded UTF-8");
}

// 4 or 16 bytes.
std::optional<std::string> address_bytes(std::string_view s) {
  const std::string address(s);
  unsigned char bytes[16];
  const bool is_six = address.contains(':');
  if (address.contains('\0') || inet_pton(is_six ? AF_INET6 : AF_INET, address.c_str(), bytes) != 1) return std::nullopt;
  return std::string(reinterpret_cast<const char*>(bytes), is_six ? 16 : 4);
}

bool ip_in(NativeCall& call) {
  std::string_view network_text = text(call, 1);
  const View bits_text = cut_behind(network_text, '/');
  const auto address = address_bytes(text(call, 0));
  const auto network = address_bytes(network_text);
  if (!address || !network) return fail(call, Fault::BadArgument, "not an IP address");
  const auto size = static_cast<std::int64_t>(network->size()) * 8;
  const auto bits = bits_text ? value::parse_int(*bits_text) : Fallible<std::int64_t>(size);
  if (!bits || *bits < 0 || *bits > size) return fail(call, Fault::BadArgument, "not a network");
  if (address->size() != network->size()) return give(call, false);
  for (std::int64_t i = 0; i < *bits; ++i) {
    const auto byte = static_cast<std::size_t>(i / 8);
    if ((((*address)[byte] ^ (*network)[byte]) >> (7 - i % 8) & 1) != 0) return give(call, false);
  }
  return give(call, true);
}

bool page(NativeCall& call) { return give_view(call, text(call, 0).substr(0, text(call, 0).find_first_of("?#"))); }

constexpr Native kFunctions[] = {
    {"url.scheme", [](NativeCall& c) { return give_lower(c, parse(text(c, 0)).scheme); }},
    {"url.host", host},
    {"url.port", port},
    {"url.path", [](NativeCall& c) { return give_view(c, parse(text(c, 0)).path); }},
    {"url.query", [](NativeCall& c) { return give_optional(c, parse(text(c, 0)).query); }},
    {"url.fragment", [](NativeCall& c) { return give_optional(c, parse(text(c, 0)).fragment); }},
    {"url.parameter", parameter},
    {"url.parameters", parameters},
    {"url.page", page},
    {"url.encode", encode},
    {"url.decode", decode},
    {"url.ip_in", ip_in},
};

}  // namespace

std::span<const Native> url_functions() { return kFunctions; }

}  // namespace piperun::native
