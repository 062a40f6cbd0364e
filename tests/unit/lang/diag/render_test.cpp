#include "lang/diag/render.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace piperun::diag {
namespace {

using source::FileId;
using source::SourceMap;

// Marks `words`, from its n-th occurrence (0 is the first).
Span find(const SourceMap& sources, FileId file, std::string_view words, int n = 0) {
  std::size_t at = sources.file(file).text().find(words);
  while (n-- > 0) at = sources.file(file).text().find(words, at + 1);
  EXPECT_NE(at, std::string_view::npos) << words;
  return {file, static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(at + words.size())};
}

struct Render : testing::Test {
  SourceMap sources;
  FileId add(std::string text) { return sources.add("orders.pipe", std::move(text)); }
  std::string body(const Diagnostic& diagnostic, const RenderOptions& options = {}) {
    const std::string all = render(diagnostic, sources, options);
    return all.substr(all.find('\n') + 1);
  }
};

TEST_F(Render, LooksLikeTheSampleOfTheLanguagePage) {
  const FileId file =
      add("pipeline orders {\n\n\n  delivery = exactly_once\n}\n\n\n\n\nsink hook = http { url = \"https://x.example/in\" }\n");
  Diagnostic it(Code::P0101, find(sources, file, "http"));
  it.message("this sink cannot take part in exactly_once").label("a request can be repeated");
  it.secondary(find(sources, file, "exactly_once"), "promised here");
  it.help("give the receiver an id it can ignore twice: `idempotency_key = order_id`").note("a note");
  EXPECT_EQ(render(it, sources),
            "error[P0101]: this sink cannot take part in exactly_once\n"
            "  --> orders.pipe:10:13\n"
            "   |\n"
            " 4 |   delivery = exactly_once\n"
            "   |              ------------ promised here\n"
            "10 | sink hook = http { url = \"https://x.example/in\" }\n"
            "   |             ^^^^ a request can be repeated\n"
            "   = note: a note\n"
            "   = help: give the receiver an id it can ignore twice: `idempotency_key = order_id`\n");
}

TEST_F(Render, SeveralMarksOnALineHangBelowIt) {
  const FileId file = add("filter a == b + c\n");
  Diagnostic it(Code::P0101, find(sources, file, "=="));
  it.label("the comparison").secondary(find(sources, file, "a"), "left").secondary(find(sources, file, "b + c"), "right");
  EXPECT_EQ(body(it),
            " --> orders.pipe:1:10\n"
            "  |\n"
            "1 | filter a == b + c\n"
            "  |        - ^^ ----- right\n"
            "  |        | the comparison\n"
            "  |        left\n");
}

TEST_F(Render, NestedMarksGetALineEach) {
  const FileId file = add("x = to_int(y)\n");
  Diagnostic it(Code::P0101, find(sources, file, "y"));
  it.label("inner").secondary(find(sources, file, "to_int(y)"), "outer");
  EXPECT_EQ(body(it),
            " --> orders.pipe:1:12\n"
            "  |\n"
            "1 | x = to_int(y)\n"
            "  |     -------^-\n"
            "  |     |      inner\n"
            "  |     outer\n");
}

TEST_F(Render, TabsAndLettersOfSeveralBytesAreOneColumn) {
  const FileId file = add("\tset \xC3\xA9\xC3\xA9 = x\n");
  Diagnostic it(Code::P0101, find(sources, file, "x"));
  EXPECT_EQ(body(it),
            " --> orders.pipe:1:13\n"
            "  |\n"
            "1 |  set \xC3\xA9\xC3\xA9 = x\n"
            "  |           ^\n");
}

TEST_F(Render, AnEmptySpanBehindTheLineIsOneCaret) {
  const FileId file = add("filter total >\r\nnext\r\n");
  Diagnostic it(Code::P0101, Span{file, 14, 14});
  it.label("an operand is missing");
  EXPECT_EQ(body(it),
            " --> orders.pipe:1:15\n"
            "  |\n"
            "1 | filter total >\n"
            "  |               ^ an operand is missing\n");
}

TEST_F(Render, AnEmptyFileHasAPlaceToo) {
  const FileId file = add("");
  EXPECT_EQ(body(Diagnostic(Code::P0101, Span{file, 0, 0})), " --> orders.pipe:1:1\n  |\n1 |\n  | ^\n");
}

TEST_F(Render, AMarkOfManyLinesShowsItsFirstAndItsLast) {
  const FileId file = add("flow a {\n  from b\n  to c\n}\n");
  Diagnostic it(Code::P0101, Span{file, 5, 26});
  it.label("all of it");
  EXPECT_EQ(body(it),
            " --> orders.pipe:1:6\n"
            "  |\n"
            "1 | flow a {\n"
            "  |      ^^^\n"
            "...\n"
            "4 | }\n"
            "  | ^ all of it\n");
}

TEST_F(Render, LongLinesAreClippedAroundTheCaret) {
  const FileId file = add(std::string(200, 'a') + "BAD" + std::string(200, 'z') + "\n");
  const std::string shown = body(Diagnostic(Code::P0101, find(sources, file, "BAD")), {.line_width = 30});
  EXPECT_EQ(shown,
            " --> orders.pipe:1:201\n"
            "  |\n"
            "1 | ...aaaaaaaBADzzzzzzzzzzzzzzzzz...\n"
            "  |           ^^^\n");
}

TEST_F(Render, AnotherFileHasAHeadingOfItsOwn) {
  const FileId file = add("use \"./m.pipe\" as m\n");
  const FileId other = sources.add("m.pipe", "fn f() -> int64 = 1\n");
  Diagnostic it(Code::P0101, find(sources, file, "m", 1));
  it.label("used").secondary(find(sources, other, "f("), "declared");
  EXPECT_THAT(body(it), testing::EndsWith(" ::: m.pipe:1:4\n  |\n1 | fn f() -> int64 = 1\n  |    -- declared\n"));
}

TEST_F(Render, ControlCharactersNeverReachTheTerminal) {
  const FileId file = add("a \x1b[31m \xFF b\n");
  Diagnostic it(Code::P0101, find(sources, file, "b"));
  const std::string shown = render(it.message("bad \x1b]0;title\x07"), sources);
  EXPECT_EQ(shown.find('\x1b'), std::string::npos);
  EXPECT_EQ(shown.find('\x07'), std::string::npos);
  EXPECT_EQ(shown.find('\xFF'), std::string::npos);
}

TEST_F(Render, ColourOnlyWhenAsked) {
  const FileId file = add("abc\n");
  const Diagnostic it(Code::P0101, find(sources, file, "b"));
  EXPECT_EQ(render(it, sources).find('\x1b'), std::string::npos);
  EXPECT_THAT(render(it, sources, {.colour = true}), testing::HasSubstr("\x1b[1;31m^\x1b[0m"));
}

TEST_F(Render, AtMostTwentyAreShownThenACount) {
  const FileId file = add(std::string(30, 'x') + "\n");
  Report report;
  for (std::uint32_t i = 0; i < 25; ++i) report.add(Code::P0101, {file, i, i + 1});
  const std::string shown = render(report, sources);
  EXPECT_THAT(shown, testing::EndsWith("\n25 errors; the first 20 are shown\n"));
  EXPECT_THAT(shown, testing::HasSubstr("orders.pipe:1:20\n"));
  EXPECT_THAT(shown, testing::Not(testing::HasSubstr("orders.pipe:1:21\n")));
}

TEST_F(Render, NothingToSayIsNoText) { EXPECT_EQ(render(Report{}, sources), ""); }

TEST_F(Render, JsonCarriesSpansPlacesAndEdits) {
  const FileId file = add("a\n\"b\" \xFF\n");
  Report report;
  report.add(Code::P0101, {file, 2, 5})
      .message("say \"b\"\x01")
      .label("l")
      .secondary({file, 0, 1}, "s")
      .help("h", {file, 5, 5}, "\\")
      .help("i")
      .note("n");
  EXPECT_EQ(
      to_json(report, sources),
      R"({"code":"P0101","severity":"error","title":"unexpected text","message":"say \"b\"\u0001",)"
      R"("span":{"file":"orders.pipe","begin":2,"end":5,"line":2,"column":1,"end_line":2,"end_column":4},"label":"l",)"
      R"("labels":[{"span":{"file":"orders.pipe","begin":0,"end":1,"line":1,"column":1,"end_line":1,"end_column":2},"text":"s"}],)"
      R"("help":[{"text":"h","edit":{"span":{"file":"orders.pipe","begin":5,"end":5,"line":2,"column":4,"end_line":2,"end_column":4},)"
      R"("replacement":"\\"}},{"text":"i"}],"notes":["n"]})"
      "\n");
}

}  // namespace
}  // namespace piperun::diag
