// Random expressions on random data: the interpreter, an evaluator written another way (over the tree, in 128 bits and std types), and the
// interpreter after constant folding and after removing dead code give one outcome.
#include <algorithm>
#include <memory>
#include <optional>
#include <random>

#include "lang/ir/passes.h"
#include "tests/unit/runtime/expr/expr_test.h"

namespace piperun::expr {
namespace {

using value::Int128;

enum class Shape { Int, Maybe, Bool, Text, Money, Numbers };  // Money: decimal(18, 2)
enum class Make {
  Literal,
  Column,
  Add,
  Sub,
  Mul,
  Div,
  Rem,
  Neg,
  If,
  Catch,
  Coalesce,
  Element,
  Length,
  Total,
  Whole,
  Null,
  Wrap,
  Equal,
  Less,
  AtMost,
  Not,
  And,
  Or,
  IsNull,
  Contains,
  Join,
  Show,
  FromInt,
  Times,
  Listed,
};

struct Tree {
  Shape shape;
  Make make;
  std::int64_t number = 0;  // literal; column
  std::string text;
  std::vector<std::unique_ptr<Tree>> kids;
};

// A value of any shape.
struct Plain {
  Int128 number = 0;
  bool null = false;
  std::string text;
  std::vector<Int128> numbers;
  friend bool operator==(const Plain&, const Plain&) = default;
};

struct Died {
  std::string code;
};

class Random : public ExprTest {
 protected:
  static constexpr std::int64_t kInterestingNumbers[] = {
      0, 1, -1, 2, 3, 7, 10, -10, 100, 4'611'686'018'427'387'904, 9'223'372'036'854'775'807, -9'223'372'036'854'775'807 - 1};

  std::uint64_t pick(std::uint64_t below) { return random_() % below; }
  std::int64_t number() {
    return pick(3) != 0 ? static_cast<std::int64_t>(pick(9)) - 4 : kInterestingNumbers[pick(std::size(kInterestingNumbers))];
  }
  std::string word() { return std::string(std::vector{"", "a", "b", "ab", "\u00e9"}[pick(5)]); }
  std::int64_t money() { return static_cast<std::int64_t>(pick(5) == 0 ? pick(999'999'999'999'999'999) : pick(2'000)) - 1'000; }

  std::unique_ptr<Tree> node(Shape shape, Make make, std::vector<std::unique_ptr<Tree>> kids = {}) {
    auto tree = std::make_unique<Tree>(Tree{shape, make, 0, "", std::move(kids)});
    tree->number = shape == Shape::Money ? money() : number();
    if (make == Make::Column) tree->number = static_cast<std::int64_t>(pick(2));
    tree->text = word();
    return tree;
  }

  std::vector<std::unique_ptr<Tree>> grown(int depth, std::initializer_list<Shape> shapes) {
    std::vector<std::unique_ptr<Tree>> kids;
    for (const Shape shape : shapes) kids.push_back(grow(shape, depth - 1));
    return kids;
  }

  std::unique_ptr<Tree> grow(Shape shape, int depth) {
    if (depth <= 0 || pick(6) == 0) {
      if (shape == Shape::Maybe && pick(3) == 0) return node(shape, Make::Null);
      const bool has_literal = shape != Shape::Maybe && shape != Shape::Numbers;
      return node(shape, has_literal && pick(2) == 0 ? Make::Literal : Make::Column);
    }
    const auto of = [&](Make make, std::initializer_list<Shape> shapes) { return node(shape, make, grown(depth, shapes)); };
    if (pick(6) == 0) return of(Make::If, {Shape::Bool, shape, shape});
    if (pick(6) == 0) return of(Make::Catch, {shape, shape});
    switch (shape) {
      case Shape::Int:
        switch (pick(10)) {
          case 0: return of(Make::Add, {Shape::Int, Shape::Int});
          case 1: return of(Make::Sub, {Shape::Int, Shape::Int});
          case 2: return of(Make::Mul, {Shape::Int, Shape::Int});
          case 3: return of(Make::Div, {Shape::Int, Shape::Int});
          case 4: return of(Make::Rem, {Shape::Int, Shape::Int});
          case 5: return of(Make::Neg, {Shape::Int});
          case 6: return of(Make::Coalesce, {Shape::Maybe, Shape::Int});
          case 7: return of(Make::Element, {Shape::Numbers, Shape::Int});
          case 8: return of(Make::Total, {Shape::Numbers, Shape::Int});
          default: return pick(2) == 0 ? of(Make::Length, {Shape::Numbers}) : of(Make::Whole, {Shape::Money});
        }
      case Shape::Maybe: return of(Make::Wrap, {Shape::Int});
      case Shape::Bool:
        switch (pick(8)) {
          case 0: return pick(2) == 0 ? of(Make::Equal, {Shape::Int, Shape::Int}) : of(Make::Equal, {Shape::Maybe, Shape::Maybe});
          case 1: return pick(2) == 0 ? of(Make::Less, {Shape::Int, Shape::Int}) : of(Make::Less, {Shape::Text, Shape::Text});
          case 2:
            return pick(2) == 0 ? of(Make::AtMost, {Shape::Money, Shape::Money}) : of(Make::AtMost, {Shape::Int, Shape::Int});
          case 3: return of(Make::Not, {Shape::Bool});
          case 4: return of(Make::And, {Shape::Bool, Shape::Bool});
          case 5: return of(Make::Or, {Shape::Bool, Shape::Bool});
          case 6: return of(Make::IsNull, {Shape::Maybe});
          default: return of(Make::Contains, {Shape::Numbers, Shape::Int});
        }
      case Shape::Text:
        return pick(2) == 0 ? of(Make::Join, {Shape::Text, Shape::Text})
                            : of(Make::Show, {pick(2) == 0 ? Shape::Int : Shape::Money});
      case Shape::Money:
        switch (pick(4)) {
          case 0: return of(Make::Add, {Shape::Money, Shape::Money});
          case 1: return of(Make::Sub, {Shape::Money, Shape::Money});
          case 2: return of(Make::Times, {Shape::Money, Shape::Money});
          default: return of(Make::FromInt, {Shape::Int});
        }
      case Shape::Numbers: return of(Make::Listed, {Shape::Int, Shape::Int});
    }
    return nullptr;
  }

  // ---- The other evaluator

  static Int128 checked(Int128 n) {
    if (n > INT64_MAX || n < INT64_MIN) throw Died{"P1101"};
    return n;
  }
  static Int128 checked_money(Int128 n) {
    if (n >= Int128{1'000'000'000'000'000'000} || n <= -Int128{1'000'000'000'000'000'000}) throw Died{"P1101"};
    return n;
  }
  static Plain of(Int128 n) { return {.number = n, .null = false, .text = {}, .numbers = {}}; }

  Plain evaluate(const Tree& t, const std::vector<Plain>& row) {
    const auto kid = [&](std::size_t n) { return evaluate(*t.kids[n], row); };
    const bool is_money = t.shape == Shape::Money;
    switch (t.make) {
      case Make::Literal:
        return t.shape == Shape::Text ? Plain{.number = 0, .null = false, .text = t.text, .numbers = {}}
                                      : of(t.shape == Shape::Bool ? t.number > 0 : t.number);
      case Make::Column: return row[static_cast<std::size_t>(t.shape) * 2 + static_cast<std::size_t>(t.number)];
      case Make::Null: return {.number = 0, .null = true, .text = {}, .numbers = {}};
      case Make::Wrap: return kid(0);
      case Make::If: return kid(0).number != 0 ? kid(1) : kid(2);
      case Make::Catch: try { return kid(0);
        } catch (const Died&) { return kid(1); }
      case Make::Coalesce: {
        const Plain first = kid(0);
        return first.null ? kid(1) : first;
      }
      case Make::Neg: return of(checked(-kid(0).number));
      case Make::Not: return of(kid(0).number == 0);
      case Make::IsNull: return of(kid(0).null);
      case Make::Length: return of(static_cast<Int128>(kid(0).numbers.size()));
      case Make::Whole: return of(checked(kid(0).number / 100));
      case Make::FromInt: return of(checked_money(checked(kid(0).number) * 100));
      case Make::Show: {
        const Int128 n = kid(0).number;
        if (t.kids[0]->shape == Shape::Int)
          return {.number = 0, .null = false, .text = std::to_string(static_cast<std::int64_t>(n)), .numbers = {}};
        const auto cents = static_cast<std::int64_t>(n < 0 ? -n : n);
        return {.number = 0,
                .null = false,
                .text = (n < 0 ? "-" : "") + std::to_string(cents / 100) + "." + std::to_string(cents % 100 / 10) +
                        std::to_string(cents % 10),
                .numbers = {}};
      }
      default: break;
    }
    const Plain a = kid(0), b = kid(1);
    switch (t.make) {
      case Make::Add: return of(is_money ? checked_money(a.number + b.number) : checked(a.number + b.number));
      case Make::Sub: return of(is_money ? checked_money(a.number - b.number) : checked(a.number - b.number));
      case Make::Mul: return of(checked(a.number * b.number));
      case Make::Div:
        if (b.number == 0) throw Died{"P1102"};
        return of(checked(a.number / b.number));
      case Make::Rem:
        if (b.number == 0) throw Died{"P1102"};
        return of(a.number - a.number / b.number * b.number);
      case Make::Times: {  // exact, then half to even at two digits
        const Int128 exact = a.number * b.number, size = exact < 0 ? -exact : exact;
        Int128 cents = size / 100;
        const Int128 rest = size % 100;
        if (rest > 50 || (rest == 50 && cents % 2 == 1)) ++cents;
        return of(checked_money(exact < 0 ? -cents : cents));
      }
      case Make::Equal: return of(a == b);
      case Make::Less: return of(t.kids[0]->shape == Shape::Text ? a.text < b.text : a.number < b.number);
      case Make::AtMost: return of(a.number <= b.number);
      case Make::And: return of(a.number != 0 && b.number != 0);
      case Make::Or: return of(a.number != 0 || b.number != 0);
      case Make::Join: return {.number = 0, .null = false, .text = a.text + b.text, .numbers = {}};
      case Make::Element:
        if (b.number < 0 || b.number >= static_cast<Int128>(a.numbers.size())) throw Died{"P1104"};
        return of(a.numbers[static_cast<std::size_t>(b.number)]);
      case Make::Contains: return of(std::ranges::find(a.numbers, b.number) != a.numbers.end());
      case Make::Total: {  // sum(n * b for n in a if not n == 0)
        Int128 sum = 0;
        for (const Int128 n : a.numbers) {
          if (n != 0) sum = checked(sum + checked(n * b.number));
        }
        return of(sum);
      }
      case Make::Listed: return {.number = 0, .null = false, .text = {}, .numbers = {a.number, b.number}};
      default: ADD_FAILURE(); return {};
    }
  }

  // ---- The tree as a row function

  TypeId type_of(Shape shape) {
    switch (shape) {
      case Shape::Int: return scalar(Kind::Int);
      case Shape::Maybe: return optional(scalar(Kind::Int));
      case Shape::Bool: return scalar(Kind::Bool);
      case Shape::Text: return scalar(Kind::String);
      case Shape::Money: return program.types.decimal(18, 2);
      case Shape::Numbers: return program.types.list(scalar(Kind::Int));
    }
    return {};
  }

  ir::Value lower(const Tree& t, ir::FunctionBuilder& to, const std::vector<ir::Value>& columns) {
    const TypeId type = type_of(t.shape);
    to.set_site({0, static_cast<std::uint32_t>(t.make) + 1, 1});
    if (t.make == Make::Literal) {
      const Cell cell = t.shape == Shape::Text    ? Cell::of(std::string_view(program.memory->copy(t.text)))
                        : t.shape == Shape::Bool  ? Cell::of(t.number > 0)
                        : t.shape == Shape::Money ? Cell::of(Int128{t.number})
                                                  : Cell::of(t.number);
      return to.constant({.type = type, .cells = {cell, {}}, .secret = {}});
    }
    if (t.make == Make::Column) return columns[static_cast<std::size_t>(t.shape) * 2 + static_cast<std::size_t>(t.number)];
    if (t.make == Make::Null) return to.add(Op::SetNull, type, {});
    if (t.make == Make::If || t.make == Make::Catch || t.make == Make::Coalesce) return lower_branches(t, to, columns);
    std::vector<ir::Value> kids;
    for (const auto& kid : t.kids) kids.push_back(lower(*kid, to, columns));
    const bool is_money = t.shape == Shape::Money;
    const Shape inner = t.kids[0]->shape;
    switch (t.make) {
      case Make::Wrap: return to.add(Op::Copy, type, kids);
      case Make::Neg: return to.add(Op::NegInt, type, kids);
      case Make::Add: return to.add(is_money ? Op::AddDec : Op::AddInt, type, kids);
      case Make::Sub: return to.add(is_money ? Op::SubDec : Op::SubInt, type, kids);
      case Make::Mul: return to.add(Op::MulInt, type, kids);
      case Make::Div: return to.add(Op::DivInt, type, kids);
      case Make::Rem: return to.add(Op::RemInt, type, kids);
      case Make::Times: return to.add(Op::RescaleDec, type, {to.add(Op::MulDec, program.types.decimal(36, 4), kids)});
      case Make::Not: return to.add(Op::Not, type, kids);
      case Make::And: return to.add(Op::And, type, kids);
      case Make::Or: return to.add(Op::Or, type, kids);
      case Make::IsNull: return to.add(Op::IsNull, type, kids);
      case Make::Length: return to.add(Op::ListLength, type, kids);
      case Make::Whole: return to.add(Op::DecToInt, type, kids);
      case Make::FromInt: return to.add(Op::IntToDec, type, kids);
      case Make::Show: return to.add(Op::ToText, type, kids);
      case Make::Equal: return to.add(inner == Shape::Maybe ? Op::EqAny : Op::EqInt, type, kids);
      case Make::Less: return to.add(inner == Shape::Text ? Op::LtText : Op::LtInt, type, kids);
      case Make::AtMost: return to.add(inner == Shape::Money ? Op::LeDec : Op::LeInt, type, kids);
      case Make::Join: return to.add(Op::Concat, type, kids);
      case Make::Element: return to.add(Op::ListIndex, type, kids);
      case Make::Contains: return to.add(Op::ListContains, type, kids);
      case Make::Listed: return to.add(Op::MakeList, type, kids);
      case Make::Total: return to.add(Op::Fold, type, kids, 0);
      default: ADD_FAILURE(); return {};
    }
  }

  ir::Value lower_branches(const Tree& t, ir::FunctionBuilder& to, const std::vector<ir::Value>& columns) {
    const ir::Value result = to.fresh(type_of(t.shape));
    const ir::BlockId second = to.new_block(), joined = to.new_block();
    const ir::BlockId outer = to.on_fail();
    if (t.make == Make::Catch) {
      to.set_on_fail(second);
      to.copy(lower(*t.kids[0], to, columns), result);
      to.set_on_fail(outer);
    } else {
      const ir::BlockId first = to.new_block();
      const ir::Value tested = lower(*t.kids[0], to, columns);
      if (t.make == Make::If) {
        to.branch(tested, first, second);
      } else {
        to.branch(to.add(Op::IsNull, scalar(Kind::Bool), {tested}), second, first);
      }
      to.go_to(first);
      to.copy(t.make == Make::If ? lower(*t.kids[1], to, columns) : to.payload(tested), result);
    }
    to.jump(joined);
    to.go_to(second);
    to.copy(lower(*t.kids.back(), to, columns), result);
    to.jump(joined);
    to.go_to(joined);
    return result;
  }

  ir::Function lowered(const Tree& tree) {
    ir::FunctionBuilder builder(program.types, "random");
    std::vector<ir::Value> columns;
    for (int n = 0; n < 12; ++n)
      columns.push_back(builder.add_input({"c" + std::to_string(n), type_of(static_cast<Shape>(n / 2))}));
    builder.add_output({{"y", type_of(tree.shape)}});
    builder.emit(0, {lower(tree, builder, columns)});
    return builder.finish();
  }

  void add_total() {  // fold 0
    const TypeId number_type = scalar(Kind::Int);
    ir::FunctionBuilder element(program.types, "element");
    const ir::Value n = element.add_input({"n", number_type}), by = element.add_input({"by", number_type});
    const ir::BlockId skip = element.new_block(), take = element.new_block();
    const ir::Value zero = element.constant({.type = number_type, .cells = {Cell::of(std::int64_t{0}), {}}, .secret = {}});
    element.branch(element.add(Op::EqInt, scalar(Kind::Bool), {n, zero}), skip, take);
    element.go_to(skip);
    element.filtered();
    element.go_to(take);
    element.add_output({{"v", number_type}});
    element.emit(0, {element.add(Op::MulInt, number_type, {n, by})});
    program.functions.push_back(element.finish());
    program.folds.push_back({ir::FoldKind::Sum, 0, number_type, number_type});
  }

  std::vector<Plain> random_row() {
    std::vector<Plain> row;
    for (int n = 0; n < 12; ++n) {
      const auto shape = static_cast<Shape>(n / 2);
      Plain plain = of(shape == Shape::Money ? Int128{money()} : Int128{number()});
      if (shape == Shape::Bool) plain.number = pick(2);
      if (shape == Shape::Maybe && pick(2) == 0) plain = {.number = 0, .null = true, .text = {}, .numbers = {}};
      if (shape == Shape::Text || shape == Shape::Numbers) plain.number = 0;
      if (shape == Shape::Text) plain.text = word();
      for (std::uint64_t k = 0, size = pick(4); shape == Shape::Numbers && k < size; ++k) plain.numbers.push_back(number());
      row.push_back(std::move(plain));
    }
    return row;
  }

  std::vector<Cell> cells_of(const std::vector<Plain>& row) {
    std::vector<Cell> cells;
    for (std::size_t n = 0; n < row.size(); ++n) append_cells(static_cast<Shape>(n / 2), row[n], cells);
    return cells;
  }

  void append_cells(Shape shape, const Plain& plain, std::vector<Cell>& cells) {
    const auto number = static_cast<std::int64_t>(plain.number);
    switch (shape) {
      case Shape::Int: cells.push_back(Cell::of(number)); break;
      case Shape::Maybe:
        cells.push_back(Cell::of(plain.null));
        cells.push_back(Cell::of(number));
        break;
      case Shape::Bool: cells.push_back(Cell::of(plain.number != 0)); break;
      case Shape::Text: cells.push_back(Cell::of(std::string_view(arena.copy(plain.text)))); break;
      case Shape::Money: cells.push_back(Cell::of(plain.number)); break;
      case Shape::Numbers: {
        Cell* items = arena.cells(plain.numbers.size());
        for (std::size_t k = 0; k < plain.numbers.size(); ++k) items[k] = Cell::of(static_cast<std::int64_t>(plain.numbers[k]));
        cells.push_back(Cell::of(value::List{items, plain.numbers.size()}));
      }
    }
  }

  std::string expected(const Tree& tree, const std::vector<Plain>& row) {
    try {
      std::vector<Cell> cells;
      append_cells(tree.shape, evaluate(tree, row), cells);
      return text(type_of(tree.shape), cells.data());
    } catch (const Died& died) { return "!" + died.code; }
  }

  std::string outcome(const ir::Function& function, const std::vector<Cell>& input) {
    const std::string words = result(function, input);
    return words.starts_with("!") ? words.substr(0, 6) : words;
  }

  std::mt19937_64 random_{20260131};
};

TEST_F(Random, InterpreterOtherEvaluatorAndPassesAgree) {
  add_total();
  int died = 0;
  for (int n = 0; n < 1200; ++n) {
    const auto tree = grow(static_cast<Shape>(pick(6)), 5);
    const ir::Function plain = lowered(*tree);
    ir::Function folded = plain;
    ir::fold_constants(program, folded);
    ir::Function lean = folded;
    ir::drop_dead_code(program.types, lean);
    for (int rows = 0; rows < 3; ++rows) {
      const std::vector<Plain> row = random_row();
      const std::vector<Cell> input = cells_of(row);
      const std::string wanted = expected(*tree, row);
      died += wanted.starts_with("!");
      ASSERT_EQ(outcome(plain, input), wanted) << "tree " << n;
      ASSERT_EQ(result(folded, input), result(plain, input)) << "folded, tree " << n;
      ASSERT_EQ(result(lean, input), result(plain, input)) << "without dead code, tree " << n;
    }
    arena.reset();
  }
  EXPECT_GT(died, 150);
  EXPECT_LT(died, 2700);
}

}  // namespace
}  // namespace piperun::expr
