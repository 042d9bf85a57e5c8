/// Tests of the reports for machines: the document parses and says what was found, whatever stands in names and messages. And of the
/// closing table.
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "steve/drivers/drivers.h"
#include "steve/report/json.h"
#include "steve/report/junit.h"
#include "steve/report/table.h"

static struct steve_run_result result;
static struct steve_finding finding;
static struct steve_summary_finding found;

/// A failed run with one finding, whose sentence is `what`.
static struct steve_summary failed_run(const char *what)
{
    result = (struct steve_run_result){.episodes = 3, .ops = 61, .digest = 0x1f, .findings = 5, .seconds = 2};
    result.counts.compactions = 2;
    result.counts.compaction_blocks = 8;
    result.counts.compaction_locked_blocks = 2;
    result.counts.by_kind[STEVE_KIND_MALLOC][STEVE_REFUSED] = 4;
    finding = (struct steve_finding){.oracle = STEVE_ORACLE_PIN, .op = 118};
    snprintf(finding.what, sizeof finding.what, "%s", what);
    found = (struct steve_summary_finding){.finding = &finding, .episode = 2, .count = 5, .reproducer = what};
    return (struct steve_summary){
        .version = "0.1.0",
        .command = "run",
        .setup =
            {.driver = "jeff", .has_seed = true, .seed = UINT64_MAX, .jobs = 2, .without = 1u << STEVE_ORACLE_HANG},
        .result = &result,
        .failed = true,
        .catalog = &steve_drivers,
        .findings = &found,
        .finding_count = 1,
    };
}

static char *print(bool (*printer)(FILE *, const struct steve_summary *), const struct steve_summary *summary)
{
    char *text = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&text, &size);
    assert_non_null(memory);
    assert_true(printer(memory, summary));
    assert_int_equal(fclose(memory), 0);
    return text;
}

static const cJSON *field(const cJSON *object, const char *name)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(object, name);
    if (value == NULL) {
        fail_msg("no field '%s'", name);
    }
    return value;
}

static void assert_text(const cJSON *object, const char *name, const char *expected)
{
    assert_string_equal(cJSON_GetStringValue(field(object, name)), expected);
}

static void assert_number(const cJSON *object, const char *name, double expected)
{
    assert_true(cJSON_GetNumberValue(field(object, name)) == expected);
}

static void the_document_says_what_was_found(void **state)
{
    (void)state;
    struct steve_summary summary = failed_run("it moved");
    char *text = print(steve_print_json, &summary);
    cJSON *document = cJSON_Parse(text);
    assert_non_null(document);
    assert_text(document, "verdict", "fail");
    assert_text(document, "digest", "000000000000001f");
    assert_non_null(strstr(text, "18446744073709551615")); // the seed, to the last digit
    assert_number(document, "episodes", 3);
    assert_number(document, "ops", 61);
    assert_number(document, "ops_per_second", 30.5);
    assert_number(document, "compactions", 2);
    assert_number(field(document, "locks"), "share_of_blocks", 0.25);
    assert_number(field(document, "locks"), "share_of_bytes", 0);
    assert_number(field(field(document, "coverage_of_ops"), "malloc"), "refused", 4);
    assert_string_equal(cJSON_GetStringValue(cJSON_GetArrayItem(field(field(document, "options"), "without"), 0)),
                        "hang");

    const cJSON *first = cJSON_GetArrayItem(field(document, "findings"), 0);
    assert_text(first, "oracle", "pin");
    assert_text(first, "what", "it moved");
    assert_number(first, "op", 118);
    assert_number(first, "count", 5);
    cJSON_Delete(document);
    free(text);
}

static void a_failing_environment_is_no_pass(void **state)
{
    (void)state;
    struct steve_summary summary = failed_run("");
    summary.failed = false;
    summary.finding_count = 0;
    summary.trouble = "no process could be started";
    assert_string_equal(steve_summary_verdict(&summary), "error");
    char *text = print(steve_print_junit, &summary);
    assert_non_null(strstr(text, "errors=\"1\""));
    assert_non_null(strstr(text, "<error message=\"no process could be started\""));
    free(text);
}

static void any_bytes_make_a_valid_document(void **state)
{
    (void)state;
    struct steve_summary summary = failed_run("a\xff\"b\\\x01<\xed\xa0\x80>&\xc0\xaf\n\xf0\x9f\x90\x9e");
    char *text = print(steve_print_json, &summary);
    cJSON *document = cJSON_Parse(text);
    assert_non_null(document);
    assert_text(
        cJSON_GetArrayItem(field(document, "findings"), 0), "what",
        "a\xef\xbf\xbd\"b\\\x01<\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd>&\xef\xbf\xbd\xef\xbf\xbd\n\xf0\x9f\x90\x9e");
    cJSON_Delete(document);
    free(text);
}

static void xml_has_no_control_characters(void **state)
{
    (void)state;
    struct steve_summary summary = failed_run("a\x01<b>&\"\xff\x1b\xef\xbf\xbf]]>");
    char *text = print(steve_print_junit, &summary);
    for (const char *at = text; *at != '\0'; at++) {
        assert_true((unsigned char)*at >= 0x20 || *at == '\n');
    }
    assert_non_null(
        strstr(text, "message=\"a\xef\xbf\xbd&lt;b&gt;&amp;&quot;\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd]]&gt;\""));
    assert_null(strstr(text, "]]>"));
    free(text);
}

static void a_case_for_each_oracle_tells_its_state(void **state)
{
    (void)state;
    struct steve_summary summary = failed_run("it moved");
    char *text = print(steve_print_junit, &summary);
    char head[128];
    snprintf(head, sizeof head, "tests=\"%d\" failures=\"1\" errors=\"0\" skipped=\"1\"", STEVE_ORACLE_COUNT + 1);
    assert_non_null(strstr(text, head));
    assert_non_null(strstr(text, "name=\"pin\" time=\"0\">\n    <failure message=\"it moved\" type=\"pin\">"));
    assert_non_null(strstr(text, "name=\"hang\" time=\"0\">\n    <skipped"));
    free(text);

    found.known = true;
    summary.failed = false;
    text = print(steve_print_junit, &summary);
    assert_non_null(strstr(text, "failures=\"0\""));
    assert_null(strstr(text, "<failure"));
    assert_non_null(strstr(text, "known findings:"));
    free(text);
}

/// The table of so many counts, to be freed.
static char *print_table(const struct steve_counts *counts)
{
    char *text = NULL;
    size_t size = 0;
    FILE *memory = open_memstream(&text, &size);
    assert_non_null(memory);
    steve_print_table(memory, counts);
    assert_int_equal(fclose(memory), 0);
    return text;
}

static void the_table_says_no_more_than_came(void **state)
{
    (void)state;
    struct steve_counts counts = {0};
    char *text = print_table(&counts);
    assert_string_equal(text, "");
    free(text);

    counts.by_kind[STEVE_KIND_MALLOC][STEVE_DONE] = UINT64_MAX;
    counts.peak_blocks = 1;
    text = print_table(&counts);
    assert_string_equal(text, "op                done refused skipped\n"
                              "malloc           18.4E       0       0\n"
                              "most live blocks at a time 1\n");
    free(text);

    counts.moved_blocks = 3; // in a malloc that compacts
    text = print_table(&counts);
    assert_null(strstr(text, "compactions"));
    assert_non_null(strstr(text, "\nmoves seen 3, most live blocks at a time 1\n"));
    free(text);

    counts.compactions = 2;
    counts.compaction_blocks = 8;
    counts.compaction_locked_blocks = 2;
    text = print_table(&counts);
    assert_non_null(strstr(text, "\ncompactions 2; locked when they came: 25.0% of the blocks, 0.0% of the bytes\n"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_table_says_no_more_than_came), cmocka_unit_test(the_document_says_what_was_found),
        cmocka_unit_test(a_failing_environment_is_no_pass), cmocka_unit_test(any_bytes_make_a_valid_document),
        cmocka_unit_test(xml_has_no_control_characters),    cmocka_unit_test(a_case_for_each_oracle_tells_its_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
