// The concrete tree: what the grammar recognised, as spans with kinds. Holds no meaning yet; build.h makes the AST of it.
#pragma once
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "lang/diag/diagnostic.h"

namespace piperun::syntax {

enum class Kind : std::uint8_t {
  Failed,  // an item with a mistake; children: what was complete before it
  // tokens
  Name,
  Path,
  PlainString,
  Sign,
  Number,
  Timestamp,
  String,
  StringText,
  RawString,
  Param,
  Constant,
  Field,
  // types
  Type,
  TypeNumber,
  Nullable,
  // expressions; a chain is operand, sign, operand, sign, …
  List,
  Group,
  Record,
  Entry,
  Member,
  SafeMember,
  Index,
  Call,
  Argument,
  Fold,
  Bang,
  Postfix,
  CoalesceChain,
  Minus,
  ProductChain,
  SumChain,
  Comparison,
  IsNull,
  IsNotNull,
  Not,
  AndChain,
  OrChain,
  CatchChain,
  If,
  Range,
  // parts of items
  Option,
  OnError,
  Connector,
  TypeField,
  DataName,
  FieldDefault,
  RouteCase,
  Within,
  Grace,
  Late,
  Durable,
  Ascending,
  Per,
  WithTies,
  Tumbling,
  Hopping,
  Sliding,
  Session,
  FnParameter,
  CanFail,
  Schema,
  // stages
  FromStage,
  FilterStage,
  SetStage,
  MapStage,
  DropStage,
  FlattenStage,
  DedupStage,
  EnrichStage,
  KeyStage,
  DeleteStage,
  RouteStage,
  ToStage,
  WindowStage,
  JoinStage,
  AggregateStage,
  TopStage,
  TimeStage,
  // declarations
  PipelineDecl,
  ParamDecl,
  ConstDecl,
  EnumDecl,
  TypeDecl,
  ConnectionDecl,
  SourceDecl,
  TableDecl,
  SinkDecl,
  FnDecl,
  IntrinsicDecl,
  FlowDecl,
  UseDecl,
};

struct Node {
  Kind kind;
  std::uint32_t begin, end;    // bytes of the text, blanks and comments behind it excluded
  std::uint32_t first, count;  // children
};

// Nodes are closed from the inside out: what was matched since a mark becomes the children of the node that closes there.
class Tree {
 public:
  std::size_t mark() const { return open_.size(); }
  void drop(std::size_t mark) { open_.resize(mark); }
  void close(Kind kind, std::size_t mark, std::uint32_t begin, std::uint32_t end) {
    const auto first = static_cast<std::uint32_t>(closed_.size());
    const auto count = static_cast<std::uint32_t>(open_.size() - mark);
    closed_.insert(closed_.end(), open_.begin() + static_cast<std::ptrdiff_t>(mark), open_.end());
    open_.resize(mark);
    open_.push_back({kind, begin, end < begin ? begin : end, first, count});
  }

  std::span<const Node> top() const { return open_; }  // when the file is read: its declarations
  std::span<const Node> children(const Node& node) const { return std::span(closed_).subspan(node.first, node.count); }

 private:
  std::vector<Node> open_;
  std::vector<Node> closed_;
};

// A place where the text is wrong, before it has words (mistakes.h).
struct Mistake {
  static constexpr std::uint32_t kNowhere = ~std::uint32_t{0};

  std::uint32_t at = 0;
  diag::Code code{};
  std::string_view expected;        // "a value"; static
  bool is_word = false;             // `expected` is a word or sign of the language, to be quoted
  bool at_line_end = false;         // something is missing behind the token before it
  std::uint32_t opened = kNowhere;  // the bracket that is not closed
};

struct Reading {
  Tree tree;
  std::vector<Mistake> mistakes;  // in no order
};

// Recognise a text (without byte-order mark). Never throws, linear in the length of the text.
Reading read_file(std::string_view text);
Reading read_expression(std::string_view text);

}  // namespace piperun::syntax
