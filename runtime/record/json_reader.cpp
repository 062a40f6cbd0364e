#include "runtime/record/json_reader.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "lang/value/time.h"
#include "runtime/record/first_names.h"

namespace piperun::record {
namespace {

using base::ErrorCode;
using value::Cell;
using value::TypeKind;

bool starts_number(char c) { return c == '-' || static_cast<unsigned char>(c - '0') < 10; }

// A bit per field of a record: which were in the data.
class Seen {
 public:
  Seen(std::size_t fields, value::Arena& arena) {
    if (fields <= 256) return;
    const std::size_t bytes = (fields + 63) / 64 * 8;
    bits_ = static_cast<std::uint64_t*>(arena.allocate(bytes));
    std::memset(bits_, 0, bytes);
  }
  bool test_and_set(std::size_t i) {
    const std::uint64_t bit = std::uint64_t{1} << (i % 64);
    const bool was = (bits_[i / 64] & bit) != 0;
    bits_[i / 64] |= bit;
    return was;
  }
  const std::uint64_t* bits() const { return bits_; }

 private:
  std::uint64_t few_[4] = {};
  std::uint64_t* bits_ = few_;
};

}  // namespace

std::optional<DecodeFault> JsonReader::read_object(std::string_view text, const RecordPlan& plan, value::Arena& arena,
                                                   Cell* out) {
  in_.start(text);
  arena_ = &arena;
  kept_.clear();
  kept_names_.clear();
  nodes_.clear();
  names_.clear();
  const bool read = in_.next() == '{' ? record(plan, out) : wrong_type("not an object");
  if (read && in_.finish()) [[likely]]
    return std::nullopt;
  return fault(text);
}

std::optional<DecodeFault> JsonReader::read_text(std::string_view text, const ValuePlan& plan, value::Arena& arena, Cell* out) {
  in_.start(text);
  arena_ = &arena;
  nodes_.clear();
  names_.clear();
  if (value(plan, out) && in_.finish()) return std::nullopt;
  return fault(text);
}

bool JsonReader::value(const ValuePlan& plan, Cell* out) {
  if (!plan.nullable) return present(plan, out);
  if (in_.next() == 'n') {
    out[0] = Cell::of(true);
    out[1] = Cell{};
    return in_.literal("null");
  }
  out[0] = Cell::of(false);
  return present(plan, out + 1);
}

bool JsonReader::present(const ValuePlan& plan, Cell* out) {
  const char first = in_.next();
  const char* const at = in_.position();
  value::Text t;
  switch (plan.kind) {
    case TypeKind::Bool:
      if (first != 't' && first != 'f') return wrong_type("neither true nor false");
      *out = Cell::of(first == 't');
      return in_.literal(first == 't' ? "true" : "false");
    case TypeKind::Int:
    case TypeKind::Float: return starts_number(first) ? scalar_number(plan, out) : wrong_type("not a number");
    case TypeKind::Decimal: return decimal(plan, out);
    case TypeKind::String:
      if (first != '"') return wrong_type("not a string");
      if (!in_.string(*arena_, t)) return false;
      out->s = t;
      return true;
    case TypeKind::Bytes: return text(t) && take(bytes_from_text(t, *arena_), at, out);
    case TypeKind::Enum: return text(t) && take(enum_from_text(t, plan), at, out);
    case TypeKind::Timestamp: return timestamp(plan, out);
    case TypeKind::Duration: return duration(out);
    case TypeKind::List: return first == '[' ? list(*plan.element, out) : wrong_type("not a list");
    case TypeKind::Map: return first == '{' ? map(*plan.element, out) : wrong_type("not an object");
    case TypeKind::Record: {
      if (first != '{') return wrong_type("not an object");
      Cell* const fields = arena_->cells(plan.record->cells);
      *out = Cell::of(static_cast<const Cell*>(fields));
      return record(*plan.record, fields);
    }
    case TypeKind::Json: {
      auto* const node = static_cast<value::JsonNode*>(arena_->allocate(sizeof(value::JsonNode)));
      *out = Cell::of(static_cast<const value::JsonNode*>(node));
      return tree(*node);
    }
    case TypeKind::Error:
    case TypeKind::Never:
    case TypeKind::Null: break;  // never the type of a field
  }
  return wrong_type("of no type");
}

// ---- Records

// The declared field that the next member is, or -1 (`name` is set), or -2: it failed. Data usually has its fields in one order.
int JsonReader::member_name(const RecordPlan& plan, std::size_t expected, value::Text& name) {
  if (expected < plan.fields.size()) {
    const std::string& token = plan.fields[expected].token;
    if (!token.empty() && in_.next() == '"' && static_cast<std::size_t>(in_.end() - in_.position()) >= token.size() &&
        std::memcmp(in_.position(), token.data(), token.size()) == 0) {
      in_.advance(token.size());
      return static_cast<int>(expected);
    }
  }
  if (!in_.name(*arena_, name)) return -2;
  if (expected < plan.fields.size() && plan.fields[expected].name == std::string_view(name)) return static_cast<int>(expected);
  return plan.find(name);
}

bool JsonReader::record(const RecordPlan& plan, Cell* out) {
  if (!in_.enter()) return false;
  in_.advance(1);
  Seen seen(plan.fields.size(), *arena_);
  std::size_t expected = 0;
  for (auto after = in_.next() == '}' ? in_.after_element('}') : JsonScanner::After::Comma; after != JsonScanner::After::Close;
       after = in_.after_element('}')) {
    if (after == JsonScanner::After::Wrong) return false;
    in_.next();
    const char* const from = in_.position();
    value::Text name;
    const int i = member_name(plan, expected, name);
    if (i == -2) return false;
    if (i == -1) {
      if (!undeclared(name, from, plan.extra_cell != kUnread)) return false;
    } else if (seen.test_and_set(static_cast<std::size_t>(i))) {
      if (!in_.skip_value()) return false;
    } else {
      expected = static_cast<std::size_t>(i) + 1;
      const FieldPlan& declared = plan.fields[static_cast<std::size_t>(i)];
      if (!field(declared, declared.cell != kUnread ? out + declared.cell : unread_)) return in_path(declared.name);
    }
  }
  if (plan.extra_cell != kUnread) out[plan.extra_cell] = Cell::of(kept_members());
  return fill_absent(plan, seen.bits(), out);
}

bool JsonReader::field(const FieldPlan& field, Cell* out) {
  if (in_.next() != 'n') [[likely]] {
    if (field.value.nullable) *out++ = Cell::of(false);
    return present(field.value, out);
  }
  if (!field.absent && field.value.kind != TypeKind::Json) return in_.fail(ErrorCode::MissingField, "null", in_.position());
  if (!field.absent) return present(field.value, out);
  std::copy_n(field.absent->begin(), field.value.cells(), out);
  return in_.literal("null");
}

bool JsonReader::fill_absent(const RecordPlan& plan, const std::uint64_t* seen, Cell* out) {
  for (std::size_t word = 0; word * 64 < plan.fields.size(); ++word) {
    const std::size_t left = plan.fields.size() - word * 64;
    std::uint64_t missing = ~seen[word] & (left >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << left) - 1);
    for (; missing != 0; missing &= missing - 1) {
      const FieldPlan& field = plan.fields[word * 64 + static_cast<std::size_t>(std::countr_zero(missing))];
      if (!field.absent) {
        in_.fail(ErrorCode::MissingField, "missing", in_.position());
        return in_path(field.name);
      }
      if (field.cell != kUnread) std::copy_n(field.absent->begin(), field.value.cells(), out + field.cell);
    }
  }
  return true;
}

bool JsonReader::undeclared(value::Text name, const char* from, bool keep) {
  if (extra_ == ir::ExtraFields::Error) {
    in_.fail(ErrorCode::ExtraField, "not declared", from);
    return in_path(std::string_view(name));
  }
  if (!keep) return in_.skip_value();
  value::JsonNode node;
  if (!tree(node)) return false;
  kept_.push_back(node);
  kept_names_.push_back(name);
  return true;
}

const value::JsonNode* JsonReader::kept_members() {
  auto* const node = static_cast<value::JsonNode*>(arena_->allocate(sizeof(value::JsonNode)));
  *node = object_of(kept_names_, 0, kept_, 0);
  return node;
}

// ---- Scalars

bool JsonReader::scalar_number(const ValuePlan& plan, Cell* out) {
  const char* const at = in_.position();
  std::string_view token;
  if (!in_.number(token)) return false;
  return plan.kind == TypeKind::Int ? take(int_from_number(token), at, out) : take(float_from_number(token), at, out);
}

bool JsonReader::decimal(const ValuePlan& plan, Cell* out) {
  const char first = in_.next();
  const char* const at = in_.position();
  if (starts_number(first)) {
    std::string_view token;
    return in_.number(token) && take(decimal_from_number(token, plan), at, out);
  }
  if (first != '"') return wrong_type("not a number");
  value::Text t;
  return in_.string(*arena_, t) && take(decimal_from_text(t, plan), at, out);
}

bool JsonReader::timestamp(const ValuePlan& plan, Cell* out) {
  const char first = in_.next();
  const char* const at = in_.position();
  if (plan.time == ir::TimeUnit::Rfc3339) {
    value::Text t;
    if (first != '"') return in_.fail(ErrorCode::InvalidTimestamp, "not an RFC 3339 text", at);
    return in_.string(*arena_, t) && take(timestamp_from_text(t), at, out);
  }
  std::string_view token;
  if (!starts_number(first)) return in_.fail(ErrorCode::InvalidTimestamp, "not an epoch number", at);
  return in_.number(token) && take(epoch_from_number(token, plan.time), at, out);
}

bool JsonReader::duration(Cell* out) {
  const char first = in_.next();
  const char* const at = in_.position();
  if (starts_number(first)) {
    std::string_view token;
    return in_.number(token) && take(int_from_number(token), at, out);
  }
  value::Text t;
  if (first != '"') return wrong_type("neither a number of microseconds nor a text such as \"1h30m\"");
  return in_.string(*arena_, t) && take(duration_from_text(t), at, out);
}

bool JsonReader::text(value::Text& out) { return in_.next() == '"' ? in_.string(*arena_, out) : wrong_type("not a string"); }

// ---- Lists and maps: elements are gathered in `cells_`, where those of an inner one lie behind those of the outer one.

bool JsonReader::list(const ValuePlan& element, Cell* out) {
  if (!in_.enter()) return false;
  in_.advance(1);
  const std::size_t base = cells_.size();
  const std::size_t width = element.cells();
  std::size_t count = 0;
  for (auto after = in_.next() == ']' ? in_.after_element(']') : JsonScanner::After::Comma; after != JsonScanner::After::Close;
       after = in_.after_element(']'), ++count) {
    Cell one[2] = {};
    if (after == JsonScanner::After::Wrong) return false;
    if (!value(element, one)) return in_path(count);
    cells_.insert(cells_.end(), one, one + width);
  }
  Cell* const items = arena_->cells(count * width);
  std::copy(cells_.begin() + static_cast<std::ptrdiff_t>(base), cells_.end(), items);
  cells_.resize(base);
  *out = Cell::of(value::List{items, count});
  return true;
}

bool JsonReader::map(const ValuePlan& element, Cell* out) {
  if (!in_.enter()) return false;
  in_.advance(1);
  const std::size_t base = cells_.size();
  const std::size_t width = 1 + element.cells();
  std::size_t count = 0;
  for (auto after = in_.next() == '}' ? in_.after_element('}') : JsonScanner::After::Comma; after != JsonScanner::After::Close;
       after = in_.after_element('}'), ++count) {
    Cell one[3] = {};
    value::Text name;
    if (after == JsonScanner::After::Wrong || !in_.name(*arena_, name)) return false;
    one[0].s = name;
    if (!value(element, one + 1)) return in_path(std::string_view(name));
    cells_.insert(cells_.end(), one, one + width);
  }
  const Cell* const entries = cells_.data() + base;
  const auto key = [&](std::size_t i) { return std::string_view(entries[i * width].s); };
  std::vector<std::uint32_t> order = first_of_each_name(count, key);
  std::ranges::sort(order, [&](std::uint32_t a, std::uint32_t b) { return key(a) < key(b); });
  Cell* const items = arena_->cells(order.size() * width);
  Cell* to = items;
  for (const std::uint32_t i : order) to = std::copy_n(entries + i * width, width, to);
  cells_.resize(base);
  *out = Cell::of(value::List{items, order.size()});
  return true;
}

}  // namespace piperun::record
