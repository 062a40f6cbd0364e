// std.hash: digests and signatures by OpenSSL's libcrypto, checksums, UUIDs.
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "lang/value/fnv1a.h"
#include "lang/value/hex.h"
#include "stdlib/native/checksums.h"
#include "stdlib/native/give.h"
#include "stdlib/native/table.h"
#include "stdlib/native/uuid.h"

namespace piperun::native {

namespace {

const unsigned char* octets(std::string_view s) { return reinterpret_cast<const unsigned char*>(s.data()); }

using Algorithm = const EVP_MD* (*)();

// Empty if the library refuses the algorithm (MD5 under FIPS).
std::string digest(Algorithm algorithm, std::string_view bytes) {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (EVP_Digest(bytes.data(), bytes.size(), out, &size, algorithm(), nullptr) != 1) return {};
  return {reinterpret_cast<const char*>(out), size};
}

template <Algorithm kAlgorithm>
bool hex_digest(NativeCall& call) {
  const std::string bytes = digest(kAlgorithm, text(call, 0));
  return bytes.empty() ? fail(call, Fault::BadArgument, "not available on this system") : give_copy(call, value::to_hex(bytes));
}

bool hmac(NativeCall& call) {
  const std::string_view message = text(call, 0), key = text(call, 1);
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  if (key.size() > INT32_MAX) return fail(call, Fault::TooLarge);
  if (HMAC(EVP_sha256(), octets(key), static_cast<int>(key.size()), octets(message), message.size(), out, &size) == nullptr) {
    return fail(call, Fault::BadArgument, "not available on this system");
  }
  return give_copy(call, value::to_hex({reinterpret_cast<const char*>(out), size}));
}

bool bucket(NativeCall& call) {
  const std::int64_t count = integer(call, 1);
  if (count <= 0) return fail(call, Fault::BadArgument, "the number of buckets must be above 0");
  const value::UInt128 product = value::UInt128{xxh64(text(call, 0))} * static_cast<std::uint64_t>(count);
  return give(call, static_cast<std::int64_t>(product >> 64));
}

// 16 bytes, or nullopt: 32 hexadecimal digits, with hyphens at all four places or none.
std::optional<std::string> uuid_bytes(std::string_view s) {
  std::string digits(s);
  if (digits.size() == 36) {
    for (const std::size_t at : {23u, 18u, 13u, 8u}) {
      if (digits[at] != '-') return std::nullopt;
      digits.erase(at, 1);
    }
  }
  return digits.size() == 32 ? value::from_hex(digits) : std::nullopt;
}

bool format_uuid(NativeCall& call) {
  const auto bytes = uuid_bytes(text(call, 0));
  return bytes ? give_copy(call, uuid_text(*bytes)) : fail(call, Fault::ParseUuid);
}

bool uuid_of(NativeCall& call) {
  const auto space = uuid_bytes(text(call, 0));
  if (!space) return fail(call, Fault::ParseUuid);
  std::string bytes = digest(EVP_sha1, *space + std::string(text(call, 1)));
  if (bytes.empty()) return fail(call, Fault::BadArgument, "not available on this system");
  bytes.resize(16);
  set_uuid_version(bytes, 5);
  return give_copy(call, uuid_text(bytes));
}

constexpr Native kFunctions[] = {
    {"hash.sha256", hex_digest<EVP_sha256>},
    {"hash.sha512", hex_digest<EVP_sha512>},
    {"hash.sha1", hex_digest<EVP_sha1>},
    {"hash.md5", hex_digest<EVP_md5>},
    {"hash.hmac", hmac},
    {"hash.sha256_bytes", [](NativeCall& c) { return give_copy(c, digest(EVP_sha256, text(c, 0))); }},
    {"hash.crc32", [](NativeCall& c) { return give(c, std::int64_t{crc32(text(c, 0))}); }},
    {"hash.fnv1a", [](NativeCall& c) { return give(c, static_cast<std::int64_t>(value::fnv1a(text(c, 0)))); }},
    {"hash.xxh64", [](NativeCall& c) { return give(c, static_cast<std::int64_t>(xxh64(text(c, 0)))); }},
    {"hash.bucket", bucket},
    {"hash.is_uuid", [](NativeCall& c) { return give(c, uuid_bytes(text(c, 0)).has_value()); }},
    {"hash.format_uuid", format_uuid},
    {"hash.uuid_of", uuid_of},
};

}  // namespace

std::span<const Native> hash_functions() { return kFunctions; }

}  // namespace piperun::native
