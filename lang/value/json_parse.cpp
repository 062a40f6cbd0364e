// JSON text to a tree. The fast decoder of records is elsewhere; this one reads the JSON texts that lie inside strings.
#include <algorithm>
#include <unordered_set>
#include <vector>

#include "lang/value/hex.h"
#include "lang/value/json_node.h"
#include "lang/value/number_text.h"
#include "lang/value/text.h"
#include "lang/value/utf8.h"

namespace piperun::value {

namespace {

class Parser {
 public:
  Parser(std::string_view text, Arena& arena) : text_(text), arena_(arena) {}

  bool parse(JsonNode& root) {
    skip_white_space();
    if (!value(root, 0)) return false;
    skip_white_space();
    return at_ == text_.size();
  }

 private:
  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  bool take(char c) {
    if (peek() != c || at_ == text_.size()) return false;
    ++at_;
    return true;
  }
  bool take_word(std::string_view word) {
    if (!text_.substr(at_).starts_with(word)) return false;
    at_ += word.size();
    return true;
  }
  void skip_white_space() {
    while (at_ < text_.size() && std::string_view(" \t\r\n").contains(text_[at_])) ++at_;
  }

  bool value(JsonNode& node, int depth) {
    switch (peek()) {
      case '{': return depth < kMaxJsonDepth && object(node, depth);
      case '[': return depth < kMaxJsonDepth && array(node, depth);
      case '"': node.kind = JsonKind::String; return string(node.text);
      case 't': node.kind = JsonKind::True; return take_word("true");
      case 'f': node.kind = JsonKind::False; return take_word("false");
      case 'n': node.kind = JsonKind::Null; return take_word("null");
    }
    return number(node);
  }

  bool number(JsonNode& node) {
    const std::size_t start = at_;
    while (at_ < text_.size() && std::string_view("+-.0123456789eE").contains(text_[at_])) ++at_;
    const std::string_view digits = text_.substr(start, at_ - start);
    if (!split_number(digits)) return false;
    node.kind = JsonKind::Number;
    node.text = arena_.copy(digits);
    return true;
  }

  bool array(JsonNode& node, int depth) {
    ++at_;
    const std::size_t first = nodes_.size();
    skip_white_space();
    if (!take(']')) {
      do {
        skip_white_space();
        JsonNode child;
        if (!value(child, depth + 1)) return false;
        nodes_.push_back(child);
        skip_white_space();
      } while (take(','));
      if (!take(']')) return false;
    }
    node.kind = JsonKind::Array;
    keep_children(node, first);
    return true;
  }

  bool object(JsonNode& node, int depth) {
    ++at_;
    const std::size_t first = nodes_.size();
    const std::size_t first_name = names_.size();
    skip_white_space();
    if (!take('}')) {
      do {
        skip_white_space();
        Text name{};
        if (peek() != '"' || !string(name)) return false;
        skip_white_space();
        if (!take(':')) return false;
        skip_white_space();
        JsonNode child;
        if (!value(child, depth + 1)) return false;
        nodes_.push_back(child);
        names_.push_back(name);
        skip_white_space();
      } while (take(','));
      if (!take('}')) return false;
    }
    drop_repeated_names(first, first_name);
    node.kind = JsonKind::Object;
    auto* names = static_cast<Text*>(arena_.allocate((names_.size() - first_name) * sizeof(Text)));
    std::copy(names_.begin() + static_cast<std::ptrdiff_t>(first_name), names_.end(), names);
    names_.resize(first_name);
    node.names = names;
    keep_children(node, first);
    return true;
  }

  void drop_repeated_names(std::size_t first, std::size_t first_name) {
    std::unordered_set<std::string_view> seen;
    std::size_t kept = 0;
    const std::size_t count = names_.size() - first_name;
    for (std::size_t i = 0; i < count; ++i) {
      if (!seen.insert(names_[first_name + i]).second) continue;
      names_[first_name + kept] = names_[first_name + i];
      nodes_[first + kept] = nodes_[first + i];
      ++kept;
    }
    names_.resize(first_name + kept);
    nodes_.resize(first + kept);
  }

  void keep_children(JsonNode& node, std::size_t first) {
    node.count = nodes_.size() - first;
    auto* children = static_cast<JsonNode*>(arena_.allocate(node.count * sizeof(JsonNode)));
    std::copy(nodes_.begin() + static_cast<std::ptrdiff_t>(first), nodes_.end(), children);
    nodes_.resize(first);
    node.children = children;
  }

  bool string(Text& result) {
    ++at_;
    const std::size_t start = at_;
    while (at_ < text_.size() && text_[at_] != '"' && text_[at_] != '\\' && static_cast<unsigned char>(text_[at_]) >= 0x20) ++at_;
    if (take('"')) {
      result = arena_.copy(text_.substr(start, at_ - 1 - start));
      return true;
    }
    buffer_.assign(text_, start, at_ - start);
    while (!take('"')) {
      if (at_ == text_.size() || static_cast<unsigned char>(text_[at_]) < 0x20) return false;
      if (!take('\\')) {
        buffer_ += text_[at_++];
      } else if (!escape()) {
        return false;
      }
    }
    result = arena_.copy(buffer_);
    return true;
  }

  bool escape() {
    constexpr std::string_view kLetters = "\"\\/bfnrt";
    constexpr std::string_view kMeanings = "\"\\/\b\f\n\r\t";
    const std::size_t letter = kLetters.find(peek());
    if (at_ < text_.size() && letter != std::string_view::npos) {
      buffer_ += kMeanings[letter];
      ++at_;
      return true;
    }
    char32_t code = 0;
    if (!take('u') || !four_digits(code)) return false;
    if (code >= 0xD800 && code <= 0xDBFF) {
      char32_t low = 0;
      if (!take('\\') || !take('u') || !four_digits(low) || low < 0xDC00 || low > 0xDFFF) return false;
      code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
    } else if (code >= 0xDC00 && code <= 0xDFFF) {
      return false;
    }
    append_utf8(buffer_, code);
    return true;
  }

  bool four_digits(char32_t& code) {
    code = 0;
    for (int i = 0; i < 4; ++i, ++at_) {
      const int digit = hex_digit(peek());
      if (digit < 0) return false;
      code = code * 16 + static_cast<char32_t>(digit);
    }
    return true;
  }

  std::string_view text_;
  Arena& arena_;
  std::size_t at_ = 0;
  std::vector<JsonNode> nodes_;  // children of what is still open
  std::vector<Text> names_;
  std::string buffer_;
};

}  // namespace

Fallible<const JsonNode*> parse_json(std::string_view text, Arena& arena) {
  if (!is_utf8(text)) return std::unexpected(Fault::BadEncoding);
  auto* root = new (arena.allocate(sizeof(JsonNode))) JsonNode;
  if (!Parser(text, arena).parse(*root)) return std::unexpected(Fault::ParseJson);
  return root;
}

}  // namespace piperun::value
