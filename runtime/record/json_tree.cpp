// Values of the type `json`: trees in the arena whose texts are views into the payload.
#include <algorithm>

#include "runtime/record/first_names.h"
#include "runtime/record/json_reader.h"

namespace piperun::record {
namespace {

template <typename T>
const T* copy_from(const std::vector<T>& source, std::size_t base, value::Arena& arena) {
  const std::size_t count = source.size() - base;
  T* const copy = static_cast<T*>(arena.allocate(count * sizeof(T)));
  std::copy(source.begin() + static_cast<std::ptrdiff_t>(base), source.end(), copy);
  return copy;
}

}  // namespace

bool JsonReader::tree(value::JsonNode& node) {
  using value::JsonKind;
  node = {};
  switch (in_.next()) {
    case '"': node.kind = JsonKind::String; return in_.string(*arena_, node.text);
    case '[': return tree_array(node);
    case '{': return tree_object(node);
    case 't': node.kind = JsonKind::True; return in_.literal("true");
    case 'f': node.kind = JsonKind::False; return in_.literal("false");
    case 'n': node.kind = JsonKind::Null; return in_.literal("null");
    case '-':
    case '0':
    case '1':
    case '2':
    case '3':
    case '4':
    case '5':
    case '6':
    case '7':
    case '8':
    case '9': {
      std::string_view token;
      if (!in_.number(token)) return false;
      node.kind = JsonKind::Number;
      node.text = {token.data(), token.size()};
      return true;
    }
    default: return in_.malformed();
  }
}

bool JsonReader::tree_array(value::JsonNode& node) {
  if (!in_.enter()) return false;
  in_.advance(1);
  const std::size_t base = nodes_.size();
  for (auto after = in_.next() == ']' ? in_.after_element(']') : JsonScanner::After::Comma; after != JsonScanner::After::Close;
       after = in_.after_element(']')) {
    value::JsonNode child;
    if (after == JsonScanner::After::Wrong || !tree(child)) return false;
    nodes_.push_back(child);
  }
  node.kind = value::JsonKind::Array;
  node.count = nodes_.size() - base;
  node.children = copy_from(nodes_, base, *arena_);
  nodes_.resize(base);
  return true;
}

bool JsonReader::tree_object(value::JsonNode& node) {
  if (!in_.enter()) return false;
  in_.advance(1);
  const std::size_t base = nodes_.size();
  const std::size_t names_base = names_.size();
  for (auto after = in_.next() == '}' ? in_.after_element('}') : JsonScanner::After::Comma; after != JsonScanner::After::Close;
       after = in_.after_element('}')) {
    value::JsonNode child;
    value::Text name;
    if (after == JsonScanner::After::Wrong || !in_.name(*arena_, name) || !tree(child)) return false;
    nodes_.push_back(child);
    names_.push_back(name);
  }
  node = object_of(names_, names_base, nodes_, base);
  return true;
}

// Takes what lies behind the two bases; of members with one name the first.
value::JsonNode JsonReader::object_of(std::vector<value::Text>& names, std::size_t names_base,
                                      std::vector<value::JsonNode>& nodes, std::size_t base) {
  const auto name_at = [&](std::size_t i) { return std::string_view(names[names_base + i]); };
  if (has_repeated_name(nodes.size() - base, name_at)) {
    const auto firsts = first_of_each_name(nodes.size() - base, name_at);
    for (std::size_t i = 0; i < firsts.size(); ++i) {
      nodes[base + i] = nodes[base + firsts[i]];
      names[names_base + i] = names[names_base + firsts[i]];
    }
    nodes.resize(base + firsts.size());
    names.resize(names_base + firsts.size());
  }
  value::JsonNode node;
  node.kind = value::JsonKind::Object;
  node.count = nodes.size() - base;
  node.children = copy_from(nodes, base, *arena_);
  node.names = copy_from(names, names_base, *arena_);
  nodes.resize(base);
  names.resize(names_base);
  return node;
}

}  // namespace piperun::record
