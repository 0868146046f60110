/* What Rhai says its values and statements do, a row each: text in, debug text out. */
#include "rhai/host_test.h"

#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

struct row {
    const char *body;     /* of a function */
    const char *expected; /* its value as text, or "!" and a part of the error */
    const char *top;      /* what stands outside; NULL: nothing */
};

static bool run(const struct row *row)
{
    AUTO(buf_deinit) struct buf source = { 0 };
    struct test_host *host = test_host_new();
    const char *actual = NULL;
    bool ok;

    buf_init(&source, SCRIPT_BYTES_MAX);
    (void)buf_printf(&source, "fn schedule(context) { to_debug(f()) } fn f() { %s\n} %s", row->body,
                     row->top ? row->top : "");
    if (test_host_load(host, buf_str(&source)))
        actual = test_host_call(host, "schedule");
    else if (host->diagnostics.errors > 0)
        (void)snprintf(host->message, sizeof(host->message), "%s",
                       host->diagnostics.items[0].message);
    if (row->expected[0] == '!')
        ok = !actual && strstr(host->message, row->expected + 1);
    else
        ok = actual && strcmp(actual, row->expected) == 0;
    if (!ok)
        print_error("%s\n  expected %s\n  got      %s\n%s\n", row->body, row->expected,
                    actual ? actual : host->message, buf_cstr(&host->script.text));
    test_host_free(host);
    return ok;
}

static void run_rows(const struct row *rows, size_t len)
{
    size_t failed = 0;

    for (size_t i = 0; i < len; i++)
        failed += !run(&rows[i]);
    assert_int_equal(failed, 0);
}

#define RUN(rows) run_rows(rows, sizeof(rows) / sizeof((rows)[0]))

/* clang-format off */

static void numbers_are_checked_and_keep_their_type(void **state)
{
    static const struct row rows[] = {
        { "1 + 2 * 3", "7", NULL },
        { "(1 + 2) * 3", "9", NULL },
        { "7 / 2", "3", NULL },
        { "-7 / 2", "-3", NULL },
        { "7 / -2", "-3", NULL },
        { "-7 % 3", "-1", NULL },
        { "7 % -3", "1", NULL },
        { "7.0 / 2", "3.5", NULL },
        { "1 + 1.0", "2.0", NULL },
        { "42.0", "42.0", NULL },
        { "42.", "42.0", NULL },
        { "1e3", "1000.0", NULL },
        { "0.1 + 0.2", "0.30000000000000004", NULL },
        { "1_000_000", "1000000", NULL },
        { "0xff + 0o17 + 0b101", "275", NULL },
        { "0xffffffffffffffff", "-1", NULL },
        { "9223372036854775807", "9223372036854775807", NULL },
        { "-9223372036854775808", "-9223372036854775808", NULL },
        { "2 ** 10", "1024", NULL },
        { "2 ** 3 ** 2", "512", NULL },
        { "-2.0 ** -2.0", "0.25", NULL },
        { "2 ** 0.5 > 1.41", "true", NULL },
        { "1 << 4 | 1", "17", NULL },
        { "-8 >> 1", "-4", NULL },
        { "-9223372036854775808 >> 63", "-1", NULL },
        { "6 & 3", "2", NULL },
        { "6 ^ 3", "5", NULL },
        { "+5", "5", NULL },
        { "-(5)", "-5", NULL },
        { "-1.abs()", "1", NULL },
        { "let x = 5; x.abs() + (-x).abs()", "10", NULL },
        { "9223372036854775807 + 1", "!addition overflow: 9223372036854775807 + 1", NULL },
        { "-9223372036854775808 - 1", "!subtraction overflow", NULL },
        { "9223372036854775807 * 2", "!multiplication overflow", NULL },
        { "-9223372036854775808 * -1", "!multiplication overflow", NULL },
        { "3037000500 * 3037000500", "!multiplication overflow", NULL },
        { "3037000499 * 3037000499", "9223372030926249001", NULL },
        { "1 / 0", "!division by zero: 1 / 0", NULL },
        { "1 % 0", "!modulo division by zero", NULL },
        { "1.0 / 0 > 1e300", "true", NULL },
        { "2 ** 64", "!exponential overflow", NULL },
        { "2 ** -1", "!integer raised to a negative power", NULL },
        { "-(-9223372036854775807 - 1)", "!negation overflow", NULL },
        { "1 + true", "!function not found: + (i64, bool)", NULL },
        { "let x = 3; x += 4; x -= 1; x *= 5; x /= 3; x %= 7; x **= 2; x", "9", NULL },
        { "let x = 1; x <<= 4; x >>= 1; x |= 3; x &= 10; x ^= 1; x", "11", NULL },
        { "[3.7.floor(), 3.2.ceiling(), 2.5.round(), -3.7.int(), 3.7.to_int(), 3.to_float()]",
          "[3.0, 4.0, 3.0, -3.0, 3, 3.0]", NULL },
        { "[9.sqrt(), 5.min(3), max(1, 2, 3), 7.is_odd(), 0.is_zero(), -5.sign()]",
          "[3.0, 3, 3, true, true, -1]", NULL },
        { "[255.to_hex(), 5.to_binary(), 8.to_octal(), 1.5.to_string(), 100.log()]",
          "[\"ff\", \"101\", \"10\", \"1.5\", 2.0]", NULL },
        { "1e300.to_int()", "!integer overflow", NULL },
        { "[type_of(1), type_of(1.0), type_of(\"\"), type_of('c'), type_of(()), type_of([]), type_of(#{}), "
          "type_of(true), type_of(|x| x), type_of(0..1)]",
          "[\"i64\", \"f64\", \"string\", \"string\", \"()\", \"array\", \"map\", \"bool\", \"Fn\", \"range\"]", NULL },
    };
    (void)state;

    RUN(rows);
}

static void only_bools_are_conditions(void **state)
{
    static const struct row rows[] = {
        { "if 1 { 2 }", "!data type incorrect: i64 (expecting bool)", NULL },
        { "if () { 2 }", "!data type incorrect: () (expecting bool)", NULL },
        { "1 && true", "!data type incorrect: i64 (expecting bool)", NULL },
        { "true && \"x\"", "!data type incorrect: string (expecting bool)", NULL },
        { "!5", "!data type incorrect: i64 (expecting bool)", NULL },
        { "while 1 {}", "!expecting bool", NULL },
        { "true || 1 == 1 && false", "true", NULL },
        { "let n = 0; let g = |x| { n += 1; x }; g.call(false) && g.call(true); n", "1", NULL },
        { "!true == false", "true", NULL },
        { "!(1 > 2) && 2 > 1", "true", NULL },
        { "true ^ true", "false", NULL },
        { "true & false | true", "true", NULL },
    };
    (void)state;

    RUN(rows);
}

static void values_of_different_types_are_neither_equal_nor_ordered(void **state)
{
    static const struct row rows[] = {
        { "1 == 1.0", "true", NULL },
        { "1 == \"1\"", "false", NULL },
        { "1 != \"1\"", "true", NULL },
        { "() == ()", "true", NULL },
        { "() == false", "false", NULL },
        { "() < 5", "false", NULL },
        { "() >= 5", "false", NULL },
        { "\"a\" < 5", "false", NULL },
        { "\"a\" < \"b\"", "true", NULL },
        { "2 < 10", "true", NULL },
        { "\"2\" < \"10\"", "false", NULL },
        { "[1, [2, #{a: 3}]] == [1, [2, #{a: 3}]]", "true", NULL },
        { "[1, 2] == [1, 2, ()]", "false", NULL },
        { "#{a: ()} == #{}", "false", NULL },
        { "'a' == \"a\"", "true", NULL },
        { "0..3 == 0..3", "true", NULL },
        { "let a = [1]; let b = [1]; a == b", "true", NULL },
    };
    (void)state;

    RUN(rows);
}

static void arrays_and_maps_are_values(void **state)
{
    static const struct row rows[] = {
        { "let a = [1]; let b = a; b.push(2); [a, b]", "[[1], [1, 2]]", NULL },
        { "let a = [1]; let b = [a, a]; b[0].push(2); [a, b]", "[[1], [[1, 2], [1]]]", NULL },
        { "let a = [1]; g(a); a", "[1]", "fn g(x) { x.push(2); }" },
        { "let m = #{a: [1]}; let n = m; n.a.push(2); [m.a, n.a]", "[[1], [1, 2]]", NULL },
        { "let m = #{a: [1]}; let x = m.a; x.push(2); m.a", "[1]", NULL },
        { "let a = [[1]]; for x in a { x.push(2); } a", "[[1]]", NULL },
        { "let a = [1]; let m = #{a: a}; m.a[0] = 9; a", "[1]", NULL },
        { "let a = []; let b = [1]; a.push(b); b.push(2); a", "[[1]]", NULL },
        { "let a = [1]; let f = || a; let b = f.call(); b.push(2); a", "[1]", NULL },
        { "let a = [1]; a += 2; a += [3, 4]; a", "[1, 2, 3, 4]", NULL },
        { "let a = [1]; let b = a + [2]; [a, b]", "[[1], [1, 2]]", NULL },
        { "let m = #{a: 1}; let n = m + #{b: 2}; n.b = 3; [m, n]",
          "[#{\"a\": 1}, #{\"a\": 1, \"b\": 3}]", NULL },
        { "let x = global::K; x.push(3); global::K", "[1, 2]", "const K = [1, 2];" },
    };
    (void)state;

    RUN(rows);
}

static void arrays_count_from_0_and_check_their_bounds(void **state)
{
    static const struct row rows[] = {
        { "let a = [1, 2, 3]; [a[0], a[2], a[-1], a[-3]]", "[1, 3, 3, 1]", NULL },
        { "[1, 2][2]", "!array index 2 out of bounds: array has only 2 items", NULL },
        { "[1][-2]", "!array index -2 out of bounds: array has only 1 item", NULL },
        { "[][0]", "!array is empty", NULL },
        { "[1][\"a\"]", "!data type incorrect: string (expecting i64)", NULL },
        { "5[0]", "!indexing is not supported: i64 [i64]", NULL },
        { "let a = [1, 2]; a[1] = 5; a[-2] += 1; a", "[2, 5]", NULL },
        { "let a = [1]; a[1] = 2", "!out of bounds", NULL },
        { "let a = [[1, 2], [3]]; a[0][1] = 9; a[1][0] *= 2; a", "[[1, 9], [6]]", NULL },
        { "let a = [(), 1, ()]; [a.len(), a[0], a]", "[3, (), [(), 1, ()]]", NULL },
        { "let a = [1, (), 3]; let n = 0; for x in a { n += 1; } n", "3", NULL },
        { "[1, 2, 3, 4][1..3]", "[2, 3]", NULL },
        { "let a = [1, 2, 3]; [a.pop(), a.shift(), a, a.len]", "[3, 1, [2], 1]", NULL },
        { "let a = [1, 2, 3]; a.insert(1, 9); a.insert(-1, 8); [a.remove(0), a]",
          "[1, [9, 2, 8, 3]]", NULL },
        { "let a = [3, 1, 2]; a.sort(); a.reverse(); a", "[3, 2, 1]", NULL },
        { "let a = [3, 1, 2]; a.sort(|x, y| y - x); a", "[3, 2, 1]", NULL },
        { "let a = [\"b\", 1]; a.sort()", "!data type incorrect: i64 (expecting string)", NULL },
        { "[1, 2, 3, 4].filter(|x| x % 2 == 0).map(|x| x * 10)", "[20, 40]", NULL },
        { "[5, 6].map(|x, i| x * i)", "[0, 6]", NULL },
        { "[1, 2, 3].reduce(|sum, x| sum + x, 0)", "6", NULL },
        { "[1, 2, 3].filter(|x| x)", "!data type incorrect: i64 (expecting bool)", NULL },
        { "[[1, 2].contains(2), 2 in [1, 2], 3 !in [1, 2], [1, 2].index_of(2), [1].index_of(5)]",
          "[true, true, true, 1, -1]", NULL },
        { "[[1, 2].some(|x| x > 1), [1, 2].all(|x| x > 1), [1, 5, 7].find(|x| x > 3)]",
          "[true, false, 5]", NULL },
        { "let a = [1, 1, 2, 2, 1]; a.dedup(); a", "[1, 2, 1]", NULL },
        { "let a = [1, 2, 3, 4, 5]; let d = a.drain(|x| x < 3); [a, d]", "[[3, 4, 5], [1, 2]]", NULL },
        { "let a = [1, 2, 3, 4, 5]; let d = a.retain(1, 2); [a, d]", "[[2, 3], [1, 4, 5]]", NULL },
        { "let a = [1, 2, 3, 4]; [a.extract(1..=2), a.extract(-2), a]",
          "[[2, 3], [3, 4], [1, 2, 3, 4]]", NULL },
        { "let a = [1, 2, 3, 4]; a.splice(1, 2, [7, 8, 9]); a", "[1, 7, 8, 9, 4]", NULL },
        { "let a = [1]; a.append([2, 3]); a.truncate(2); a.pad(4, 0); a.chop(3); a", "[2, 0, 0]", NULL },
        { "let a = [1, 2, 3, 4]; let b = a.split(1); [a, b]", "[[1], [2, 3, 4]]", NULL },
        { "let a = [1, 2]; a.clear(); [a, a.is_empty(), a.pop()]", "[[], true, ()]", NULL },
        { "let a = []; push(a, 4); len(a)", "1", NULL },
        { "[#{v: 2}, #{v: 1}].min_by(|m| m.v)", "#{\"v\": 1}", NULL },
        { "[1, 2].nonsense(3)", "!function not found: nonsense (array, i64)", NULL },
    };
    (void)state;

    RUN(rows);
}

static void maps_answer_unit_for_what_they_have_not(void **state)
{
    static const struct row rows[] = {
        { "let m = #{a: 1, \"b c\": 2,}; [m.a, m[\"b c\"], m.x]", "[1, 2, ()]", NULL },
        { "let m = #{}; m.x = 1; m[\"y\"] = 2; m.x += 5; m", "#{\"x\": 6, \"y\": 2}", NULL },
        { "let m = #{a: #{b: #{}}}; m.a.b.c = 4; m.a.b.c", "4", NULL },
        { "let m = #{b: 1, a: 2}; [m.keys(), m.values(), m.len()]", "[[\"a\", \"b\"], [2, 1], 2]", NULL },
        { "let m = #{a: ()}; [\"a\" in m, \"b\" in m, m.contains(\"a\"), m.len()]",
          "[true, false, true, 1]", NULL },
        { "let m = #{a: 1}; [m.remove(\"a\"), m.remove(\"a\"), m]", "[1, (), #{}]", NULL },
        { "let m = #{a: 1}; m.mixin(#{a: 2, b: 3}); m += #{c: 4}; m",
          "#{\"a\": 2, \"b\": 3, \"c\": 4}", NULL },
        { "let m = #{len: 5}; [m.len, m.len()]", "[5, 1]", NULL },
        { "let m = #{end: 1, local: 2, nil: 3}; m.end + m.local + m.nil", "6", NULL },
        { "#{a: 1}.filter(|k, v| v > 1)", "#{}", NULL },
        { "().x", "!property not found: x (of a value of type ())", NULL },
        { "let m = #{}; m.x.y", "!property not found: y (of a value of type ())", NULL },
        { "let m = #{}; m?.x?.y", "()", NULL },
        { "let m = #{x: #{y: 3}}; m?.x?.y + 1", "4", NULL },
        { "let m = (); m?.x.y.z(1)", "()", NULL },
        { "let m = #{}; m.x?[4]", "()", NULL },
        { "let m = #{x: 1}; (m.y ?? 2) + (m.x ?? 5)", "3", NULL },
        { "false ?? 3", "false", NULL },
        { "let n = 0; let m = 1 ?? { n = 5; 2 }; [m, n]", "[1, 0]", NULL },
        { "for x in #{} {}", "!for loop expects an iterable type, not map", NULL },
        { "#{a: 1, a: 2}", "!'a' is in this map twice", NULL },
    };
    (void)state;

    RUN(rows);
}

static void strings_count_in_characters(void **state)
{
    static const struct row rows[] = {
        { "\"h\xc3\xa9llo\".len()", "5", NULL },
        { "\"h\xc3\xa9llo\"[1]", "\"\xc3\xa9\"", NULL },
        { "\"h\xc3\xa9llo\"[-1]", "\"o\"", NULL },
        { "\"abc\"[3]", "!string index 3 out of bounds: string has only 3 characters", NULL },
        { "let s = \"h\xc3\xa9llo\"; s[1] = 'e'; s[-1] = '\xc3\xb6'; s", "\"hell\xc3\xb6\"", NULL },
        { "let m = #{s: \"abc\"}; m.s[0] = 'x'; m.s.make_upper(); m.s", "\"XBC\"", NULL },
        { "let a = [\"abc\"]; a[0][1] = 'x'; a[0] += \"!\"; a", "[\"axc!\"]", NULL },
        { "\"a\" + 1 + 2.0 + true + () + [1]", "\"a12.0true[1]\"", NULL },
        { "1 + \"a\"", "\"1a\"", NULL },
        { "`x${1 + 1}y${\"z\"}`", "\"x2yz\"", NULL },
        { "`\nfirst ${let a = 2; a * `${a}1`.len()}``q`", "\"first 4`q\"", NULL },
        { "`${\"}\"}`", "\"}\"", NULL },
        { "`a${return 5}b`", "5", NULL },
        { "return 6; 7", "6", NULL },
        { "\"\\t\\x41\\u00e9\\U0001F600\\\"\"\"\"", "\"\\tA\xc3\xa9\xf0\x9f\x98\x80\\\"\\\"\"", NULL },
        { "\"ab\\\n   cd\"", "\"abcd\"", NULL },
        { "#\"a\\n\"b\"#", "\"a\\\\n\\\"b\"", NULL },
        { "##\"a\"#b\"##", "\"a\\\"#b\"", NULL },
        { "let s = \"  x \"; s.trim(); s", "\"x\"", NULL },
        { "let s = \"a.b.c\"; s.replace(\".\", \"%\"); s", "\"a%b%c\"", NULL },
        { "let s = \"hello\"; s.truncate(3); s.pad(5, '-'); let p = s.pop(); [s, p]",
          "[\"hel-\", \"-\"]", NULL },
        { "let s = \"hello\"; s.crop(1, 3); s.remove(\"l\"); s", "\"e\"", NULL },
        { "let s = \"x\"; s.clear(); s.is_empty()", "true", NULL },
        { "[\"abc\".contains(\"bc\"), \"bc\" in \"abc\", \"abc\".starts_with(\"a\"), \"abc\".ends_with(\"x\")]",
          "[true, true, true, false]", NULL },
        { "[\"a,b,c\".split(\",\"), \"a b\".split(), \"a,b,c\".split(\",\", 2), \"abc\".split(1)]",
          "[[\"a\", \"b\", \"c\"], [\"a\", \"b\"], [\"a\", \"b,c\"], [\"a\", \"bc\"]]", NULL },
        { "[\"h\xc3\xa9llo\".index_of(\"l\"), \"abc\".sub_string(1), \"abcd\".sub_string(1, 2), \"abcd\"[1..=2]]",
          "[2, \"bc\", \"bc\", \"bc\"]", NULL },
        { "[\"Ab\".to_upper(), \"Ab\".to_lower(), \"ab\".to_chars(), \"\xc3\xa9\".bytes()]",
          "[\"AB\", \"ab\", [\"a\", \"b\"], 2]", NULL },
        { "[parse_int(\"42\"), \"ff\".parse_int(16), \"1.5\".parse_float(), parse_int(\"-7\")]",
          "[42, 255, 1.5, -7]", NULL },
        { "\"x1\".parse_int()", "!error parsing integer number 'x1'", NULL },
        { "let n = 0; for c in \"h\xc3\xa9y\" { n += 1; } n", "3", NULL },
        { "let s = \"abc\"; for (c, i) in s { s += i; } s", "\"abc012\"", NULL },
        { "\"abc\" - \"b\"", "\"ac\"", NULL },
        { "[1.0, \"a\", ()].to_string()", "\"[1.0, \\\"a\\\", ()]\"", NULL },
        { "[().to_string(), 1e100.to_string(), true.to_string()]", "[\"\", \"1e+100\", \"true\"]", NULL },
    };
    (void)state;

    RUN(rows);
}

static void blocks_and_branches_have_values(void **state)
{
    static const struct row rows[] = {
        { "let x = { let y = 1; y + 1 }; x", "2", NULL },
        { "let x = { 1; 2; }; x", "2", NULL },
        { "let x = if false { 1 }; x", "()", NULL },
        { "let x = if 1 > 2 { 1 } else if 2 > 1 { 2 } else { 3 }; x", "2", NULL },
        { "1 + if true { 2 } else { 3 } + 4", "7", NULL },
        { "if true { 1 } else { 2 }", "1", NULL },
        { "let a = [1, { let b = 2; b }, if true { 3 }]; a", "[1, 2, 3]", NULL },
        { "let x = 1; [x, { x = 5; x }, x]", "[1, 5, 5]", NULL },
        { "g(if true { 1 } else { 2 }, { 3 })", "4", "fn g(a, b) { a + b }" },
        { "let x = 5; x = if x > 3 { x + 1 } else { 0 }; x", "6", NULL },
        { "let x = { return 9; }; x", "9", NULL },
        { "let x = loop { break 5; }; x", "5", NULL },
        { "let x = while true { break 6; }; x", "6", NULL },
        { "let x = for i in 0..5 { if i == 3 { break i * 2; } }; x", "6", NULL },
        { "let x = for i in 0..5 {}; x", "()", NULL },
        { "loop { break 8 }", "8", NULL },
        { "let x = 3; let y = { x = 4; }; y", "()", NULL },
        { "let x = let_value(); x", "()", "fn let_value() { let a = 1; }" },
        { "if true { 1 } - 1", "-1", NULL },
        { "let x = 1; { let x = 2; x += 1; } x", "1", NULL },
        { "let x = 1; let x = x + 1; let x = x * 10; x", "20", NULL },
        { "let local = 1; let end = 2; let not = 3; let self = 4; let R = 5; local + end + not + self + R",
          "15", NULL },
        { "let x_2 = 7; let x = 1; let x = 2; x_2", "7", NULL },
        { "let a; a", "()", NULL },
    };
    (void)state;

    RUN(rows);
}

static void switch_matches_by_value_and_type(void **state)
{
    static const struct row rows[] = {
        { "switch 2 { 1 => \"a\", 2 | 3 => \"b\", _ => \"c\" }", "\"b\"", NULL },
        { "switch 1.0 { 1 => \"int\", _ => \"other\" }", "\"other\"", NULL },
        { "switch \"x\" { \"y\" => 1, \"x\" => { 2 } _ => 3 }", "2", NULL },
        { "switch 9 { 1 => 1 }", "()", NULL },
        { "switch 5 { 0..5 => \"low\", 5..=9 => \"high\", _ => \"\" }", "\"high\"", NULL },
        { "switch 5 { 0..10 => \"range\", 5 => \"exact\" }", "\"exact\"", NULL },
        { "switch 5 { 0..10 if false => 1, 0..10 if true => 2, _ => 3 }", "2", NULL },
        { "switch () { () => 1, _ => 2 }", "1", NULL },
        { "switch true { true => 1, false => 2 }", "1", NULL },
        { "switch -3 { -3 => 1, _ => 2 }", "1", NULL },
        { "let x = 4; switch x { 4 if { let y = x; y > 5 } => 1, 4 if x == 4 => 2, _ => 3 }", "2", NULL },
        { "let x = switch 'c' { 'c' => { let q = 3; q } _ => 0 }; x", "3", NULL },
        { "switch 1 { 1 => return 5, _ => () } 6", "5", NULL },
        { "let n = 0; for i in 0..4 { switch i { 2 => break, _ => n += 1 } } n", "2", NULL },
        { "switch 3 { _ => { let z = 1; z } }", "1", NULL },
        { "switch 1 { _ => 1, 2 => 3 }", "!'_' must be the last case", NULL },
        { "switch 1 { _ if true => 1 }", "!'_' takes no condition", NULL },
        { "let y = 1; switch 1 { y => 2 }", "!a case is a literal", NULL },
    };
    (void)state;

    RUN(rows);
}

static void loops_turn_and_leave(void **state)
{
    static const struct row rows[] = {
        { "let n = 0; while n < 5 { n += 1; if n == 3 { break; } } n", "3", NULL },
        { "let s = 0; for i in 0..5 { if i % 2 == 0 { continue; } s += i; } s", "4", NULL },
        { "let s = 0; for i in 1..=3 { s += i; } s", "6", NULL },
        { "let s = 0; let n = 4; for i in 0..n { s += i; } s", "6", NULL },
        { "let s = []; for (x, i) in [7, 8] { s.push([i, x]); } s", "[[0, 7], [1, 8]]", NULL },
        { "let s = []; for i in range(0, 10, 3) { s += i; } s", "[0, 3, 6, 9]", NULL },
        { "let s = []; for i in range(5, 0, -2) { s += i; } s", "[5, 3, 1]", NULL },
        { "let n = 0; do { n += 1; } while n < 3; n", "3", NULL },
        { "let n = 0; do { n += 1; if n == 2 { continue; } } until n >= 4; n", "4", NULL },
        { "let n = 0; loop { n += 1; if n > 4 { break; } } n", "5", NULL },
        { "let n = 0; while { let k = n; k < 3 } { n += 1; } n", "3", NULL },
        { "let n = 0; do { n += 1; } while { let k = n; k < 3 }; n", "3", NULL },
        { "let a = [1, 2]; for x in a { a.push(x); } a", "[1, 2, 1, 2]", NULL },
        { "let s = 0; for i in 0..3 { for j in 0..3 { if j == 2 { break; } if i == 1 { continue; } s += 1; } } s",
          "4", NULL },
        { "for x in 5 {}", "!for loop expects an iterable type, not i64", NULL },
        { "let f = []; for i in 0..3 { f.push(|| i); } f.map(|g| g.call())", "[2, 2, 2]", NULL },
        { "let f = []; for i in 0..3 { let j = i; f.push(|| j); } f.map(|g| g.call())", "[0, 1, 2]", NULL },
    };
    (void)state;

    RUN(rows);
}

static void functions_are_pure_and_told_apart_by_arity(void **state)
{
    static const struct row rows[] = {
        { "g(1) + g(1, 2)", "13", "fn g(a) { 10 } fn g(a, b) { a + b }" },
        { "g(1)", "2", "fn g(a) { 1 } fn g(b) { 2 }" },
        { "g()", "3", "private fn g() { return 3; 4 }" },
        { "fact(10)", "3628800", "fn fact(n) { if n <= 1 { 1 } else { n * fact(n - 1) } }" },
        { "g()", "!does not see the script's variable 'v'", "let v = 1; fn g() { v }" },
        { "g()", "!as global::V", "const V = 1; fn g() { V }" },
        { "g()", "5", "const V = 5; fn g() { global::V }" },
        { "[1, 2].map(double)", "[2, 4]", "fn double(x) { x * 2 }" },
        { "let f = double; f.call(4)", "8", "fn double(x) { x * 2 }" },
        { "let f = g; [f.call(1), f.call(1, 2)]", "[1, 2]", "fn g(a) { 1 } fn g(a, b) { 2 }" },
        { "let x = 5; x.g(2)", "7", "fn g(n) { this + n }" },
        { "let x = 5; x.g(2); x", "7", "fn g(n) { this += n; }" },
        { "let x = [1]; x.g(); x", "[1, 9]", "fn g() { this.push(9); }" },
        { "let m = #{v: 1}; m.inc(4); m.v", "5", "fn inc(n) { this.v += n; }" },
        { "let m = #{s: \"a\"}; m.s.g(); m.s", "\"A!\"", "fn g() { this.make_upper(); this += \"!\"; }" },
        { "let m = #{v: 1, f: |x| this.v + x}; m.f(2)", "3", NULL },
        { "let m = #{v: 1, f: |x| this.v += x}; m.f(2); m.v", "3", NULL },
        { "let m = #{v: 1, f: g}; m.f(2)", "3", "fn g(x) { this.v + x }" },
        { "[1, 2, 3].filter(|| this > 1)", "[2, 3]", NULL },
        { "g()", "!'this' is not bound", "fn g() { this }" },
        { "nonsense(1, \"a\")", "!function not found: nonsense (i64, string)", NULL },
        { "let x = 1; x.nonsense()", "!function not found: nonsense (i64)", NULL },
        { "let v = |x| x; v(1)", "!'v' is a variable; call what it holds with v.call(…)", NULL },
        { "h()", "true", "fn h() { is_ok(3) } fn is_ok(n) { n in 0..5 }" },
    };
    (void)state;

    RUN(rows);
}

static void closures_share_what_they_capture(void **state)
{
    static const struct row rows[] = {
        { "let n = 1; let f = |x| { n += x; n }; f.call(2); f.call(3); n", "6", NULL },
        { "let n = 1; let f = || n; n = 5; f.call()", "5", NULL },
        { "let f = make(3); f.call(4)", "7", "fn make(n) { |x| x + n }" },
        { "let add = |a| |b| a + b; add.call(1).call(2)", "3", NULL },
        { "let c = 0; let inc = || c += 1; let get = || c; inc.call(); inc.call(); get.call()", "2", NULL },
        { "let x = 1; let f = |x| x * 2; f.call(5) + x", "11", NULL },
        { "let f = || 42; f.call()", "42", NULL },
        { "let s = 0; [1, 2, 3].for_each(|x| s += x); s", "6", NULL },
        { "let f = |x| return x * 2; f.call(2)", "4", NULL },
        { "let f = |x| if x > 1 { \"big\" } else { \"small\" }; f.call(2)", "\"big\"", NULL },
    };
    (void)state;

    RUN(rows);
}

static void what_is_thrown_is_caught(void **state)
{
    static const struct row rows[] = {
        { "try { throw 42; } catch (e) { return e + 1; }", "43", NULL },
        { "try { throw #{code: 7}; } catch (e) { return e.code; }", "7", NULL },
        { "try { 1 / 0 } catch (e) { return [e.error, e.message]; }",
          "[\"ErrorArithmetic\", \"division by zero: 1 / 0\"]", NULL },
        { "let x = 1; try { x = 2; throw; } catch { x += 10; } x", "12", NULL },
        { "try { return 5; } catch { } 6", "5", NULL },
        { "let n = 0; for i in 0..5 { try { if i == 1 { continue; } if i == 3 { break; } n += 1; } catch {} } n",
          "2", NULL },
        { "let x = loop { try { break 7; } catch {} }; x", "7", NULL },
        { "try { try { throw 1; } catch (e) { throw e + 1; } } catch (e) { return e; }", "2", NULL },
        { "try { g() } catch (e) { return e; }", "\"deep\"", "fn g() { [1].map(|x| throw \"deep\"); }" },
        { "throw \"bad luck\"", "!1: runtime error: bad luck", NULL },
        { "throw", "!1: runtime error", NULL },
        { "let x = 0; try { let a = [1]; a[5] } catch (e) { x = e.error; } x", "\"ErrorArrayBounds\"", NULL },
        { "try { will_fail() } catch (e) { return e.message; }", "\"the host says no\"", NULL },
        { "try { will_loop(1) } catch { return 1; }", "!stack overflow", "fn will_loop(n) { 1 + will_loop(n + 1) }" },
    };
    (void)state;

    RUN(rows);
}

static void constants_stay(void **state)
{
    static const struct row rows[] = {
        { "const x = 1; x = 2", "!cannot change the constant 'x'", NULL },
        { "const x = [1]; x[0] = 2", "!cannot change the constant 'x'", NULL },
        { "const x = [1]; x.push(2)", "!cannot change the constant 'x'", NULL },
        { "const x = #{a: 1}; x.a += 2", "!cannot change the constant 'x'", NULL },
        { "global::X = 2", "!global::X is a constant", "const X = 1;" },
        { "global::Y", "!no constant 'Y'", "const X = 1;" },
        { "global::end + global::X", "3", "const X = 1; const end = X + 1;" },
    };
    (void)state;

    RUN(rows);
}

static void the_host_is_reached_by_name(void **state)
{
    static const struct row rows[] = {
        { "workers.len()", "4", NULL },
        { "workers[0].id + workers[-1].id", "\"w1w4\"", NULL },
        { "workers[4]", "!array index 4 out of bounds", NULL },
        { "let s = \"\"; for w in workers { s += w.id; } s", "\"w1w2w3w4\"", NULL },
        { "let s = \"\"; for (w, i) in workers { s += i; } s", "\"0123\"", NULL },
        { "workers.filter(|w| w.gpus > 1).first().id", "\"w2\"", NULL },
        { "workers.filter(|w| w.gpus)", "!data type incorrect: i64 (expecting bool)", NULL },
        { "let f = |w| w.id; workers.filter(f)", "!data type incorrect: string (expecting bool)", NULL },
        { "workers.filter(|w| w.nothing > 1).len()", "0", NULL },
        { "workers[0].nothing", "()", NULL },
        { "workers[0].nothing.more", "!property not found: more", NULL },
        { "workers[0].gpus = 3", "!field 'gpus' is read-only", NULL },
        { "workers[0].nonsense(1)", "!function not found: nonsense (worker, i64)", NULL },
        { "workers.map(|w| w.cost_per_token)", "[3, 9, 1, 5]", NULL },
        { "workers.reduce(|s, w| s + w.gpus, 0)", "5", NULL },
        { "workers.contains(workers[1])", "true", NULL },
        { "workers[0].labels.rack + workers[0].labels[\"rack\"]", "\"r-w1r-w1\"", NULL },
        { "[helpers.twice(4), distance(0, 0, 3, 4)]", "[8, 5.0]", NULL },
        { "let w = workers[0]; let v = w; v == w", "true", NULL },
        { "[kind_of_argument([1, 2]), kind_of_argument(#{}), kind_of_argument(1), kind_of_argument(|x| x)]",
          "[\"2 items\", \"0 items\", \"number\", \"function\"]", NULL },
        { "let l = give_list(); [l[0], l[-1], l.len(), l.index_of(\"b\"), \"a\" in l]",
          "[\"a\", \"b\", 2, 1, true]", NULL },
        { "will_fail()", "!the host says no", NULL },
        { "no_such_object.x", "!variable not found: no_such_object", NULL },
        { "print(\"hi\"); print(1.0); debug(\"x\"); logs()[0] + logs()[1] + logs()[2]", "\"hi1.0\\\"x\\\"\"", NULL },
        { "log.info(\"direct\"); logs()[0]", "\"direct\"", NULL },
        { "let distance = 3; distance(0, 0, 3, 4) + distance", "8.0", NULL },
    };
    (void)state;

    RUN(rows);
}
/* clang-format on */

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_checked_and_keep_their_type),
        cmocka_unit_test(only_bools_are_conditions),
        cmocka_unit_test(values_of_different_types_are_neither_equal_nor_ordered),
        cmocka_unit_test(arrays_and_maps_are_values),
        cmocka_unit_test(arrays_count_from_0_and_check_their_bounds),
        cmocka_unit_test(maps_answer_unit_for_what_they_have_not),
        cmocka_unit_test(strings_count_in_characters),
        cmocka_unit_test(blocks_and_branches_have_values),
        cmocka_unit_test(switch_matches_by_value_and_type),
        cmocka_unit_test(loops_turn_and_leave),
        cmocka_unit_test(functions_are_pure_and_told_apart_by_arity),
        cmocka_unit_test(closures_share_what_they_capture),
        cmocka_unit_test(what_is_thrown_is_caught),
        cmocka_unit_test(constants_stay),
        cmocka_unit_test(the_host_is_reached_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
